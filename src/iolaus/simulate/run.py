"""The one orchestrator: plan, sort, write."""

import dataclasses
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.errors import InputError, OutputError
from iolaus.simulate.corpus import Corpus
from iolaus.simulate.directory import Directory
from iolaus.simulate.finish import FAILING, finish
from iolaus.simulate.harvest import campaign
from iolaus.simulate.operators import Operator, design, recruit
from iolaus.simulate.passages import Passages
from iolaus.simulate.people import PersonaMaker
from iolaus.simulate.population import populate
from iolaus.simulate.render import Columns, Renderer
from iolaus.simulate.rhythm import DAY, real_clients
from iolaus.simulate.scenario import Scenario, scenario_named
from iolaus.simulate.templates import Wrappings
from iolaus.simulate.traffic import Traffic
from iolaus.simulate.world import World
from iolaus.simulate.write import account_tables, write_exchanges

__all__ = ["FILES", "SimulationSummary", "simulate"]

FILES: Final = (
    "exchanges.parquet",
    "accounts.parquet",
    "truth_exchanges.parquet",
    "truth_accounts.parquet",
    "scenario.json",
)
Progress = Callable[[str, int, int], None]
_LEAST: Final = 500
# From as many exchanges on, all cores write texts.
_MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was written.

    Attributes:
        folder: where it lies.
        scenario: its name.
        seed: of all chance.
        exchanges, accounts: rows written.
        operators: level of each operator.
        hydra_accounts, harvested: accounts that operators run, and exchanges taken for training.
        kinds: accounts of each kind.
    """

    folder: Path
    scenario: str
    seed: int
    exchanges: int
    accounts: int
    operators: dict[str, str]
    hydra_accounts: int
    harvested: int
    kinds: dict[str, int]


def simulate(
    scenario: str | Scenario,
    out: Path,
    *,
    seed: int,
    exchanges: int,
    text: Path | None = None,
    organic: Path | None = None,
    arrivals: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **overrides: Any,  # noqa: ANN401 (fields of Scenario, which checks them)
) -> SimulationSummary:
    """Write a labelled log with the contract's files.

    The same arguments give the same bytes, however many programs write.

    Args:
        scenario: a name from SCENARIOS, or a Scenario.
        out: folder to write; files of an earlier run are replaced, each in one step.
        seed: of all chance.
        exchanges: rows of the log, at least 500.
        text: Parquet of real harvest items (prompt, response, kind).
        organic: Parquet of real ordinary prompts (prompt, response, kind, language, conversation_id, turn).
        arrivals: Parquet of real clients' rates (client, window_start_s, rate_rps, cv).
        workers: how many programs write texts; by default one, and one a core for a log of a million exchanges.
        progress: called with a phase's name, rows done and rows in all.
        **overrides: fields of Scenario to change.

    Returns:
        What was written.

    Raises:
        InputError: for an unknown scenario or field, a value out of range, or a file that cannot be used.
        OutputError: where the folder cannot be written.
    """
    if exchanges < _LEAST:
        raise InputError(f"a range needs at least {_LEAST} exchanges, not {exchanges}")
    if seed < 0:
        raise InputError(f"the seed must not be negative, and {seed} is")
    if workers is not None and not 1 <= workers <= 64:
        raise InputError(f"between 1 and 64 programs may write, not {workers}")
    plan = _scenario(scenario, overrides)
    tell = progress or (lambda phase, done, total: None)
    rows, renderer, tables, document = _prepare(plan, seed, exchanges, (text, organic, arrivals), tell)
    summary = SimulationSummary(
        folder=out,
        scenario=plan.name,
        seed=seed,
        exchanges=document["exchanges"],
        accounts=document["accounts"],
        operators=document["levels"],
        hydra_accounts=document["kinds"].get("hydra", 0),
        harvested=document["harvested"],
        kinds=document["kinds"],
    )
    crew = workers or (len(os.sched_getaffinity(0)) if exchanges >= _MANY else 1)
    with _beside(out) as folder:
        write_exchanges(
            renderer, rows, list(summary.operators), folder, crew, lambda done: tell("writing", done, exchanges)
        )
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        text_of = json.dumps(document, indent=1, sort_keys=True)
        (folder / "scenario.json").write_text(text_of + "\n", encoding="utf-8")
    return summary


def _scenario(scenario: str | Scenario, overrides: dict[str, Any]) -> Scenario:
    base = scenario_named(scenario) if isinstance(scenario, str) else scenario
    known = {f.name for f in dataclasses.fields(Scenario)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise InputError(f"a scenario has no field {unknown[0]!r}; it has {', '.join(sorted(known))}")
    try:
        plan = dataclasses.replace(base, **overrides)
        datetime.fromisoformat(f"{plan.start}T00:00:00+00:00")
    except (TypeError, ValueError) as error:
        raise InputError(f"the scenario cannot be built: {error}") from error
    return plan


def _plan(
    plan: Scenario,
    seed: int,
    exchanges: int,
    files: tuple[Path | None, Path | None, Path | None],
    tell: Progress,
) -> tuple[Traffic, PersonaMaker, list[Operator]]:
    text, organic, arrivals = files
    clients = real_clients(arrivals, plan.days) if arrivals is not None else None
    weekday = datetime.fromisoformat(plan.start).weekday()
    # Separate streams, so that a change in one part leaves the others' draws as they were.
    world = World(np.random.default_rng([seed, 1]), plan.days, weekday)
    wrappings = Wrappings()
    traffic = Traffic(
        np.random.default_rng([seed, 2]), plan.days, weekday, world.release,
        Corpus(np.random.default_rng([seed, 3]), text, organic), wrappings, clients,
    )  # fmt: skip
    maker = PersonaMaker(world, wrappings, None if clients is None else (clients.rate.tolist(), clients.cv.tolist()))
    planned = exchanges - round(exchanges * FAILING)
    operators: list[Operator] = []
    if plan.levels and plan.hydra_share > 0:
        each = plan.operators_per_level or int(np.clip(exchanges // 33_000, 2, 6))
        share = int(planned * plan.hydra_share / (each * len(plan.levels)))
        for level in plan.levels:
            menu: list[str] = []
            for turn in range(each):
                operator = design(world, plan, level, (turn, each), share, menu)
                campaign(traffic, maker, operator, recruit(maker, operator, len(operators)))
                traffic.settle()
                operators.append(operator)
                tell("planning", traffic.rows, planned)
    populate(
        traffic, maker, planned - traffic.rows, hard_negatives=plan.hard_negatives,
        progress=lambda done: tell("planning", done, planned),
    )  # fmt: skip
    return traffic, maker, operators


def _prepare(
    plan: Scenario,
    seed: int,
    exchanges: int,
    files: tuple[Path | None, Path | None, Path | None],
    tell: Progress,
) -> tuple[Columns, Renderer, dict[str, pa.Table], dict[str, Any]]:
    """All rows as numbers, what writes their texts, the accounts' tables, and what scenario.json says.

    The accounts themselves take more memory than all else, and end here.
    """
    traffic, maker, operators = _plan(plan, seed, exchanges, files, tell)
    rows = finish(traffic, exchanges)
    rows["passages"] *= plan.passages
    passages = Passages(traffic.corpus.material(rows["code"], np.random.default_rng([seed, 5])))
    rows["shelf"] = passages.shelve(rows)
    first = datetime.fromisoformat(f"{plan.start}T00:00:00+00:00")
    start = int(first.timestamp()) * 1_000_000
    directory = Directory.of(traffic.accounts, maker.world)
    renderer = Renderer(directory, traffic.corpus, traffic.wrappings, passages, maker.system_texts, start, seed)
    tables = account_tables(traffic.accounts, maker.world.ips, [o.operator_id for o in operators], start)
    document = {
        "schema": "iolaus.scenario/1",
        "scenario": dataclasses.asdict(plan),
        "seed": seed,
        "exchanges": len(rows["instant"]),
        "accounts": len(traffic.accounts),
        "harvested": int(rows["harvested"].sum()),
        "kinds": dict(sorted(Counter(a.kind for a in traffic.accounts).items())),
        "release_day": round(maker.world.release / DAY, 4),
        "levels": {o.operator_id: f"L{o.level}" for o in operators},
        "operators": {o.operator_id: o.to_json() for o in operators},
    }
    return rows, renderer, tables, document


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder whose files take their place in ``out`` at the end, so that a reader never sees half a file."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".simulate-", dir=out))
        try:
            yield beside
            for name in FILES:
                (beside / name).replace(out / name)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error
