"""The divergences against brute force, their closed gradients against autograd, chunked form against plain."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iolaus.distill.objectives import (
    by_teacher,
    chunked_loss,
    distillation_loss,
    forward_kl,
    hard_labels,
    jensen_shannon,
    mixture,
    reverse_kl,
    skew_kl,
    skew_reverse_kl,
    slope,
    total_variation,
)
from iolaus.distill.objectives.slopes import NAMES

PLAIN = {
    "forward_kl": forward_kl,
    "reverse_kl": reverse_kl,
    "jensen_shannon": jensen_shannon,
    "skew_kl": skew_kl,
    "skew_reverse_kl": skew_reverse_kl,
    "total_variation": total_variation,
}


def logits(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2


def brute(name, p, q):
    def kl(a, b):
        return sum(x * math.log(x / y) for x, y in zip(a, b, strict=True) if x > 0)

    def mix(a, b, share):
        return [share * x + (1 - share) * y for x, y in zip(a, b, strict=True)]

    return {
        "forward_kl": lambda: kl(p, q),
        "reverse_kl": lambda: kl(q, p),
        "jensen_shannon": lambda: 0.5 * kl(p, mix(p, q, 0.5)) + 0.5 * kl(q, mix(p, q, 0.5)),
        "skew_kl": lambda: kl(p, mix(p, q, 0.1)),
        "skew_reverse_kl": lambda: kl(q, mix(q, p, 0.1)),
        "total_variation": lambda: 0.5 * sum(abs(x - y) for x, y in zip(p, q, strict=True)),
    }[name]()


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**31), wide=st.integers(2, 9))
@settings(max_examples=25, deadline=None)
def test_value_is_the_formula(name, seed, wide):
    log_p, log_q = (torch.log_softmax(logits(seed + i, wide), -1) for i in (0, 1))
    expected = brute(name, log_p.exp().tolist(), log_q.exp().tolist())
    assert PLAIN[name](log_p, log_q).item() == pytest.approx(expected, abs=1e-12)
    assert PLAIN[name](log_p, log_p).item() == pytest.approx(0, abs=1e-12)
    value, _ = slope(name)(log_p[None].clone(), log_q[None].clone())
    assert value.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_plain_form_passes_gradcheck(name):
    student = logits(1, 3, 5).requires_grad_()
    teacher = logits(2, 3, 5)
    assert torch.autograd.gradcheck(lambda z: distillation_loss(z, teacher, PLAIN[name], 2.0), student)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("block_bytes", [1, 8 * 11 * 3, 2**20])
@pytest.mark.parametrize("name", NAMES)
def test_chunked_equals_plain(name, block_bytes, temperature):
    hidden, weight = logits(3, 7, 4).requires_grad_(), logits(4, 11, 4).requires_grad_()
    above, head = logits(5, 7, 6), logits(6, 11, 6)
    judge = by_teacher(slope(name), temperature, lambda block: above[block] @ head.T)
    chunked = chunked_loss(hidden, weight, judge, block_bytes)
    plain = distillation_loss(hidden @ weight.T, above @ head.T, PLAIN[name], temperature)
    assert chunked.item() == pytest.approx(plain.item(), abs=1e-12)
    for ours, theirs in zip(
        torch.autograd.grad(3 * chunked, (hidden, weight)),
        torch.autograd.grad(3 * plain, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_chunked_passes_gradcheck():
    hidden, weight = logits(3, 5, 3).requires_grad_(), logits(4, 6, 3).requires_grad_()
    teacher = logits(5, 5, 6)
    labels = torch.tensor([0, 5, 2, 2, 1])
    judge = mixture(
        [(0.7, by_teacher(slope("jensen_shannon", beta=0.3), 2.0, lambda b: teacher[b])), (0.3, hard_labels(labels))]
    )
    assert torch.autograd.gradcheck(lambda h, w: chunked_loss(h, w, judge, 100), (hidden, weight))


def test_hard_labels_are_cross_entropy():
    hidden, weight, labels = logits(3, 9, 4).requires_grad_(), logits(4, 6, 4).requires_grad_(), torch.arange(9) % 6
    ours = chunked_loss(hidden, weight, hard_labels(labels), 100)
    theirs = torch.nn.functional.cross_entropy(hidden @ weight.T, labels)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, weight)[0], torch.autograd.grad(theirs, weight)[0])


def test_temperature_keeps_the_scale_of_gradients():
    """For small logits the gradient's size hardly depends on T once T² multiplies the loss."""
    teacher, sizes = logits(1, 64, 32) * 0.05, []
    for temperature in (1.0, 2.0, 8.0):
        student = (logits(2, 64, 32) * 0.05).requires_grad_()
        (grad,) = torch.autograd.grad(distillation_loss(student, teacher, forward_kl, temperature), student)
        sizes.append(grad.norm().item())
    assert max(sizes) / min(sizes) < 1.05


def test_limits_of_the_generalized_divergence():
    log_p, log_q = (torch.log_softmax(logits(i, 8), -1) for i in (0, 1))
    near = 1e-6
    assert jensen_shannon(log_p, log_q, near).item() / near == pytest.approx(forward_kl(log_p, log_q).item(), rel=1e-3)
    assert jensen_shannon(log_p, log_q, 1 - near).item() / near == pytest.approx(
        reverse_kl(log_p, log_q).item(), rel=1e-3
    )
    assert 0 <= skew_kl(log_p, log_q, 0.1).item() <= -math.log(0.1)


def test_mask_and_misuse():
    student, teacher = logits(1, 4, 5), logits(2, 4, 5)
    mask = torch.tensor([True, False, True, False])
    assert distillation_loss(student, teacher, mask=mask).item() == pytest.approx(
        distillation_loss(student[mask], teacher[mask]).item()
    )
    with pytest.raises(ValueError, match="leaves nothing"):
        distillation_loss(student, teacher, mask=torch.zeros(4, dtype=torch.bool))
    with pytest.raises(ValueError, match="differ in shape"):
        distillation_loss(student, teacher[:, :4])
    with pytest.raises(ValueError, match="no divergence"):
        slope("kl")
    with pytest.raises(ValueError, match="strictly between"):
        jensen_shannon(student, teacher, 1.0)


def test_chunked_in_bfloat16_stays_close():
    hidden, weight = logits(3, 16, 8).bfloat16().requires_grad_(), logits(4, 32, 8).float().requires_grad_()
    teacher = logits(5, 16, 32).float()
    judge = by_teacher(slope("forward_kl"), 1.0, lambda b: teacher[b])
    loss = chunked_loss(hidden, weight, judge)
    by_hidden, by_weight = torch.autograd.grad(loss, (hidden, weight))
    assert by_hidden.dtype == torch.bfloat16 and by_weight.dtype == torch.float32
    plain = distillation_loss(hidden.float() @ weight.T, teacher)
    assert loss.item() == pytest.approx(plain.item(), rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_autocast_lowers_products_and_no_sums(name):
    """Under autocast only the products with the head are of lower precision; the loss is not rounded to bfloat16."""
    hidden, weight = logits(3, 300, 16).float().requires_grad_(), logits(4, 64, 16).float().requires_grad_()
    teacher = logits(5, 300, 64).float()
    judge = by_teacher(slope(name), 1.0, lambda block: teacher[block])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = chunked_loss(hidden, weight, judge)
    rounded = hidden.detach().bfloat16(), weight.detach().bfloat16()
    exact = distillation_loss((rounded[0] @ rounded[1].T).float(), teacher, PLAIN[name])
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(exact.item(), rel=1e-5)
    by_hidden, by_weight = torch.autograd.grad(low, (hidden, weight))
    assert by_hidden.dtype == by_weight.dtype == torch.float32
