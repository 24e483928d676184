"""Objectives between different tokenizers: sorted probabilities, and text aligned by byte offsets."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Span", "aligned_spans", "shared_vocabulary", "shared_vocabulary_kl", "span_likelihood", "uld"]


def uld(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Universal logit distillation: Σ |sorted p - sorted q| for each token, the shorter one padded with zeros.

    It is the Wasserstein distance with equal costs, which needs no shared vocabulary. Boizard et al.,
    "Towards cross-tokenizer distillation" (arXiv 2402.12030), equation 4.

    Args:
        student_logits: (n, V_s).
        teacher_logits: (n, V_t) at the same places of the text.

    Returns:
        (n,) one value a token.
    """
    q = torch.softmax(student_logits, -1).sort(-1, descending=True).values
    p = torch.softmax(teacher_logits.detach(), -1).sort(-1, descending=True).values
    wide = max(p.shape[-1], q.shape[-1])
    p = torch.nn.functional.pad(p, (0, wide - p.shape[-1]))
    q = torch.nn.functional.pad(q, (0, wide - q.shape[-1]))
    return (p - q).abs().sum(-1)


@dataclass(frozen=True, slots=True)
class Span:
    """A shortest stretch of text that is a whole number of tokens for both tokenizers.

    Args:
        student: first and one past the last of the student's tokens.
        teacher: the same for the teacher's.
    """

    student: tuple[int, int]
    teacher: tuple[int, int]


def aligned_spans(student_ends: Sequence[int], teacher_ends: Sequence[int]) -> list[Span]:
    """Cut two tokenizations of one text where both have a boundary.

    Args:
        student_ends: byte offset where each of the student's tokens ends, rising.
        teacher_ends: the same for the teacher's.

    Returns:
        Spans in order; what follows the last common boundary is left out.
    """
    spans: list[Span] = []
    i = j = first_i = first_j = 0
    while i < len(student_ends) and j < len(teacher_ends):
        if student_ends[i] == teacher_ends[j]:
            # Tokens without bytes of their own end where the one before does and belong to its span.
            while i + 1 < len(student_ends) and student_ends[i + 1] == student_ends[i]:
                i += 1
            while j + 1 < len(teacher_ends) and teacher_ends[j + 1] == teacher_ends[j]:
                j += 1
            i, j = i + 1, j + 1
            spans.append(Span((first_i, i), (first_j, j)))
            first_i, first_j = i, j
        elif student_ends[i] < teacher_ends[j]:
            i += 1
        else:
            j += 1
    return spans


def span_likelihood(student_logprobs: Tensor, teacher_logprobs: Tensor, spans: Sequence[Span]) -> Tensor:
    """Mean over spans of (log q(span) - log p(span))², a span's log-probability the sum over its tokens.

    By the chain rule both sums are the log-probability of the same bytes, so no vocabulary is compared.

    Args:
        student_logprobs: (n,) of the text's tokens.
        teacher_logprobs: (m,).
        spans: from `aligned_spans`.

    Raises:
        ValueError: no spans.
    """
    if not spans:
        raise ValueError("no boundary is common to both tokenizations")
    ours = torch.stack([student_logprobs[s.student[0] : s.student[1]].sum() for s in spans])
    theirs = torch.stack([teacher_logprobs[s.teacher[0] : s.teacher[1]].sum() for s in spans])
    return torch.mean((ours - theirs.detach()) ** 2)


def shared_vocabulary(student: dict[str, int], teacher: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Ids of the tokens that both vocabularies write alike, in the order of the student's ids; each (s,)."""
    pairs = sorted((index, teacher[token]) for token, index in student.items() if token in teacher)
    found = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def shared_vocabulary_kl(student_logits: Tensor, teacher_logits: Tensor, shared: tuple[Tensor, Tensor]) -> Tensor:
    """KL(p || q) over the shared tokens and one outcome for all others, where a span begins for both; (n,).

    Args:
        student_logits: (n, V_s) at the spans' first tokens.
        teacher_logits: (n, V_t) at the same places.
        shared: ids from `shared_vocabulary`.
    """
    log_q = torch.log_softmax(student_logits, -1)[:, shared[0]]
    log_p = torch.log_softmax(teacher_logits.detach(), -1)[:, shared[1]]
    p, rest_p, rest_q = log_p.exp(), _rest(log_p), _rest(log_q)
    return (p * (log_p - log_q)).sum(-1) + rest_p * (rest_p.log() - rest_q.log())


def _rest(log_share: Tensor) -> Tensor:
    return (1 - log_share.exp().sum(-1)).clamp_min(1e-9)
