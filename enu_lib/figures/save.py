"""Save figures and tables: byte-reproducible SVG, PNG and CSV, and a manifest with the origin of each."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure

from enu_lib.base.kinds import Json, conform, require
from enu_lib.config import library_version, parse_json
from enu_lib.figures.data import as_csv
from enu_lib.figures.formats import as_png, as_svg, paletted
from enu_lib.figures.stack import stack
from enu_lib.kernels import build
from enu_lib.storage import places
from enu_lib.storage.folder import locked, remove_leftovers, write_atomically

CHOOSE_ANOTHER_DIRECTORY = "choose another directory for the figures"


@lru_cache
def drawn_on() -> str:
    """What a figure's bytes depend on besides code and data: processor, compiler, versions of packages.

    Machines with the same value write the same bytes; others write figures that look the same.
    """
    vendor = ""
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        vendor = next((line.split(":")[1].strip() for line in lines if line.startswith("vendor_id")), "")
    compiler = None if os.environ.get("ENU_KERNEL") == "torch" else build.compiler()
    kernel = "no compiler"
    if compiler:
        asked = subprocess.run([*compiler, "-dumpversion"], capture_output=True, text=True)
        kernel = f"{Path(compiler[-1]).name} {asked.stdout.strip()}"
    parts = [
        " ".join(part for part in (platform.machine(), vendor, torch.backends.cpu.get_cpu_capability()) if part),
        " ".join(platform.libc_ver()).strip() or platform.system(),
        kernel,
        *(f"{name}={os.environ[name]}" for name in ("MKL_CBWR",) if os.environ.get(name)),
        f"Python {sys.version_info.major}.{sys.version_info.minor}",
        *(f"{name} {version(name)}" for name in ("torch", "numpy", "matplotlib", "pillow")),
    ]
    return ", ".join(parts)


def save_figure(
    fig: Figure,
    name: str,
    directory: str | Path | None = None,
    *,
    caption: str,
    data: pd.DataFrame | Mapping[str, pd.DataFrame] | None,
    zoo: Sequence[str] = (),
    alt: str | None = None,
    stacked: Figure | None = None,
) -> list[Path]:
    """Write NAME.svg, NAME.png, NAME.narrow.svg and the figure's numbers as CSV, and record them in manifest.json.

    Returns the paths.  NAME.narrow.svg is for phones: the same figure, one column wide (`figures.stack`).

    The same figure gives the same bytes (see `drawn_on`).  In a notebook the figure is displayed with its caption; it is then
    closed, so that it is not displayed twice.
    caption: what is shown, n, and the measure of spread; Markdown.  data: the numbers shown, one row per point
    (`enu_lib.figures.data`): a table for NAME.csv, or {part: table} for NAME_PART.csv, or None for a drawing without numbers.
    zoo: entries whose genomes are shown.  alt: alternative text; default: the caption.  directory: by default build/figures
    in the current checkout (`places.build`).  stacked: the figure for phones, if it is not to be made from the panels of `fig`.
    """
    directory = _folder(directory)
    paths = [directory / f"{name}.svg", directory / f"{name}.png"]
    paths[0].write_text(as_svg(fig), encoding="utf-8")
    paths[1].write_bytes(as_png(fig))
    narrow, drawn = directory / f"{name}.narrow.svg", fig if stacked is None else stacked
    stack(drawn)
    narrow.write_text(as_svg(drawn), encoding="utf-8")
    tables = {"": data} if isinstance(data, pd.DataFrame) else data or {}
    for part, table in tables.items():
        paths.append(directory / f"{name}{part and f'_{part}'}.csv")
        paths[-1].write_text(as_csv(table), encoding="utf-8")
    paths.append(narrow)
    caption = " ".join(caption.split())
    alt = " ".join(alt.split()) if alt else caption
    _note(name, paths, directory, caption, zoo, alt)
    _show(name, alt, caption, paths)
    for each in (fig, drawn):
        plt.close(each)
    return paths


def save_table(
    name: str,
    texts: Mapping[str, str],
    directory: str | Path | None = None,
    *,
    caption: str,
    zoo: Sequence[str] = (),
    summary: str | None = None,
) -> list[Path]:
    """Write a table as NAME.SUFFIX for each {suffix: text}, and record it in manifest.json; returns the paths.

    summary: a shorter table (Markdown) that a notebook displays, with the caption.
    """
    directory = _folder(directory)
    paths = [directory / f"{name}.{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    caption = " ".join(caption.split())
    _note(name, paths, directory, caption, zoo)
    if summary:
        _display({"text/markdown": f"{summary}\n\n{caption} Files: {_names(paths)}."}, {"table": name})
    return paths


def read_manifest(directory: Path) -> list[Json]:
    """The entries of a folder's manifest.json; [] if there is none.  Raises ValueError for an invalid file."""
    manifest = directory / "manifest.json"
    if not manifest.exists():
        return []
    try:
        entries = conform(list[dict], parse_json(manifest.read_bytes(), str(manifest)), str(manifest))
        return [{**entry, **require(entry, {"figure": str}, str(manifest))} for entry in entries]
    except ValueError as error:
        raise ValueError(f"{error}: delete it and draw the figures again") from None


def write_manifest(directory: Path, entries: Sequence[Json]) -> None:
    """Replace a folder's manifest.json, sorted by figure name."""
    text = json.dumps(sorted(entries, key=lambda e: e["figure"]), indent=1, ensure_ascii=False)
    write_atomically(directory / "manifest.json", f"{text}\n".encode(), CHOOSE_ANOTHER_DIRECTORY)


def _folder(directory: str | Path | None) -> Path:
    if directory is None:
        return places.build("figures")
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _note(name: str, paths: Sequence[Path], directory: Path, caption: str, zoo: Sequence[str], alt: str = "") -> None:
    entry = {
        "figure": name,
        "files": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths},
        "caption": " ".join(caption.split()),
        **({"alt": alt} if alt else {}),
        "notebook": os.environ.get("ENU_NOTEBOOK"),
        "zoo": list(zoo),
        "library": library_version(),
        "drawn_on": drawn_on(),
    }
    with locked(directory, wait=True, remedy=CHOOSE_ANOTHER_DIRECTORY):
        remove_leftovers(directory, "manifest.json")
        entries = [e for e in read_manifest(directory) if e["figure"] != name]
        write_manifest(directory, [*entries, entry])


def _show(name: str, alt: str, caption: str, paths: Sequence[Path]) -> None:
    """Display a saved figure with its caption; the metadata holds the name by which the book finds it."""
    if not _in_notebook():
        return
    picture = base64.b64encode(paletted(paths[1].read_bytes())).decode()
    tables = [path for path in paths if path.suffix == ".csv"]
    data = f"<br>Data: {html.escape(_names(tables))}." if tables else ""
    figure = (
        f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" style="max-width: 860px; width: 100%">'
        f"<figcaption>{html.escape(caption)}{data}</figcaption></figure>"
    )
    _display({"text/html": figure, "text/plain": caption}, {"figure": name})


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return bool(ipython and ipython.get_ipython())


def _display(data: dict[str, str], metadata: dict[str, str]) -> None:
    """Display this, if a notebook is running."""
    if _in_notebook():
        from IPython.display import display

        display(data, raw=True, metadata=metadata)
