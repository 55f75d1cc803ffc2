"""The study of this paper: the sweep of models, stored results, claims and tables."""
