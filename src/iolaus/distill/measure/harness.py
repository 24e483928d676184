"""lm-evaluation-harness, where it is installed."""

from collections.abc import Mapping, Sequence
from typing import Any

from iolaus.distill.untyped import Network, Tokenizer
from iolaus.errors import PlanError

__all__ = ["require_harness", "run_harness"]


def require_harness() -> Any:  # noqa: ANN401 - a package without types
    """The package.

    Raises:
        PlanError: it is not installed.
    """
    try:
        import lm_eval
    except ImportError as error:
        raise PlanError("report.harness needs lm-evaluation-harness: pip install 'iolaus[harness]'") from error
    return lm_eval


def run_harness(
    networks: Mapping[str, Network], tokenizers: Mapping[str, Tokenizer], tasks: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by model, task and metric, as the harness gives them, its standard errors included.

    Args:
        networks: by name.
        tokenizers: by the same names.
        tasks: names or files that the harness knows.
    """
    lm_eval = require_harness()
    from lm_eval.models.huggingface import HFLM

    found = {}
    for name, network in networks.items():
        wrapped = HFLM(pretrained=network, tokenizer=tokenizers[name])
        results = lm_eval.simple_evaluate(model=wrapped, tasks=list(tasks), bootstrap_iters=0)["results"]
        found[name] = {
            task: {key: float(value) for key, value in scores.items() if isinstance(value, int | float)}
            for task, scores in results.items()
        }
    return found
