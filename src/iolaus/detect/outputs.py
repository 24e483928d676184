"""The contract's files: campaigns.json, accounts.parquet, exchanges.parquet."""

import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.campaign import Detection
from iolaus.detect.observe import Observed
from iolaus.detect.verdicts import Judged
from iolaus.errors import OutputError
from iolaus.schema import ACCOUNTS_OUT, EXCHANGES_OUT

__all__ = ["accounts_out", "exchanges_out", "write_tables", "write_together"]


def write_tables(
    out: Path,
    observed: Observed,
    detection: Detection,
    campaigns: list[Judged],
    scores: np.ndarray,
    also: Mapping[str, Callable[[Path], None]],
) -> None:
    """Write the three files: all beside first, then renamed, so that no reader sees a half or a mixture.

    Args:
        out: the folder, which is there.
        observed: the log and its ids.
        detection: what campaigns.json holds.
        campaigns: the judged clusters behind ``detection.campaigns``, in the same order.
        scores: float64 (A,).
        also: what else belongs to the run, such as its report: by file name, what writes it to a path.

    Raises:
        OutputError: the folder cannot be written; what was there before is untouched.
    """
    accounts = accounts_out(observed, detection, campaigns, scores)
    write_together(out, detection, accounts, exchanges_out(observed, detection, campaigns), also)


def write_together(
    out: Path,
    detection: Detection,
    accounts: pa.Table,
    exchanges: pa.Table,
    also: Mapping[str, Callable[[Path], None]],
) -> None:
    """Write findings that are tables already, as ``write_tables`` does; arguments and errors as there."""
    writers: dict[str, Callable[[Path], object]] = {
        "accounts.parquet": lambda path: _parquet(path, accounts),
        "exchanges.parquet": lambda path: _parquet(path, exchanges),
        "campaigns.json": lambda path: path.write_text(_json(detection), encoding="utf-8"),
        **also,
    }
    made = {out / f".{name}.{os.getpid()}.tmp": out / name for name in writers}
    try:
        for beside, final in made.items():
            if final.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{final.name} is a folder")
            writers[final.name](beside)
        for beside, final in made.items():
            beside.replace(final)
    except (OSError, OutputError) as error:
        for beside in made:
            beside.unlink(missing_ok=True)
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot write to folder {out}: {error.strerror or error}") from error


def _json(detection: Detection) -> str:
    return json.dumps(detection.to_json(), ensure_ascii=False, indent=2) + "\n"


def _parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd")


def accounts_out(observed: Observed, detection: Detection, campaigns: list[Judged], scores: np.ndarray) -> pa.Table:
    """One row an account; an account of several campaigns stands with the first, which is the more suspect."""
    campaign = np.full(observed.log.accounts, -1, dtype=np.int64)
    for place in range(len(campaigns) - 1, -1, -1):
        campaign[campaigns[place].cluster.accounts] = place
    none = campaign < 0
    index = np.where(none, 0, campaign)
    names = pa.array([c.campaign_id for c in detection.campaigns] or [""])
    verdicts = pa.array([c.verdict for c in detection.campaigns] or [""])
    mask = pa.array(index, mask=none)
    return pa.Table.from_arrays(
        [
            observed.account_ids.combine_chunks(),
            names.take(mask),
            pa.array(np.round(scores, 9)),
            verdicts.take(mask),
        ],
        schema=ACCOUNTS_OUT,
    )


def exchanges_out(observed: Observed, detection: Detection, campaigns: list[Judged]) -> pa.Table:
    """The attributed exchanges, in the log's order; one of several campaigns stands with the first."""
    campaign = np.full(observed.log.exchanges, -1, dtype=np.int64)
    for place in range(len(campaigns) - 1, -1, -1):
        campaign[campaigns[place].cluster.core] = place
    rows = np.flatnonzero(campaign >= 0)
    names = pa.array([c.campaign_id for c in detection.campaigns] or [""])
    return pa.Table.from_arrays(
        [observed.exchange_ids.take(rows).combine_chunks(), names.take(pa.array(campaign[rows]))],
        schema=EXCHANGES_OUT,
    )
