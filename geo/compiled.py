"""Compile hot loops with numba where it is installed and not disabled; elsewhere callers take the library's way."""

from collections.abc import Callable
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

try:
    import numba

    IS_COMPILED = not numba.config.DISABLE_JIT
except ImportError:  # the library column of every kernel stays: slower, same answers
    IS_COMPILED = False


def compiled(function: Kernel) -> Kernel:
    """Compile a loop over arrays once and keep the machine code on disk; no fast-math, so that answers are the same."""
    if not IS_COMPILED:
        return function
    fast: Kernel = numba.njit(cache=True, nogil=True)(function)
    return fast
