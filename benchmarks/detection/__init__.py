"""Detection against its peers: rates, dilution, the ladder and every hard negative, over many seeds.

``python -m benchmarks detection`` runs what is missing and writes the results; see ``docs/benchmark.md``.
"""
