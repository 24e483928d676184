"""Surrogates: a tree, a rule list or a linear form that answers like a black box, and how far to believe it."""
