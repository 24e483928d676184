"""The report of a distillation: four models side by side, what is kept, and what it costs."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from iolaus.distill.measure import Costs, Interval, Judged

__all__ = ["REPORT_SCHEMA", "Finding", "Report", "model_card"]

REPORT_SCHEMA: Final = "iolaus.distillation/1"
_COLUMNS: Final = ("teacher", "undistilled", "hard_label", "distilled")
_HEADS: Final = ("teacher", "undistilled", "hard labels", "distilled")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check before training found.

    Args:
        name: of the check.
        state: fine, warning or failed.
        sentence: what was found, and what to do.
    """

    name: str
    state: str
    sentence: str


@dataclass(slots=True)
class Report:
    """All that is known about what the student keeps.

    Args:
        plan: as it was carried out.
        judged: metrics with intervals and verdicts.
        calibration: expected calibration error and the ends of its interval, by model.
        costs: size and speed, by model.
        preflight: checks before training.
        training: steps, tokens and seconds of each run.
        cache: size and kind of the teacher's cache, where there is one.
        further: reports of their own kind, such as safeguards kept or protected text; each under its own name.
        notes: sentences.
    """

    plan: dict[str, Any]
    judged: list[Judged] = field(default_factory=list)
    calibration: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    costs: dict[str, Costs] = field(default_factory=dict)
    preflight: list[Finding] = field(default_factory=list)
    training: dict[str, dict[str, Any]] = field(default_factory=dict)
    cache: dict[str, Any] | None = None
    further: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As a tree of plain values."""
        return {
            "schema": REPORT_SCHEMA,
            "plan": self.plan,
            "bar": self.plan["report"]["bar"],
            "metrics": [judged.to_json() for judged in self.judged],
            "calibration_error": {
                name: dict(zip(("value", "low", "high"), found, strict=True))
                for name, found in self.calibration.items()
            },
            "costs": {name: found.to_json() for name, found in self.costs.items()},
            "preflight": [
                {"name": found.name, "state": found.state, "sentence": found.sentence} for found in self.preflight
            ],
            "training": self.training,
            "cache": self.cache,
            "further": self.further,
            "notes": self.notes,
        }

    def sentences(self) -> list[str]:
        """What the student keeps, one sentence a metric."""
        bar = self.plan["report"]["bar"]
        said = []
        for judged in self.judged:
            if judged.retention is not None:
                kept = judged.retention
                said.append(
                    f"{judged.name}: keeps {kept.value:.1%} of the teacher ({kept.low:.1%} to {kept.high:.1%}), "
                    f"bar {bar:.0%}: {judged.verdict}."
                )
            if judged.over_hard is not None:
                said.append(_against_hard(judged))
        return said

    def markdown(self) -> str:
        """Tables and sentences in Markdown."""
        lines = [
            "| metric | teacher | undistilled | hard labels | distilled | kept | verdict |",
            "|---|" + "---:|" * 5 + "---|",
        ]
        for judged in self.judged:
            cells = [_interval(judged.models.get(name)) for name in _COLUMNS]
            kept = (
                f"{judged.retention.value:.1%} [{judged.retention.low:.1%}, {judged.retention.high:.1%}]"
                if judged.retention
                else "–"
            )
            arrow = "↑" if judged.better == "higher" else "↓"
            lines.append(f"| {judged.name} {arrow} | {' | '.join(cells)} | {kept} | {judged.verdict} |")
        if self.calibration:
            cells = [_triple(self.calibration.get(name)) for name in _COLUMNS]
            lines.append(f"| calibration error (ECE) ↓ | {' | '.join(cells)} | – | – |")
        lines += ["", *(f"- {sentence}" for sentence in self.sentences()), ""]
        lines += self._cost_table()
        for title, found in (("Checks before training", self.preflight),):
            if found:
                lines += [f"### {title}", "", *(f"- {one.name} ({one.state}): {one.sentence}" for one in found), ""]
        if self.notes:
            lines += ["### Notes", "", *(f"- {note}" for note in self.notes), ""]
        return "\n".join(lines)

    def _cost_table(self) -> list[str]:
        names = [name for name in _COLUMNS if name in self.costs]
        if not names:
            return []
        heads = [_HEADS[_COLUMNS.index(name)] for name in names]
        rows = [
            ("parameters", [f"{self.costs[name].parameters:,}" for name in names]),
            ("MB of weights", [f"{self.costs[name].bytes / 1e6:.1f}" for name in names]),
            ("ms a token, one stream", [f"{self.costs[name].latency_ms:.2f}" for name in names]),
            ("tokens a second, batch", [f"{self.costs[name].tokens_per_second:,.0f}" for name in names]),
            ("FLOPs a token", [f"{self.costs[name].flops_per_token:,}" for name in names]),
            ("CPU s a 1,000 tokens", [f"{self.costs[name].cpu_seconds_per_1000_tokens:.3f}" for name in names]),
        ]
        table = [f"| cost | {' | '.join(heads)} |", "|---|" + "---:|" * len(names)]
        return [*table, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows), ""]


def model_card(report: Report, name: str) -> str:
    """The student's README: where it comes from, what it keeps, and how it was trained."""
    plan = report.plan
    teacher = plan["teacher"]
    source = teacher.get("path") or f"{teacher.get('served_name')} at {teacher.get('base_url')}"
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            "tags: [distillation]",
            "---",
            "",
            f"# {name}",
            "",
            f"Distilled from {source} ({teacher['kind']}) with the objective {plan['objective']['name']}, "
            f"{plan['budget']['steps']} steps of {plan['budget']['rows']} rows of {plan['corpus']['block']} tokens.",
            "",
            "## What it keeps",
            "",
            report.markdown(),
            "## Training",
            "",
            *(f"- {run}: {json.dumps(told)}" for run, told in report.training.items()),
            "",
            "The plan is in `plan.json`, all figures are in `report.json` beside the student's folder.",
            "",
        ]
    )


def _against_hard(judged: Judged) -> str:
    gain = judged.over_hard
    if gain is None:
        return ""
    if gain.low > 0:
        said = "is better than the hard-label student of the same budget, outside the interval"
    elif gain.high < 0:
        said = "is worse than the hard-label student of the same budget, outside the interval"
    else:
        said = "shows no difference from the hard-label student of the same budget"
    return f"{judged.name}: the distilled student {said} ({gain.value:+.4f}, {gain.low:+.4f} to {gain.high:+.4f})."


def _interval(found: Interval | None) -> str:
    return "–" if found is None else _triple((found.value, found.low, found.high))


def _triple(found: tuple[float, float, float] | None) -> str:
    return "–" if found is None else f"{found[0]:.4g} [{found[1]:.4g}, {found[2]:.4g}]"
