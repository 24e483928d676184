"""Benchmarks of distilling: objectives, caches, small language models, encoders, surrogates."""
