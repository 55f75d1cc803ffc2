"""How fast lives are computed, all ways side by side."""
