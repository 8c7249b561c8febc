"""How matrices are multiplied: on one core each.

Those of a forecast are too small for more. Threads of one multiplication mostly wait for each other, and on cores
that others use too they take ten times as long as one.
"""

import os
from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_core_each() -> AbstractContextManager[object]:
    """While it lasts, each multiplication of this process has one core."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limits


@cache
def _libraries() -> ThreadpoolController:
    """Looked for once, which takes longer than a forecast; numpy's are there as soon as it is imported."""
    import numpy  # noqa: F401

    return ThreadpoolController()
