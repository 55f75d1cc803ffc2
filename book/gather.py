"""The figures of all executed pages in one folder: python book/gather.py NOTEBOOKS OUT [--keep FIGURES].

NOTEBOOKS is a folder that `run.py` filled.  OUT is replaced as a whole.  FIGURES, the folder that git tracks, is then brought
up to date: a figure stays as it is if it has the same bytes, or if another kind of machine drew it and it shows the same.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np

from enu_lib.figures import read_manifest, write_manifest

HERE = Path(__file__).parent
# Two drawings show the same if nothing in one lies further than a pixel of the PNG (72/250 point; a curve is 1.1 wide) from
# where it is in the other.  Markers are drawn at whole pixels, so the least rounding may move one by a pixel.
POINTS = 72 / 250
LEVELS = 32  # of 256: smoothed edges change by up to 20 where a marker has moved; the faintest shading is 40 from white
# Bound for numbers in tables (three to six digits), relative to the number, or to its column's range: a small one among large
# ones may be a difference of these.
RELATIVE = 0.002
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
# matplotlib's names of clip paths and markers, digests of their points; and images, which are compared as part of the PNG
DIGEST = re.compile(r"\b[a-zA-Z]+[0-9a-f]{10}\b|data:image/png;base64,[^\"]*")


def same_text(a: str, b: str, absolute: float, relative: float) -> bool:
    """Whether two texts differ in nothing but numbers, and these by no more than the larger of the two bounds."""
    a, b = (DIGEST.sub("", text) for text in (a, b))
    if NUMBER.split(a) != NUMBER.split(b):
        return False
    x, y = (np.array(NUMBER.findall(text), dtype=float) for text in (a, b))
    return bool(np.allclose(x, y, rtol=relative, atol=absolute))


def same_picture(a: Path, b: Path) -> bool:
    """Whether each pixel of two PNGs has, but for LEVELS, a value within those of its neighbourhood in the other one."""
    x, y = (np.rint(matplotlib.image.imread(path) * 255).astype(np.int16) for path in (a, b))
    return x.shape == y.shape and _within(x, y) and _within(y, x)


def _within(x: np.ndarray, y: np.ndarray) -> bool:
    height, width = x.shape[:2]
    padded = np.pad(y, ((1, 1), (1, 1), (0, 0)), mode="edge")
    near = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    low, high = near[0], near[0]
    for shifted in near[1:]:
        low, high = np.minimum(low, shifted), np.maximum(high, shifted)
    return bool(np.all((low - LEVELS <= x) & (x <= high + LEVELS)))


def alike(a: Path, b: Path) -> bool:
    """Whether two files show the same: pictures to the eye, drawings and tables in their text and, nearly, their numbers."""
    if a.read_bytes() == b.read_bytes():
        return True
    if a.suffix == ".png":
        return same_picture(a, b)
    texts = [path.read_text(encoding="utf-8") for path in (a, b)]
    if a.suffix == ".csv":
        return same_table(*texts)
    return same_text(*texts, *((POINTS, 0.0) if a.suffix == ".svg" else (0.0, RELATIVE)))


def same_table(a: str, b: str) -> bool:
    """Whether two CSV texts have the same words, and numbers that differ by little, or by little in their column's range."""
    x, y = (list(csv.reader(io.StringIO(text))) for text in (a, b))
    if [len(row) for row in x] != [len(row) for row in y]:
        return False
    for one, other in zip(zip(*x, strict=True), zip(*y, strict=True), strict=True):
        numbers = [(float(u), float(v)) for u, v in zip(one, other, strict=True) if _is_number(u) and _is_number(v)]
        if [u for u in one if not _is_number(u)] != [v for v in other if not _is_number(v)]:
            return False
        u, v = np.array(numbers).reshape(-1, 2).T
        if not np.allclose(u, v, rtol=RELATIVE, atol=RELATIVE * (np.ptp(u) if len(u) else 0.0)):
            return False
    return True


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def shown(notebook: Path) -> set[str]:
    """The names of the figures that an executed page shows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return {o["metadata"]["figure"] for o in outputs if "figure" in o.get("metadata", {})}


def gather(notebooks: Path, out: Path) -> None:
    """Replace `out` by the figures of all pages in `notebooks`, with one manifest.

    Raises ValueError if a page's figure is missing, or is not the one that it drew.
    """
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    entries: list[dict[str, Any]] = []
    for page in sorted(notebooks.glob("[0-9]*.ipynb")):
        if page.stem.endswith(".failed") or not (HERE / f"{page.stem}.py").exists():
            continue
        drawn = page.with_suffix(".figures")
        found = read_manifest(drawn)
        lost = sorted(shown(page) - {entry["figure"] for entry in found})
        lost += [name for e in found for name, digest in e["files"].items() if not _is(drawn / name, digest)]
        if lost:
            raise ValueError(f"{drawn} lacks {', '.join(lost)} as {page.stem} drew it: delete {page}, and run make again")
        for entry in found:
            for name in entry["files"]:
                shutil.copy(drawn / name, part)
        entries += found
    write_manifest(part, entries)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)


def keep(drawn: Path, kept: Path) -> str:
    """Bring the tracked folder `kept` up to date with `drawn`, and say in one line what has changed, and why."""
    kept.mkdir(parents=True, exist_ok=True)
    before = {entry["figure"]: entry for entry in read_manifest(kept)}
    entries: list[dict[str, Any]] = []
    other, differ, renewed = [], [], []  # drawn elsewhere and alike, drawn elsewhere and not alike, new
    for entry in read_manifest(drawn):
        old = before.get(entry["figure"], {"files": {}})
        whole = old["files"].keys() == entry["files"].keys() and all(_is(kept / n, d) for n, d in old["files"].items())
        foreign = old.get("drawn_on", entry["drawn_on"]) != entry["drawn_on"]
        if whole and old["files"] == entry["files"]:
            same = old
        elif whole and foreign and all(alike(kept / name, drawn / name) for name in entry["files"]):
            same = old
            other.append(entry["figure"])
        else:
            for name in entry["files"]:
                shutil.copy(drawn / name, kept)
            same = entry
            (differ if whole and foreign else renewed).append(entry["figure"])
        entries.append({**entry, "files": same["files"], "drawn_on": same.get("drawn_on", entry["drawn_on"])})
    if entries != list(before.values()):
        write_manifest(kept, entries)
    files = {name for entry in entries for name in entry["files"]} | {"manifest.json"}
    for path in kept.iterdir():
        if path.name not in files:
            path.unlink()
    parts = [f"{len(entries) - len(differ) - len(renewed)} of {len(entries)} as they were"]
    if other:
        parts[0] += f" ({len(other)} by another kind of machine, in other bytes that show the same)"
    if differ:
        parts.append(f"unlike those of another kind of machine, and replaced: {', '.join(differ)}")
    if renewed:
        parts.append(f"new: {', '.join(renewed)}")
    return f"{kept}: {'; '.join(parts)}. As drawn here: {drawn}"


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--keep", type=Path, metavar="FIGURES", help="bring this folder up to date, too")
    options = parser.parse_args()
    try:
        gather(options.notebooks, options.out)
    except ValueError as error:
        print(f"gather.py: {error}", file=sys.stderr)
        return 1
    print(keep(options.out, options.keep) if options.keep else options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
