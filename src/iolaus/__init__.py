"""Iolaus finds, stops and proves model-distillation campaigns against a language-model API."""

__all__ = ["__version__"]

__version__ = "0.1.0"
