"""This paper's study: its sweep of models, stored results, claims and tables."""
