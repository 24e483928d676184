"""Other tools on single stages, with the same input, in one run: sketching, templates, columns, communities.

Each figure is CPU time of all threads. What a peer does less than Iolaus is said beside it.
"""

import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import graspologic_native as native
import networkx as nx  # type: ignore[import-untyped]
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from benchmarks.sketch import compare, cost
from iolaus.detect.kept import keep
from iolaus.detect.observe import observe
from iolaus.detect.steps import CODES, PEOPLE, SURPLUS, account_columns, encoded, ordered
from iolaus.signals import SIGNALS, Links, Log
from iolaus.store import DuckEngine
from iolaus.text import sketch_prompts

__all__ = ["compare_peers"]

_SEED = 1
_T = TypeVar("_T")
# Columns of categories that the log holds as they are; settings are put together from three others.
_CODED = tuple(name for name in CODES if name != "settings")


def compare_peers(folder: Path) -> dict[str, Any]:
    """Run every comparison on one range.

    Args:
        folder: as ``simulate`` wrote it; everything is read into memory.
    """
    log = pq.read_table(folder / "exchanges.parquet")
    accounts = pq.read_table(folder / "accounts.parquet")
    prompts = pa.concat_arrays(log.column("prompt").chunks)
    return {
        "rows": log.num_rows,
        "peer_versions": {name: version(name) for name in ("polars", "duckdb", "networkx", "datasketch", "rensa")},
        "sketching": compare(prompts),
        "templates": _templates(prompts),
        "columns": _columns(log, accounts),
        "communities": _communities(log, accounts),
    }


def _templates(prompts: pa.Array) -> dict[str, Any]:
    """From raw strings to a hash of the prompt with its numbers masked, CPU microseconds a prompt."""
    frame = pl.Series("prompt", prompts)
    table = pa.table({"prompt": prompts})
    nothing = pa.nulls(len(prompts), pa.string())
    sql = r"SELECT bit_xor(hash(regexp_replace(lower(prompt), '[0-9]+', '0', 'g'))) FROM prompts"
    with duckdb.connect() as connection:
        connection.register("prompts", table)
        took = {
            "iolaus": cost(lambda: sketch_prompts(prompts, nothing), len(prompts)),
            "polars": cost(lambda: frame.str.to_lowercase().str.replace_all("[0-9]+", "0").hash(), len(prompts)),
            "duckdb": cost(lambda: connection.sql(sql).fetchall(), len(prompts)),
        }
    said = "Iolaus masks quotes and code too, and gives a sketch of 64 bins with each hash; the peers give a hash."
    return {"cpu_us_a_prompt": {name: round(us, 2) for name, us in took.items()}, "difference": said}


def _columns(log: pa.Table, accounts: pa.Table) -> dict[str, Any]:
    """From kept rows to a log in its order, categories as codes in the order of their values; CPU seconds."""
    rows = pa.Table.from_batches([keep(batch).rows for batch in log.to_batches()])
    rows = rows.append_column("rid", pa.array(np.arange(rows.num_rows)))
    frame = pl.DataFrame(rows)
    with tempfile.TemporaryDirectory() as work, DuckEngine(Path(work) / "steps.duckdb", memory_bytes=4 << 30) as engine:
        engine.load("raw", rows.schema, rows.to_batches())
        engine.load("account_table", accounts.schema, accounts.to_batches())
        ours, made = _once(lambda: _encode(engine))
    theirs, peer = _once(lambda: _encode_with_polars(frame))
    same = all(
        np.array_equal(made.column(name).to_numpy(), peer[name].to_numpy()) for name in ("at", "account", *_CODED)
    )
    if not same:
        raise SystemExit("Polars gives other columns than the SQL steps do")
    return {
        "cpu_s": {"iolaus": ours, "polars": theirs},
        "difference": "The same columns, checked to be equal; Iolaus keeps rows in a file, within a memory bound.",
    }


def _encode(engine: DuckEngine) -> pa.Table:
    for pipeline in (SURPLUS, ordered(), PEOPLE):
        engine.materialise(pipeline)
    table = engine.run(encoded())
    engine.run(account_columns())
    return table


def _encode_with_polars(frame: pl.DataFrame) -> pl.DataFrame:
    columns = [pl.col(name).rank("dense").cast(pl.Int64).sub(1).fill_null(-1) for name in _CODED]
    account = pl.col("account_id").rank("dense").cast(pl.Int64).sub(1).alias("account")
    return (
        frame.lazy()
        .unique("exchange_id", keep="first", maintain_order=True)
        .sort("at", "exchange_id")
        .select("rid", "exchange_id", "at", "item", "tokens", "flags", account, *columns)
        .collect()
    )


def _communities(log: pa.Table, accounts: pa.Table) -> dict[str, Any]:
    """Communities of the signal that links the most: Leiden as Iolaus runs it, and NetworkX's Louvain."""
    with tempfile.TemporaryDirectory() as work, DuckEngine(Path(work) / "steps.duckdb", memory_bytes=4 << 30) as engine:
        seen: Log = observe(engine, iter(log.to_batches()), accounts).log
    linked = {signal.name: signal.links(seen) for signal in SIGNALS}
    name, links = max(linked.items(), key=lambda item: item[1].account.size)
    if links.account.size == 0:
        return {}
    graph = _bipartite(links)
    ours, found = _once(lambda: _leiden(graph))
    network = nx.from_scipy_sparse_array(graph)
    theirs, peer = _once(lambda: nx.community.louvain_communities(network, weight="weight", seed=_SEED))
    groups = [{v for v, _ in group} for _, group in groupby(sorted(found.items(), key=lambda i: i[1]), lambda i: i[1])]
    return {
        "signal": name,
        "edges": int(links.account.size),
        "vertices": graph.shape[0],
        "cpu_s": {"iolaus": ours, "networkx": theirs},
        "communities": {"iolaus": len(groups), "networkx": len(peer)},
        "modularity": {
            "iolaus": round(nx.community.modularity(network, groups), 4),
            "networkx": round(nx.community.modularity(network, peer), 4),
        },
    }


def _bipartite(links: Links) -> sparse.csr_array:
    """Accounts and what they share, each an end of an edge; square, symmetric."""
    accounts, left = np.unique(links.account, return_inverse=True)
    nodes, right = np.unique(links.node, return_inverse=True)
    size = accounts.size + nodes.size
    half = sparse.coo_array((links.weight, (left, right + accounts.size)), shape=(size, size)).tocsr()
    graph = sparse.csr_array(half + half.T)
    graph.sort_indices()
    return graph


def _leiden(graph: sparse.csr_array) -> dict[int, int]:
    _, mapping = native.leiden_csr(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data.astype(np.float64),
        graph.shape[0], resolution=1.0, iterations=2, seed=_SEED,
    )  # fmt: skip
    return dict(mapping)


def _once(work: Callable[[], _T]) -> tuple[float, _T]:
    """CPU seconds of all threads, and what was made."""
    started = time.process_time()
    made = work()
    return round(time.process_time() - started, 3), made
