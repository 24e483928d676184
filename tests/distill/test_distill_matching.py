"""Hidden states, relations, similarities and cross-tokenizer objectives against brute force."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iolaus.distill.objectives import (
    aligned_spans,
    hidden_cosine,
    hidden_mse,
    in_batch_similarity,
    relation_kl,
    relational_distance,
    shared_vocabulary,
    shared_vocabulary_kl,
    span_likelihood,
    uld,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_hidden_states_through_a_projection():
    student, teacher, projection = draw(6, 3), draw(6, 5, seed=1), draw(3, 5, seed=2)
    by_hand = sum(
        (sum(student[n, i] * projection[i, j] for i in range(3)) - teacher[n, j]) ** 2
        for n, j in itertools.product(range(6), range(5))
    )
    assert hidden_mse(student, teacher, projection).item() == pytest.approx(by_hand.item() / 30)
    assert hidden_cosine(teacher * 3, teacher).item() == pytest.approx(0, abs=1e-12)
    assert torch.autograd.gradcheck(
        lambda s, p: hidden_cosine(s, teacher, p), (student.requires_grad_(), projection.requires_grad_())
    )


@pytest.mark.parametrize("causal", [False, True])
def test_relations_by_hand(causal):
    student, teacher = draw(1, 4, 4), draw(1, 4, 6, seed=1)
    total = 0.0
    for head in range(2):
        s, t = student[0, :, 2 * head : 2 * head + 2], teacher[0, :, 3 * head : 3 * head + 3]
        for row in range(4):
            upto = row + 1 if causal else 4
            p = torch.softmax(t[row] @ t[:upto].T / 3**0.5, -1)
            q = torch.softmax(s[row] @ s[:upto].T / 2**0.5, -1)
            total += (p * (p / q).log()).sum().item()
    assert relation_kl(student, teacher, 2, causal).item() == pytest.approx(total / 8)
    assert relation_kl(teacher, teacher, 2, causal).item() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="do not divide"):
        relation_kl(student, teacher, 4)


def test_similarities_within_a_batch():
    student, teacher = draw(4, 3), draw(4, 7, seed=1)

    def cosine(e, i, j):
        return (e[i] @ e[j] / e[i].norm() / e[j].norm()).item()

    pairs = list(itertools.permutations(range(4), 2))
    by_hand = sum((cosine(student, *p) - cosine(teacher, *p)) ** 2 for p in pairs) / 12
    assert in_batch_similarity(student, teacher).item() == pytest.approx(by_hand)
    assert in_batch_similarity(teacher * 2, teacher, 0.05).item() == pytest.approx(0, abs=1e-12)
    assert in_batch_similarity(student, teacher, 0.05).item() > 0
    assert relational_distance(teacher * 5, teacher).item() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="two texts"):
        in_batch_similarity(student[:1], teacher[:1])


def test_sorted_probabilities_ignore_names_and_width():
    teacher = draw(3, 8)
    shuffled = teacher[:, torch.randperm(8)]
    assert uld(shuffled, teacher).sum().item() == pytest.approx(0, abs=1e-12)
    wider = torch.cat([teacher, torch.full((3, 4), -60.0, dtype=torch.float64)], -1)
    assert uld(wider, teacher).sum().item() == pytest.approx(0, abs=1e-12)
    assert torch.autograd.gradcheck(lambda s: uld(s, teacher), draw(3, 5, seed=4).requires_grad_())


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.lists(st.integers(1, 4), min_size=1, max_size=12))
def test_spans_cover_the_common_text_once(student_lengths, teacher_lengths):
    student, teacher = (list(itertools.accumulate(x)) for x in (student_lengths, teacher_lengths))
    spans = aligned_spans(student, teacher)
    common = sorted(set(student) & set(teacher))
    assert [student[s.student[1] - 1] for s in spans] == common
    assert [teacher[s.teacher[1] - 1] for s in spans] == common
    for before, after in itertools.pairwise(spans):
        assert before.student[1] == after.student[0] and before.teacher[1] == after.teacher[0]
        assert after.student[0] < after.student[1]


def test_tokens_without_bytes_belong_to_the_span_before():
    spans = aligned_spans([2, 2, 5], [2, 5])
    assert [(s.student, s.teacher) for s in spans] == [((0, 2), (0, 1)), ((2, 3), (1, 2))]


def test_span_likelihood_by_the_chain_rule():
    spans = aligned_spans([1, 3, 4], [3, 4])
    student, teacher = draw(3), draw(2, seed=1)
    by_hand = ((student[0] + student[1] - teacher[0]) ** 2 + (student[2] - teacher[1]) ** 2) / 2
    assert span_likelihood(student, teacher, spans).item() == pytest.approx(by_hand.item())
    with pytest.raises(ValueError, match="no boundary"):
        span_likelihood(student, teacher, [])


def test_shared_vocabulary():
    shared = shared_vocabulary({"a": 0, "b": 1, "c": 2}, {"c": 0, "a": 1, "zz": 2})
    assert shared[0].tolist() == [0, 2] and shared[1].tolist() == [1, 0]
    same = draw(4, 3)
    assert shared_vocabulary_kl(same, same[:, [2, 0, 1]], shared).sum().item() == pytest.approx(0, abs=1e-9)
    assert shared_vocabulary_kl(same, draw(4, 3, seed=5), shared).sum().item() > 0
