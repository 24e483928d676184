"""The cache of hidden states: what is read back, at what price, and what it refuses."""

import numpy as np
import pytest
import torch
from test_distill_cache import manifest_of, quiet, rows_of

from iolaus.distill import carry_out
from iolaus.distill.cache import HiddenCache, HiddenTeacher, build_hidden
from iolaus.distill.cache.transform import fit_transform, mean_divergence
from iolaus.distill.objectives import chunked_loss
from iolaus.distill.plan import Objective
from iolaus.distill.reading import check_plan
from iolaus.distill.train import Batch, LiveTeacher, load_network
from iolaus.errors import PlanError, StaleCache


@pytest.fixture
def made(corpus_file, tokenizer_folder, teacher_folder):
    rows, tokenizer = rows_of(corpus_file, tokenizer_folder)
    return rows, tokenizer, load_network(str(teacher_folder)).eval()


def hidden_manifest(teacher, tokenizer, rows, **changes):
    return manifest_of(teacher, tokenizer, rows, **({"kind": "hidden", "tokens": 0, "nats": 0.004} | changes))


def world(count=2600, wide=500, deep=48, seed=0):
    """Hidden states whose axes vary less and less, and a head of random directions."""
    rng = torch.Generator().manual_seed(seed)
    scale = 2.0 ** (-torch.arange(deep) / 5)
    mixed = torch.linalg.qr(torch.randn(deep, deep, generator=rng)).Q
    hidden = 3 * (torch.randn(count, deep, generator=rng) * scale) @ mixed + 0.5
    return hidden, torch.randn(wide, deep, generator=rng)


@pytest.mark.parametrize("nats", [0.03, 0.003])
def test_the_divergence_on_fresh_states_is_what_was_asked_for(nats):
    hidden, weight = world()
    made = fit_transform(hidden[:2000], weight, nats)
    assert 0.3 * nats < mean_divergence(hidden[2000:], weight, made) < 1.5 * nats
    assert made.record * 8 - 7 <= made.bits.sum() <= made.record * 8
    assert made.encode(hidden[:5]).shape == (5, made.record)


def test_fewer_nats_take_more_bytes_and_the_head_may_be_of_any_scale():
    hidden, weight = world()
    sizes = [fit_transform(hidden[:2000], weight, nats).record for nats in (0.1, 0.01, 0.001)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
    scaled = fit_transform(hidden[:2000] * 100, weight / 100, 0.01)
    assert abs(scaled.record - sizes[1]) <= 1


def test_codes_are_the_nearest_steps():
    hidden, weight = world()
    made = fit_transform(hidden[:2000], weight, 0.01)
    wanted = hidden[:500] @ made.turn - made.centre
    apart = (made.decode(made.encode(hidden[:500])) - wanted).abs()
    within = wanted.abs() < made.width * 2.0 ** (torch.from_numpy(made.bits.astype(float)) - 1)
    assert within.float().mean() > 0.99
    assert (apart <= made.width * 0.501)[within].all()


def test_build_read_and_verify(made, tmp_path):
    rows, tokenizer, teacher = made
    cache = build_hidden(tmp_path, hidden_manifest(teacher, tokenizer, rows), teacher, rows, quiet)
    assert cache.verify(teacher, rows, 8) < 0.02
    assert cache.transform.record < 30
    assert len(cache.axes(np.array([3, 0]))) == rows.learned[[3, 0], 1:].sum()
    again = HiddenCache(tmp_path, cache.manifest)
    torch.testing.assert_close(again.axes(np.array([5])), cache.axes(np.array([5])))
    other = load_network(str(teacher.config._name_or_path)).eval()
    with torch.no_grad():
        other.get_input_embeddings().weight.mul_(1.5)
    with pytest.raises(StaleCache, match="does not hold what the teacher says now"):
        cache.verify(other, rows, 4)


@pytest.mark.parametrize(
    "objective",
    [Objective(), Objective(name="reverse_kl", temperature=2), Objective(name="jensen_shannon", hard_weight=0.3)],
    ids=["forward", "reverse, at a temperature", "jensen-shannon, with labels"],
)
def test_any_divergence_has_the_live_teachers_value_and_gradient(made, tmp_path, objective):
    rows, tokenizer, teacher = made
    manifest = hidden_manifest(teacher, tokenizer, rows, nats=1e-5)
    cache = build_hidden(tmp_path, manifest, teacher, rows, quiet)
    chosen = np.arange(12)
    batch = Batch(
        torch.from_numpy(rows.ids[chosen].astype(np.int64)), torch.from_numpy(rows.learned[chosen, 1:]), chosen
    )
    count = int(batch.counts.sum())
    hidden = torch.randn(count, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for source in (HiddenTeacher(cache, objective), LiveTeacher(teacher, objective, len(tokenizer))):
        weight = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
        loss = chunked_loss(hidden, weight, source.judge(batch))
        loss.backward()
        found.append((loss.item(), weight.grad))
    assert found[0][0] == pytest.approx(found[1][0], rel=5e-3)
    torch.testing.assert_close(found[0][1], found[1][1], atol=2e-3 * float(found[1][1].abs().max()), rtol=2e-2)


def test_killed_builds_and_damaged_files(made, tmp_path):
    rows, tokenizer, teacher = made
    manifest = hidden_manifest(teacher, tokenizer, rows)

    def stop(done, of):
        if done == 2:
            raise KeyboardInterrupt

    whole = build_hidden(tmp_path / "whole", manifest, teacher, rows, quiet)
    with pytest.raises(KeyboardInterrupt):
        build_hidden(tmp_path / "broken", manifest, teacher, rows, stop)
    build_hidden(tmp_path / "broken", manifest, teacher, rows, quiet)
    for path in (tmp_path / "whole").glob("*"):
        if path.name != "shards.jsonl":
            assert path.read_bytes() == (tmp_path / "broken" / path.name).read_bytes()
    transform = tmp_path / "whole" / "transform.bin"
    transform.write_bytes(transform.read_bytes()[:-3])
    with pytest.raises(StaleCache, match=r"transform.bin is damaged"):
        HiddenCache(tmp_path / "whole", whole.manifest)
    with pytest.raises(StaleCache, match=r"was made with nats 0.004, not 0.1"):
        build_hidden(tmp_path / "broken", hidden_manifest(teacher, tokenizer, rows, nats=0.1), teacher, rows, quiet)


def test_a_plan_with_it_trains_as_with_the_live_teacher(small_plan, tmp_path):
    small_plan["objective"] = {"name": "jensen_shannon"}
    small_plan["report"] |= {"hard_label_student": False, "documents": 10}
    live = carry_out(check_plan(small_plan | {"out": str(tmp_path / "live")}, "test"))
    cache = {"path": str(tmp_path / "cache"), "kind": "hidden", "nats": 1e-4}
    cached = carry_out(check_plan(small_plan | {"out": str(tmp_path / "cached"), "cache": cache}, "test"))
    assert cached.report.cache["kind"] == "hidden" and cached.report.cache["divergence"] < 1e-3
    loss = [one.report.training["distilled"]["last_loss"] for one in (live, cached)]
    assert loss[1] == pytest.approx(loss[0], rel=0.02)


def test_a_head_that_is_no_plain_matrix_is_refused(made, tmp_path):
    rows, tokenizer, teacher = made
    teacher.lm_head.bias = torch.nn.Parameter(torch.ones(len(tokenizer)))
    with pytest.raises(PlanError, match=r"cache.kind: hidden needs"):
        build_hidden(tmp_path, hidden_manifest(teacher, tokenizer, rows), teacher, rows, quiet)
