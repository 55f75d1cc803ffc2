"""Figures as files: one style, byte-reproducible SVG and PNG, and a manifest of where each comes from."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from filelock import FileLock

from enu_lib.config import library_version


def save_figure(
    fig: Any, name: str, directory: str | Path, *, caption: str, zoo: Sequence[str] = (), alt: str | None = None
) -> list[Path]:
    """Write NAME.svg and NAME.png and note them in manifest.json; the same figure gives the same bytes.

    In a notebook, show it with its caption; it is closed, so that it is not shown a second time.
    caption: what is shown, of how many, and what the spread is; Markdown.  zoo: entries whose genomes it shows.  alt: what
    somebody who cannot see it should know, where the caption does not say it.
    A relative directory is taken from ENU_FOLDER, if that is set (`make lab` does).
    """
    directory = _folder(directory)
    paths = [directory / f"{name}.svg", directory / f"{name}.png"]
    fig.savefig(paths[0], metadata={"Date": None})
    fig.savefig(paths[1])
    caption = " ".join(caption.split())
    alt = " ".join(alt.split()) if alt else caption
    _note(name, paths, directory, caption, zoo, alt)
    if (ipython := sys.modules.get("IPython")) and ipython.get_ipython():
        _show(name, alt, caption, paths[1])
    plt.close(fig)
    return paths


def save_table(name: str, texts: dict[str, str], directory: str | Path, *, caption: str, zoo: Sequence[str] = ()) -> list[Path]:
    """Write a table as NAME.SUFFIX for each {suffix: text}, and note it in manifest.json as figures are."""
    directory = _folder(directory)
    paths = [directory / f"{name}.{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    _note(name, paths, directory, caption, zoo)
    return paths


def _folder(directory: str | Path) -> Path:
    folder = Path(os.environ.get("ENU_FOLDER", "")) / directory
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
        "seconds": round(time.time() - float(os.environ.get("ENU_STARTED", time.time())), 1),
    }
    manifest = directory / "manifest.json"
    key = hashlib.sha256(str(manifest.resolve()).encode()).hexdigest()[:16]
    lock = Path(tempfile.gettempdir()) / f"enu-{key}.lock"
    with FileLock(lock):
        entries = json.loads(manifest.read_text()) if manifest.exists() else []
        entries = sorted([e for e in entries if e["figure"] != name] + [entry], key=lambda e: e["figure"])
        temporary = manifest.with_suffix(".tmp")
        temporary.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
        temporary.replace(manifest)


def _show(name: str, alt: str, caption: str, png: Path) -> None:
    """Display a saved figure with its caption; the book finds it by the name in the output's metadata."""
    from IPython.display import display

    picture = base64.b64encode(png.read_bytes()).decode()
    figure = (
        f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" style="max-width: 860px; width: 100%">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )
    display({"text/html": figure, "text/plain": caption}, raw=True, metadata={"figure": name})
