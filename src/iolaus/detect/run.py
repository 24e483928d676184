"""One run, from files to findings: read, observe, cluster, judge, write."""

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from iolaus.campaign import Casebook, Detection
from iolaus.detect.attribution import attributed
from iolaus.detect.clusters import find_clusters
from iolaus.detect.dossier import campaign_of, dossier_of, iso
from iolaus.detect.engines import Spark, open_engine
from iolaus.detect.kept import Kept, keep
from iolaus.detect.observe import Observed, Texts, observe_kept
from iolaus.detect.outputs import write_tables
from iolaus.detect.scores import account_scores, campaign_score
from iolaus.detect.spread import observe_spread
from iolaus.detect.state import KeptStream, State, opened_state
from iolaus.detect.verdicts import Judged, judge_clusters
from iolaus.errors import InputError, OutputError
from iolaus.ingest import ExchangeStream, Rejects, read_accounts, read_exchanges
from iolaus.schema import ACCOUNTS, VERDICTS
from iolaus.signals import SIGNALS, Log, sample_for_vectors
from iolaus.store import SpreadEngine
from iolaus.text import embed_texts, read_words, without_habits

__all__ = ["Progress", "Settings", "detect", "judge"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is done.

    Attributes:
        until: only what had happened by then is used; None for the whole log.
        fdr: false-discovery rate of the reported campaigns.
        rejected_share: a run stops where more than this share of the rows cannot be read.
        memory_bytes: bound on DuckDB's memory, None for 60% of what is free; with Spark, its driver's heap.
        debug: keep the answer of every SQL step as a table.
        state: folder of what earlier runs have read, so that only what is new is read; None for none.
        spark: run on Spark; None for DuckDB, within this process.
    """

    until: datetime | None = None
    fdr: float = 0.05
    rejected_share: float = 0.05
    memory_bytes: int | None = None
    debug: bool = False
    state: Path | None = None
    spark: Spark | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.state is not None and self.spark is not None:
            raise InputError("--state keeps what this machine has read; it cannot be used with --engine spark")


@dataclass(frozen=True, slots=True)
class Progress:
    """Tells a listener which stage is under way and how many rows it has read."""

    tell: Callable[[str, int], None]
    started: float

    def rows(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches through, counting."""
        read = 0
        for batch in batches:
            read += batch.num_rows
            self.tell("reading", read)
            yield batch


def detect(
    exchanges: str | Path,
    accounts: str | Path | None,
    out: Path,
    settings: Settings | None = None,
    listen: Callable[[str, int], None] | None = None,
    also: Callable[[Casebook], Mapping[str, Callable[[Path], None]]] = lambda book: {},
    say: Callable[[str], None] = lambda sentence: None,
) -> Casebook:
    """Find the campaigns in a log and write the contract's tables.

    Args:
        exchanges: file, folder or glob of the exchange log.
        accounts: the same of the account table, or None.
        out: folder for campaigns.json, accounts.parquet, exchanges.parquet and, where rows were set aside,
            rejects.jsonl. Each file is written beside and renamed, so an old run stays whole until the new one is.
        settings: how; defaults where None.
        listen: called with a stage's name and the number of rows read so far.
        also: what else the run leaves in ``out``, by file name; written with the tables or not at all.
        say: told in one sentence where what an earlier run has kept is of no use.

    Returns:
        What was found, with what a report shows.

    Raises:
        InputError: input that cannot be used.
        OutputError: a folder that cannot be written.
        StateError: the folder of the state cannot be used.
    """
    settings = settings or Settings()
    progress = Progress(listen or (lambda stage, rows: None), time.monotonic())
    with (
        _scratch(out) as work,
        Rejects(out / "rejects.jsonl") as rejects,
        opened_state(settings.state, say) as state,
    ):
        # In debug mode the engine leaves its files, which are to be looked at.
        folder = out if settings.debug else work
        with open_engine(settings.spark, folder, settings.memory_bytes, settings.debug) as engine:
            people = ACCOUNTS.empty_table()
            if accounts is not None:
                people = read_accounts(accounts, rejects, until=settings.until, rejected_share=settings.rejected_share)
            if isinstance(engine, SpreadEngine):
                progress.tell("reading", 0)
                observed, read = observe_spread(engine, str(exchanges), people, rejects, settings.until)
            else:
                stream = _rows_of(exchanges, rejects, state, settings, progress)
                observed = observe_kept(engine, iter(stream), people)
                read = stream.read
            for exchange_id in observed.repeated:
                rejects.add(str(exchanges), None, "exchange_id", "repeats an exchange_id", exchange_id)
            rejects.check(read, settings.rejected_share)
            book, judged, scores = judge(observed, Texts(engine), settings, progress)
            book = dataclasses.replace(book, rejected=rejects.count, notes=tuple(rejects.notes))
            progress.tell("writing", observed.log.exchanges)
            write_tables(out, observed, book.detection, judged, scores, also(book))
    return book


def _rows_of(
    exchanges: str | Path, rejects: Rejects, state: State | None, settings: Settings, progress: Progress
) -> "KeptStream | _Fresh":
    """The log's rows as they are kept, from the state where there is one."""
    if state is not None:
        return state.read(exchanges, rejects, settings.until, progress.tell)
    return _Fresh(read_exchanges(exchanges, rejects, until=settings.until), progress)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A log that is read from its files."""

    stream: ExchangeStream
    progress: Progress

    @property
    def read(self) -> int:
        """Rows read so far, those set aside included."""
        return self.stream.read

    def __iter__(self) -> Iterator[Kept]:
        """The rows."""
        return map(keep, self.progress.rows(iter(self.stream)))


def judge(
    observed: Observed, texts: Texts, settings: Settings, progress: Progress
) -> tuple[Casebook, list[Judged], np.ndarray]:
    """Find and judge the campaigns of a log that has been read.

    Args:
        observed: the log and its ids.
        texts: excerpts of its prompts and responses.
        settings: how; ``until`` is only told.
        progress: whom to tell.

    Returns:
        What was found; the judged clusters behind its campaigns, in the same order; the accounts' scores, float64 (A,).
    """
    log = observed.log
    progress.tell("linking", log.exchanges)
    log = _with_vectors(log, texts)
    observed = dataclasses.replace(observed, log=log)
    clusters = find_clusters(log)
    progress.tell("judging", log.exchanges)
    judged = [_attributed(observed, item) for item in judge_clusters(log, clusters, settings.fdr)]
    scores = account_scores(log, judged)
    campaigns = sorted(
        (j for j in judged if j.verdict),
        key=lambda j: (
            VERDICTS.index(str(j.verdict)),
            -campaign_score(j),
            -j.cluster.core.size,
            int(j.cluster.accounts[0]),
        ),
    )
    records = [campaign_of(observed, j, f"C{i:03d}") for i, j in enumerate(campaigns, start=1)]
    dossiers = [dossier_of(observed, j, c, texts, scores) for j, c in zip(campaigns, records, strict=True)]
    detection = Detection(
        until=_until(settings, log),
        exchanges=log.exchanges,
        accounts=log.accounts,
        signals_missing=_missing(log),
        campaigns=tuple(records),
    )
    return Casebook(detection, tuple(dossiers)), campaigns, scores


def _attributed(observed: Observed, judged: Judged) -> Judged:
    if judged.verdict is None:
        return judged
    core = attributed(observed.log, judged.cluster)
    return dataclasses.replace(judged, cluster=dataclasses.replace(judged.cluster, core=core))


def _with_vectors(log: Log, texts: Texts) -> Log:
    rows = sample_for_vectors(log)
    read = texts.of(rows) if rows.size else {}
    prompts = [read[int(x)][0] for x in rows]
    said = without_habits(prompts, log.account[rows].tolist())
    vectors = embed_texts(pa.array(said, type=pa.string()))
    words = read_words(pa.array(prompts, type=pa.string()))
    return dataclasses.replace(log, vector_rows=rows, vectors=vectors, words=words)


def _until(settings: Settings, log: Log) -> str:
    if settings.until is not None:
        return settings.until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return iso(log.at[-1]) if log.exchanges else iso(0)


def _missing(log: Log) -> tuple[str, ...]:
    """Signals that could not be computed at all, or only in part, with the columns that were not there."""
    missing = []
    for signal in SIGNALS:
        absent = [column for column in signal.columns if not log.has(column)]
        if absent:
            missing.append(
                signal.name if len(absent) == len(signal.columns) else f"{signal.name} ({', '.join(absent)})"
            )
    return tuple(missing)


class _scratch:
    """A work folder beside the output, made with it and removed whatever happens."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._work: Path | None = None

    def __enter__(self) -> Path:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            self._work = Path(tempfile.mkdtemp(prefix=".work-", dir=self._out))
        except OSError as error:
            raise OutputError(f"cannot write to folder {self._out}: {error.strerror}") from error
        return self._work

    def __exit__(self, *_: object) -> None:
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
