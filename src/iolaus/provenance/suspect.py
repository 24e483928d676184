"""The model on trial."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iolaus.lm import Endpoint, LanguageModel, LocalModel

__all__ = ["Suspect"]


@dataclass(frozen=True)
class Suspect:
    """The model on trial.

    Args:
        language_model: how it is asked.
        base: the model it was made from, where that is known; the best of all references.
    """

    language_model: LanguageModel
    base: LanguageModel | None = None

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.language_model.name

    @classmethod
    def hf(cls, path: str | Path, *, base: str | Path | None = None, **options: Any) -> "Suspect":  # noqa: ANN401
        """Open weights in a folder; ``options`` go to `iolaus.lm.LocalModel.load`."""
        known = None if base is None else LocalModel.load(base, **options)
        return cls(LocalModel.load(path, **options), known)

    @classmethod
    def endpoint(
        cls,
        base_url: str,
        served_name: str,
        *,
        base: LanguageModel | None = None,
        **options: Any,  # noqa: ANN401
    ) -> "Suspect":
        """A model behind an OpenAI-compatible endpoint; ``options`` go to `iolaus.lm.Endpoint`."""
        return cls(Endpoint(base_url, served_name, **options), base)
