"""Sparse targets: gradients, the bias of naive top-k, the collapse of reverse KL on it, and what mends both."""

import math

import pytest
import torch

from iolaus.distill.objectives import chunked_loss, naive_top_k, reverse_kl, sampled_targets, tail_targets


def zipf(wide=50, power=1):
    p = 1 / torch.arange(1, wide + 1, dtype=torch.float64) ** power
    return p / p.sum()


def train(judge_of, wide=50, steps=600, rate=0.2, start=None):
    """Fit one distribution's logits; the head is the identity, so hidden states are the logits."""
    logits = (torch.zeros(1, wide, dtype=torch.float64) if start is None else start.clone()).requires_grad_()
    eye = torch.eye(wide, dtype=torch.float64)
    optimizer = torch.optim.Adam([logits], lr=rate)
    for step in range(steps):
        optimizer.zero_grad()
        loss = chunked_loss(logits, eye, judge_of(step))
        loss.backward()
        optimizer.step()
    return torch.softmax(logits.detach()[0], -1), loss.item()


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("make", [tail_targets, naive_top_k])
def test_closed_gradients(make, direction):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(4, 3, dtype=torch.float64, generator=generator).requires_grad_()
    weight = torch.randn(9, 3, dtype=torch.float64, generator=generator).requires_grad_()
    ids = torch.stack([torch.randperm(9, generator=generator)[:4] for _ in range(4)])
    log_p = torch.log_softmax(torch.randn(4, 9, dtype=torch.float64, generator=generator), -1).gather(-1, ids)
    judge = make(ids, log_p, direction)
    assert torch.autograd.gradcheck(lambda h, w: chunked_loss(h, w, judge, 200), (hidden, weight))


def test_sampled_gradient_is_that_of_weighted_cross_entropy():
    hidden = torch.randn(4, 3, dtype=torch.float64).requires_grad_()
    weight = torch.randn(9, 3, dtype=torch.float64).requires_grad_()
    ids, weights = torch.randint(0, 9, (4, 5)), torch.rand(4, 5, dtype=torch.float64)
    judge = sampled_targets(ids, weights)
    assert torch.autograd.gradcheck(lambda h, w: chunked_loss(h, w, judge, 200), (hidden, weight))


def test_tail_with_all_tokens_kept_is_the_full_divergence():
    log_p = torch.log_softmax(torch.randn(5, 6, dtype=torch.float64), -1)
    logits = torch.randn(5, 6, dtype=torch.float64)
    judge = tail_targets(torch.arange(6).expand(5, 6), log_p, "reverse")
    value = chunked_loss(logits, torch.eye(6, dtype=torch.float64), judge)
    assert value.item() == pytest.approx(reverse_kl(log_p, torch.log_softmax(logits, -1)).mean().item(), abs=1e-9)


def test_naive_top_k_forgets_the_tail_and_the_bucket_keeps_it():
    p = zipf()
    ids, log_p = torch.arange(5)[None], p[:5].log()[None]
    naive, _ = train(lambda step: naive_top_k(ids, log_p))
    mended, _ = train(lambda step: tail_targets(ids, log_p))
    tail = p[5:].sum().item()
    assert tail > 0.4
    assert naive[5:].sum().item() < 0.02
    assert naive[0].item() > 1.6 * p[0].item()
    assert mended[5:].sum().item() == pytest.approx(tail, abs=0.01)
    torch.testing.assert_close(mended[:5], p[:5], atol=0.01, rtol=0)


def test_reverse_kl_collapses_on_naive_top_k_and_the_bucket_mends_it():
    p = zipf(power=3)
    ids, log_p = torch.arange(5)[None], p[:5].log()[None]
    naive, loss = train(lambda step: naive_top_k(ids, log_p, "reverse"))
    mended, _ = train(lambda step: tail_targets(ids, log_p, "reverse"))
    assert loss < 0, "a divergence cannot be negative: this one is none"
    # With S the mass on the kept tokens the loss is S log S at best, least at S = 1/e, whatever the teacher says.
    assert p[5:].sum().item() < 0.02
    assert naive[5:].sum().item() == pytest.approx(1 - 1 / math.e, abs=0.01)
    assert mended[5:].sum().item() == pytest.approx(p[5:].sum().item(), abs=0.01)


def test_sampled_targets_are_unbiased_where_top_k_is_not():
    p, draws, rounds = zipf(), 12, 4000
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(1, 50, dtype=torch.float64, generator=generator)
    eye = torch.eye(50, dtype=torch.float64)
    drawn = torch.multinomial(p.expand(rounds, 50), draws, replacement=True, generator=generator)
    weights = torch.full((rounds, draws), 1 / draws, dtype=torch.float64)
    held = logits.expand(rounds, 50).clone().requires_grad_()
    (grad,) = torch.autograd.grad(chunked_loss(held, eye, sampled_targets(drawn, weights)), held)
    exact = torch.softmax(logits[0], -1) - p
    spread = (p * (1 - p) / draws / rounds).sqrt()
    assert ((grad.sum(0) - exact).abs() / spread).max().item() < 4.5
    naive_logits = logits.clone().requires_grad_()
    judge = naive_top_k(torch.arange(12)[None], p[:12].log()[None])
    (naive,) = torch.autograd.grad(chunked_loss(naive_logits, eye, judge), naive_logits)
    assert ((naive[0] - exact).abs() / spread).max().item() > 50


def test_padding_counts_for_nothing():
    ids = torch.tensor([[3, 1, 0]])
    log_p = torch.tensor([[math.log(0.5), math.log(0.2), -math.inf]], dtype=torch.float64)
    short = tail_targets(ids[:, :2], log_p[:, :2])
    padded = tail_targets(ids, log_p)
    logits, eye = torch.randn(1, 6, dtype=torch.float64).requires_grad_(), torch.eye(6, dtype=torch.float64)
    (a,) = torch.autograd.grad(chunked_loss(logits, eye, short), logits)
    (b,) = torch.autograd.grad(chunked_loss(logits, eye, padded), logits)
    torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="forward or reverse"):
        tail_targets(ids, log_p, "sideways")
