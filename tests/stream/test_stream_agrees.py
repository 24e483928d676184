"""The stream and detect find the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from stream_cases import batches, found, over

from iolaus.detect import Settings, detect


def until(stream):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stream.mark)


def test_a_log_that_fits_gives_what_detect_gives(naive, tmp_path):
    whole = over(naive, every=0)
    # Out of order by up to half an hour, and every tenth exchange twice.
    rng = np.random.default_rng(1)
    table = pa.Table.from_batches(batches(naive))
    late = table["timestamp"].cast(pa.int64()).to_numpy() + rng.integers(0, 1_800_000_000, table.num_rows)
    table = table.take(pa.array(np.argsort(late)))
    again = table.take(pa.array(np.sort(np.r_[np.arange(table.num_rows), np.arange(0, table.num_rows, 10)])))
    for batch in again.to_batches(max_chunksize=512):
        whole.take(batch)
    whole.judge()
    book = detect(naive / "exchanges.parquet", naive / "accounts.parquet", tmp_path, Settings(until=until(whole)))
    ours, theirs = whole.findings.detection, book.detection
    assert len(theirs.campaigns) > 1
    assert [replace(c, campaign_id="") for c in ours.campaigns] == [
        replace(c, campaign_id="") for c in theirs.campaigns
    ]
    assert replace(ours, campaigns=()) == replace(theirs, campaigns=())
    for name in ("accounts", "exchanges"):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert getattr(whole.findings, name).drop_columns("campaign_id").equals(table.drop_columns("campaign_id"))
    assert whole.window.counts.repeated == 300 and whole.window.counts.late == 0
    # Dossiers too: templates, samples and members are the same.
    assert [replace(d, campaign=book.dossiers[0].campaign) for d in whole.findings.book.dossiers] == [
        replace(d, campaign=book.dossiers[0].campaign) for d in book.dossiers
    ]


def test_campaigns_keep_their_names_from_one_judgement_to_the_next(naive):
    stream = over(naive, every=0, every_rows=2_800)
    seen = {}
    for batch in batches(naive):
        stream.take(batch, lambda: [seen.setdefault(c.campaign_id, set(c.accounts)) for c in campaigns(stream)])
    stream.judge()
    after = {c.campaign_id: set(c.accounts) for c in campaigns(stream)}
    assert stream.judged == 2 and seen and after
    assert seen.keys() & after.keys()
    assert all(after[name] & seen[name] for name in seen.keys() & after.keys())
    assert len(found(stream)[1]) == stream.findings.detection.accounts


def campaigns(stream):
    return stream.findings.detection.campaigns
