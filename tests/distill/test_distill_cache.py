"""The teacher's cache: what it keeps, what it refuses, and what a kill leaves."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from iolaus.distill.cache import CachedTeacher, Manifest, TeacherCache, build_cache, network_digest, tokenizer_digest
from iolaus.distill.cache.sparse import keep_sampled, keep_systematic, keep_top_k
from iolaus.distill.objectives import chunked_loss
from iolaus.distill.plan import Corpus, Objective
from iolaus.distill.texts import encode_document, make_rows, read_documents
from iolaus.distill.train import Batch, load_network, load_tokenizer
from iolaus.errors import OutputError, StaleCache


def rows_of(corpus_file, tokenizer_folder, limit=120):
    tokenizer, corpus = load_tokenizer(str(tokenizer_folder)), Corpus(path=str(corpus_file), block=32, limit=limit)
    documents = read_documents(corpus_file, corpus)
    return make_rows(
        [encode_document(tokenizer, d, corpus) for d in documents], corpus, tokenizer.eos_token_id
    ), tokenizer


def manifest_of(network, words, rows, **changes):
    found = {
        "teacher": network_digest(network),
        "tokenizer": tokenizer_digest(words),
        "corpus": rows.digest,
        "kind": "sampled",
        "tokens": 12,
        "power": 1.0,
        "temperature": 1.0,
        "wide": len(words),
        "rows": len(rows),
        "shard_rows": 16,
        "seed": 0,
    }
    return Manifest(**(found | changes))


@pytest.fixture
def made(corpus_file, tokenizer_folder, teacher_folder):
    rows, tokenizer = rows_of(corpus_file, tokenizer_folder)
    teacher = load_network(str(teacher_folder)).eval()
    return rows, tokenizer, teacher


def quiet(done, of):
    pass


@pytest.mark.parametrize(("kind", "power"), [("systematic", 1.0), ("sampled", 1.0), ("sampled", 0.8), ("top_k", 1.0)])
def test_build_read_and_verify(made, tmp_path, kind, power):
    rows, tokenizer, teacher = made
    manifest = manifest_of(teacher, tokenizer, rows, kind=kind, power=power, tokens=8, shard_rows=64)
    cache = build_cache(tmp_path, manifest, teacher, rows, quiet)
    assert cache.verify(teacher, rows, 8) < 0.02
    ids, values = cache.targets(np.array([3, 0]))
    assert len(ids) == rows.learned[[3, 0], 1:].sum()
    assert ids.max() < len(tokenizer)
    assert cache.bytes_per_token <= 40 or power != 1.0
    if kind == "top_k":
        live = torch.log_softmax(teacher(torch.from_numpy(rows.ids[[3, 0]].astype(np.int64))).logits[:, :-1], -1)
        live = live[torch.from_numpy(rows.learned[[3, 0], 1:])]
        torch.testing.assert_close(values, live.gather(-1, ids), atol=5e-3, rtol=2e-3)
    elif power == 1.0:
        torch.testing.assert_close(values.sum(-1), torch.ones(len(values)), atol=2e-3, rtol=0)


def test_wide_vocabularies_take_three_bytes_an_id(tmp_path):
    from iolaus.distill.cache.shards import ShardReader, write_shard

    logits = torch.randn(6, 130_000, generator=torch.Generator().manual_seed(1)) * 4
    kept = keep_top_k(logits, 7)
    shard = write_shard(tmp_path, 0, [kept], np.array([4, 2]), 130_000)
    assert kept.ids.max() > 0x10000
    found = ShardReader(tmp_path, shard).row(1)
    np.testing.assert_array_equal(found.ids, kept.ids[28:])
    np.testing.assert_array_equal(found.values, kept.values[28:])
    assert len(kept.ids) * 5 / 6 + 5 <= 40


@pytest.mark.parametrize("power", [1.0, 0.7])
def test_sampled_weights_are_unbiased(power):
    logits = torch.randn(1, 40, generator=torch.Generator().manual_seed(2)) * 2
    p = torch.softmax(logits[0].double(), -1).numpy()
    rounds = 3000
    kept = keep_sampled(logits.expand(rounds, 40), 10, power, torch.Generator().manual_seed(5))
    weights = kept.values / 10 if kept.values.dtype == np.uint8 else kept.values.astype(float)
    mean = np.bincount(kept.ids, weights=weights, minlength=40) / rounds
    r = p**power / (p**power).sum()
    spread = np.sqrt(p**2 / r / 10 / rounds)
    assert np.abs((mean - p) / spread).max() < 4.5
    assert kept.tail.astype(float).mean() == pytest.approx(
        np.mean([1 - p[np.unique(kept.ids[a:b])].sum() for a, b in _spans(kept.lengths)]), abs=1e-3
    )


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_systematic_weights_are_unbiased_and_quieter(scale):
    """Expected weights are the teacher's probabilities; their noise is less than that of as many independent draws."""
    logits = torch.randn(1, 40, generator=torch.Generator().manual_seed(2)) * scale
    p = torch.softmax(logits[0].double(), -1).numpy()
    rounds = 3000
    kept = keep_systematic(logits.expand(rounds, 40), 10, torch.Generator().manual_seed(5))
    ids = kept.ids.reshape(rounds, 10)
    assert all(len(set(row)) == 10 for row in ids.tolist())
    weights = np.zeros((rounds, 40))
    weights[np.arange(rounds)[:, None], ids] = kept.values.reshape(rounds, 10)
    # Half-precision weights are rounded by up to one part in 2,000.
    shared = float(kept.values.reshape(rounds, 10)[0, -1])
    spread = np.sqrt(np.clip(p * (shared - p), 0, None) / rounds)
    assert (np.abs(weights.mean(0) - p) <= 4.5 * spread + p / 1000 + 1e-6).all()
    np.testing.assert_allclose(weights.sum(1), 1, atol=2e-3)
    independent = p * (1 - p) / 10
    assert weights.var(0).sum() < 0.8 * independent.sum()
    assert kept.certain is not None and kept.certain[0] == (p >= shared).sum()


def test_systematic_weights_come_back_from_disk(tmp_path):
    from iolaus.distill.cache.shards import ShardReader, write_shard

    logits = torch.randn(9, 300, generator=torch.Generator().manual_seed(1)) * 3
    kept = keep_systematic(logits, 7, torch.Generator().manual_seed(0))
    reader = ShardReader(tmp_path, write_shard(tmp_path, 0, [kept], np.array([4, 3, 2]), 300))
    for row, part in enumerate((slice(0, 28), slice(28, 49), slice(49, 63))):
        np.testing.assert_array_equal(reader.row(row).ids, kept.ids[part])
        np.testing.assert_array_equal(reader.row(row).values, kept.values[part])


def test_counts_take_half_a_byte(tmp_path):
    from iolaus.distill.cache.shards import ShardReader, write_shard

    logits = torch.randn(7, 50, generator=torch.Generator().manual_seed(1)) * 3
    kept = keep_sampled(logits, 15, 1.0, torch.Generator().manual_seed(0))
    reader = ShardReader(tmp_path, write_shard(tmp_path, 0, [kept], np.array([2, 1, 4]), 50))
    ends = np.cumsum(kept.lengths)[[1, 2, 6]]
    for row, part in enumerate((slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2]))):
        np.testing.assert_array_equal(reader.row(row).ids, kept.ids[part])
        np.testing.assert_array_equal(reader.row(row).values, kept.values[part])


def _spans(lengths):
    ends = np.cumsum(lengths)
    return zip(ends - lengths, ends, strict=True)


def test_cached_loss_tracks_the_full_one(made, tmp_path):
    """Gradient of the cached objective against full KL, averaged over the corpus."""
    rows, tokenizer, teacher = made
    cache = build_cache(tmp_path, manifest_of(teacher, tokenizer, rows, tokens=40), teacher, rows, quiet)
    chosen = np.arange(len(rows))
    ids = torch.from_numpy(rows.ids[chosen].astype(np.int64))
    batch = Batch(ids, torch.from_numpy(rows.learned[chosen, 1:]), chosen)
    with torch.no_grad():
        p = torch.softmax(teacher(ids).logits[:, :-1][batch.counts], -1)
    hidden = torch.ones(len(p), 1)
    weight = torch.zeros(len(tokenizer), 1, requires_grad=True)
    chunked_loss(hidden, weight, CachedTeacher(cache, Objective()).judge(batch)).backward()
    exact = 1 / len(tokenizer) - p.mean(0)
    assert (weight.grad[:, 0] - exact).abs().max() < 0.01


def test_stale_caches_are_refused_by_name(made, tmp_path):
    rows, tokenizer, teacher = made
    manifest = manifest_of(teacher, tokenizer, rows)
    build_cache(tmp_path, manifest, teacher, rows, quiet)
    for change, words in (
        ({"teacher": "0" * 64}, "another teacher"),
        ({"tokenizer": "0" * 64}, "another tokenizer"),
        ({"corpus": "0" * 64}, "another corpus"),
        ({"tokens": 13}, "tokens 12, not 13"),
    ):
        with pytest.raises(StaleCache, match=words):
            build_cache(tmp_path, manifest_of(teacher, tokenizer, rows, **change), teacher, rows, quiet)
    other = load_network(str(teacher.config._name_or_path)).eval()
    with torch.no_grad():
        other.get_input_embeddings().weight.mul_(1.5)
    assert network_digest(other) != network_digest(teacher)
    with pytest.raises(StaleCache, match="does not hold what the teacher says now"):
        TeacherCache(tmp_path, manifest).verify(other, rows, 4)


def test_truncated_and_changed_shards_are_made_again(made, tmp_path):
    rows, tokenizer, teacher = made
    manifest = manifest_of(teacher, tokenizer, rows)
    build_cache(tmp_path, manifest, teacher, rows, quiet)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    first, second = sorted(before)[:2]
    (tmp_path / first).write_bytes(before[first][:-7])
    (tmp_path / second).write_bytes(before[second][:-1] + b"\x00\x01"[before[second][-1] == 0 :][:1])
    with (tmp_path / "shards.jsonl").open("a") as log:
        log.write('{"number": 1, "posit')
    with pytest.raises(StaleCache, match=r"lacks 2 of .* the first shard-000000"):
        TeacherCache(tmp_path, manifest)
    build_cache(tmp_path, manifest, teacher, rows, quiet)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before


def test_full_disk_is_one_sentence_and_loses_nothing(made, tmp_path, monkeypatch):
    rows, tokenizer, teacher = made
    manifest = manifest_of(teacher, tokenizer, rows)
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot be written.*No space left"):
        build_cache(tmp_path, manifest, teacher, rows, quiet)
    monkeypatch.undo()
    seen = []
    build_cache(tmp_path, manifest, teacher, rows, lambda done, of: seen.append(done))
    assert len((tmp_path / "shards.jsonl").read_text().splitlines()) == len(seen)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_distill_cache import manifest_of, rows_of
from iolaus.distill.cache import build_cache
from iolaus.distill.train import load_network
rows, tokenizer = rows_of(Path({corpus!r}), {tokenizer!r})
teacher = load_network({teacher!r}).eval()
manifest = manifest_of(teacher, tokenizer, rows, shard_rows=2)
build_cache(Path({out!r}), manifest, teacher, rows, lambda done, of: time.sleep(0.02))
"""


def test_killed_build_goes_on_to_the_same_bytes(made, tmp_path, corpus_file, tokenizer_folder, teacher_folder):
    rows, tokenizer, teacher = made
    manifest = manifest_of(teacher, tokenizer, rows, shard_rows=2)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    build_cache(whole, manifest, teacher, rows, quiet)
    program = KILLED.format(
        tests=os.path.dirname(__file__),
        corpus=str(corpus_file),
        tokenizer=str(tokenizer_folder),
        teacher=str(teacher_folder),
        out=str(killed),
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 120
    while not list(killed.glob("shard-*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < len(list(killed.glob("shard-*"))) < len(list(whole.glob("shard-*")))
    build_cache(killed, manifest, teacher, rows, quiet)
    for path in whole.glob("*.safetensors"):
        assert path.read_bytes() == (killed / path.name).read_bytes()
    assert json.loads((killed / "manifest.json").read_text()) == json.loads((whole / "manifest.json").read_text())
