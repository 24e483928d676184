"""Experiments on proof of provenance, with tiny models that are trained from scratch."""
