"""What an encoder's student is trained for: the teacher's similarities within a batch, and its directions."""

from torch import Tensor

__all__ = ["match_teacher"]

_FLOOR = 0.1


def match_teacher(student: Tensor, teacher: Tensor, directions: Tensor, pull: float) -> Tensor:
    """100 · mean (S - T)² (max(T, 0) + 0.1) + pull · mean (1 - cos(student, direction)).

    The first term is similarity-preserving distillation (Tung and Mori, arXiv 1907.09682, equation 4, with cosines),
    weighted towards pairs that the teacher finds alike, since an order among unlike ones is of no use. The second
    holds the student to the teacher's own space, projected to the student's width.

    Args:
        student: (n, w) unit vectors.
        teacher: (n, d) unit vectors of the same texts.
        directions: (n, w) unit vectors, the teacher's projected to the student's width.
        pull: weight of the second term.
    """
    theirs = teacher @ teacher.T
    gap = (student @ student.T - theirs) ** 2 * (theirs.clamp_min(0) + _FLOOR)
    cosine: Tensor = (student * directions).sum(1)
    return 100 * gap.mean() + pull * (1 - cosine).mean()
