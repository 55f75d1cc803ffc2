"""Helpers that import nothing else from the library: settings, names, notices, errors, progress, precision, signals."""
