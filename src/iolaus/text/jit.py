"""Numba with types kept: a compiled function has the signature of the function that was written."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["inlined", "kernel", "parallel_kernel", "spans"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile on first use, keep the machine code on disk, and let go of the GIL while running."""
    return cast(F, numba.njit(cache=True, nogil=True)(function))


def parallel_kernel(function: F) -> F:
    """Like ``kernel``, with loops over ``spans`` run on all cores."""
    return cast(F, numba.njit(cache=True, nogil=True, parallel=True)(function))


def inlined(function: F) -> F:
    """A small function that is copied into the kernels that call it."""
    return cast(F, numba.njit(cache=True, inline="always")(function))


spans = numba.prange
