"""Two pages made from executed notebooks: where everything comes from, and how to cite."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from enu_lib import zoo
from enu_lib.figures import read_manifest
from enu_lib.study.tables import NO_CASE, markdown


def manifest(figures: Path) -> dict[str, dict[str, Any]]:
    """manifest.json of a folder of figures, by figure."""
    return {entry["figure"]: entry for entry in read_manifest(figures)}


def page(notebooks: dict[str, Any], figures: dict[str, dict[str, Any]]) -> str:
    """Run times, versions and processor of executed notebooks; the figures' and the zoo's checksums and settings."""
    runs = {name: notebook.metadata["run"] for name, notebook in notebooks.items()}
    total = sum(run["seconds"] for run in runs.values())
    rows = [
        {
            "page": f"[{name}]({name}.ipynb)",
            "run time (s)": f"{run['seconds']:.0f}",
            "parameters": _parameters(notebooks[name]),
            "date": run["date"],
            "processor": run["processor"],
        }
        for name, run in runs.items()
    ]
    versions = {f"{k} {v}" for run in runs.values() for k, v in {"python": run["python"], **run["versions"]}.items()}
    kernels = {run["kernel"] for run in runs.values()}
    parts = [
        "# Provenance\n\nMade from the executed notebooks of this book, and from the zoo's files.\n",
        f"## Notebooks\n\n{len(runs)} pages, {total:.0f} s in all. Fast path: {', '.join(sorted(kernels))}. Versions: "
        f"{', '.join(sorted(versions))}.\n",
        markdown(rows),
        "## Figures and tables\n\nSHA-256 of the SVG or CSV, its first sixteen digits; `manifest.json` has the whole.\n",
        markdown(
            [
                {
                    "figure": f"[{name}](#figure-{name})" if "alt" in e else name,
                    "made by": f"`{e['notebook']}`",
                    "shows zoo entries": ", ".join(e["zoo"]) or "none",
                    "checksum": f"`{_digits(e)}`",
                }
                for name, e in figures.items()
                if e["notebook"] in notebooks
            ]
        ),
        "## Evolved units\n\nWhat each entry of the zoo is a function of, and what it scored on environments that evolution "
        "never saw. `python -m enu_lib zoo verify` measures all of it again.\n",
        *(entry(name) for name in zoo.names()),
    ]
    return "\n".join(parts)


def entry(name: str) -> str:
    """A zoo entry: settings, origin, scores, checksum."""
    p = zoo.load(name).provenance
    experiment, parts = p["experiment"], ("task", "model", "es")
    found = {"genome, SHA-256": f"`{p['sha256'][:32]}` `{p['sha256'][32:]}`"}
    found |= {key: p[key] for key in ("genome", "seed", "generations", "seconds", "processor", "version", "date")}
    found |= {key: p[key] for key in ("note",) if key in p}
    found |= {part: _settings(experiment[part]) for part in parts}
    found["experiment"] = _settings({k: v for k, v in experiment.items() if k not in parts})
    scores = {key: "none" if math.isnan(value) else f"{value:.5g}" for key, value in p["scores"].items()}
    text = markdown([{"setting or score": key, "value": value} for key, value in (found | scores).items()])
    return f"### {name}\n\n{text}" + (f"\n{NO_CASE}\n" if "none" in scores.values() else "")


def cite(path: Path) -> str:
    """How to cite, from CITATION.cff: the paper first, then this software; as text and as BibTeX."""
    software = yaml.safe_load(path.read_text(encoding="utf-8"))
    paper = software["references"][0]
    pages = f"{paper['start']}-{paper['end']}"
    doi = f"https://doi.org/{paper['doi']}"
    people = {k: " and ".join(_person(a) for a in v["authors"]) for k, v in (("paper", paper), ("software", software))}
    bibtex = "\n\n".join(
        _bibtex(kind, key, fields)
        for kind, key, fields in (
            ("article", "bertens2020", {
                "author": people["paper"], "title": f"{{{paper['title']}}}", "journal": paper["journal"],
                "volume": paper["volume"], "pages": pages.replace("-", "--"), "year": paper["year"], "doi": paper["doi"],
            }),
            ("software", "enu_lib", {
                "author": f"{{{people['software']}}}", "title": f"{{{software['title']}}}", "version": software["version"],
                "license": software["license"],
            }),
        )
    )  # fmt: skip
    return f"""# How to cite

{software["message"]}

- {people["paper"].rstrip(".")}. {paper["title"]}. *{paper["journal"]}* {paper["volume"]}, {pages} ({paper["year"]}).
  [doi:{paper["doi"]}]({doi})
- {people["software"].rstrip(".")}. {software["title"]}. Version {software["version"]}, {software["license"]} licence.

```bibtex
{bibtex}
```
"""


def _digits(figure: dict[str, Any]) -> str:
    return next(iter(figure["files"].values()))[:16]


def _person(author: dict[str, str]) -> str:
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def _bibtex(kind: str, key: str, fields: dict[str, Any]) -> str:
    return f"@{kind}{{{key},\n" + "\n".join(f"  {k} = {{{v}}}," for k, v in fields.items()) + "\n}"


def _parameters(notebook: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in notebook.metadata["papermill"]["parameters"].items() if k != "figures_dir")


def _settings(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_setting(value)}" for key, value in values.items())


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return f"({_settings(value)})"
    return "none" if value is None else str(value)
