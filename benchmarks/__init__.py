"""Benchmarks: one module a question, results as JSON in ``results/`` with the machine and the versions beside them."""
