"""Figures: a common style, one function per panel, byte-reproducible files."""

from enu_lib.figures import abilities, data, learning, mazes, networks, speed, synapses, units
from enu_lib.figures.save import drawn_on, read_manifest, save_figure, save_table, write_manifest
from enu_lib.figures.style import COLUMN, MODELS, PAGE, PALETTE, better, erase, panel_letters, use_style

__all__ = [
    "COLUMN", "MODELS", "PAGE", "PALETTE", "abilities", "better", "data", "drawn_on", "erase", "learning", "mazes", "networks",
    "panel_letters", "read_manifest", "save_figure", "save_table", "speed", "synapses", "units", "use_style", "write_manifest",
]  # fmt: skip
