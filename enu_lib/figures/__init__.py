"""Figures: a style, one function a panel, and files that are the same bytes each time."""

from enu_lib.figures import learning, mazes, networks, units
from enu_lib.figures.save import save_figure, save_table
from enu_lib.figures.style import COLUMN, MODELS, PAGE, PALETTE, panel_letters, use_style

__all__ = [
    "COLUMN", "MODELS", "PAGE", "PALETTE", "learning", "mazes", "networks", "panel_letters", "save_figure", "save_table",
    "units", "use_style",
]  # fmt: skip
