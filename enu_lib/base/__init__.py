"""Helpers that import nothing else of the library: bounds of settings, names, notices, errors, progress, precision, Ctrl-C."""
