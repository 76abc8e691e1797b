"""Prove or better a schedule with HiGHS, in what is left of the gap and of the time."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from analysis.schedule import MUST, NEVER, Schedule, Task, is_possible, reached, relax, without_idle

MAX_BINARIES = 120_000


@contextmanager
def _quiet_output() -> Iterator[None]:
    """Send what HiGHS writes to standard output to standard error, so that `--json` prints one document alone.

    Only in the main thread, where commands run: a server's threads share the stream and print no documents on it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError):  # no such streams, as under a window without a console
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def polish(task: Task, start: Schedule, *, gap: float, seconds: float) -> Schedule:
    """Prove or better a schedule with HiGHS; what is better of both is kept, for programme and for bound."""
    count, years = len(task.parent), len(task.budgets)
    size = count * years
    if size == 0 or size > MAX_BINARIES or seconds <= 0:
        return start
    at = np.arange(size).reshape(count, years)
    child = np.flatnonzero(task.parent >= 0)
    pairs = [(at[:, :-1].ravel(), at[:, 1:].ravel()), (at[child].ravel(), at[task.parent[child]].ravel())]
    low, high = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    row = np.arange(len(low))
    order = coo_array(
        (np.r_[np.ones(len(low)), -np.ones(len(low))], (np.r_[row, row], np.r_[low, high])), (len(low), size)
    )
    year = np.tile(np.arange(years), count)
    cost = np.repeat(task.cost, years)
    later = year < years - 1
    money = coo_array(
        (np.r_[cost, -cost[later]], (np.r_[year, year[later] + 1], np.r_[np.arange(size), np.flatnonzero(later)])),
        (years, size),
    )
    limit = np.r_[np.zeros(len(low)), task.budgets]
    least, most = np.zeros((count, years)), np.ones((count, years))
    most[task.lock == NEVER] = 0
    least[task.lock == MUST, -1] = 1
    with _quiet_output():
        found = milp(
            -np.repeat(task.worth, years),
            integrality=np.ones(size),
            bounds=Bounds(least.ravel(), most.ravel()),
            constraints=LinearConstraint(vstack([order, money]).tocsr(), -np.inf, limit),
            options={"time_limit": seconds, "mip_rel_gap": gap, "presolve": True},
        )
    best, bound, solver = start, start.bound, start.solver
    if found.x is not None:
        trial = (years - np.rint(found.x).reshape(count, years).sum(axis=1)).astype(np.int64)
        if is_possible(task, trial) and reached(task, trial) > start.objective:
            best, solver = Schedule(trial, reached(task, trial), bound, "highs"), "lagrange+highs"
    if getattr(found, "mip_dual_bound", None) is not None and np.isfinite(found.mip_dual_bound):
        bound = min(bound, -float(found.mip_dual_bound))
        solver = "lagrange+highs"
    return Schedule(best.year, best.objective, max(bound, best.objective), solver)


def solve(task: Task, *, gap: float = 0.01, seconds: float = 10) -> Schedule:
    """Schedule the works: prices of money first, HiGHS for what is left of the gap and of the time.

    Examples
    --------
    >>> two = Task(np.array([-1, 0]), np.array([1.0, 1.0]), np.array([0.0, 9.0]), np.zeros(2, np.int64), np.array([1.0, 1.0]))
    >>> found = solve(two, gap=0.0)
    >>> found.year.tolist(), found.objective, found.bound
    ([0, 1], 9.0, 9.0)

    """
    end = monotonic() + seconds
    found = relax(task, target=gap, until=end)
    if found.gap > gap or not np.isfinite(found.objective):
        found = polish(task, found, gap=gap, seconds=end - monotonic())
    return Schedule(without_idle(task, found.year), found.objective, found.bound, found.solver)
