"""Prove or better a schedule with HiGHS, in what is left of the gap and of the time."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, eye_array, hstack, vstack

from analysis.prices import TRIALS, regrets, relax
from analysis.proof import prove
from analysis.schedule import MUST, NEVER, Schedule, Task, greedy, is_possible, reached, without_idle
from analysis.starts import can_exchange, explore
from geo.compiled import IS_COMPILED

Floats = NDArray[np.float64]
Years = NDArray[np.int64]
Allowed = NDArray[np.bool_]
MAX_BINARIES = 120_000
FREED = ((60, 50), (60, 50), (100, 100), (150, 200))  # works left open in each try, branchings it is searched for
FEW_WORKS = 400
CORES = ((60, 50), (120, 20), (200, 5))  # first the works the prices leave most open, the rest as priced
KEPT_OFF = 0.2  # works not in the year the prices favour are drawn so much sooner
TRIES, IDLE_TRIES, QUICK_GAP = 24, 8, 5e-4
FEW_TRIALS, FINE_GAP = 5, 1e-4  # where works are exchanged
STARTS, LEAST_STARTS, MOST_STARTS, ALL_STARTS = 12_500, 3, 10, 72  # a try: by works, at least, at most; of all tries
PARTS, LEAST_PARTS = 100_000, 60  # looked at in a try where the gap asked for is reached: by works; fewer are not begun
FIRST_SHARE, SOME_WORKS = 0.3, 2_000  # of the time, splitting comes first; up to so many works HiGHS has the rest
ROUNDING = 1e-9
INFEASIBLE = 2  # scipy's status


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


def exact(
    task: Task, allowed: Allowed, *, gap: float, seconds: float, nodes: int | None = None
) -> tuple[Years | None, float]:
    """Search with HiGHS among the programmes whose works keep to their allowed years.

    Parameters
    ----------
    allowed
        Row a work, column a year, the last: not at all. What lies between a work's first and last is allowed, too.
    gap
        How far from the best it may be, in what the objective counts.
    nodes
        How many branchings are looked at, at most; unlike time it gives the same answer on every machine.

    Returns
    -------
    year, bound
        The best met (None when none was) and what no programme of this kind exceeds.
    """
    count, years = len(task.parent), len(task.budgets)
    turn = np.arange(years)
    is_done = turn >= (years - allowed[:, ::-1].argmax(axis=1))[:, None]
    may_be = turn >= allowed.argmax(axis=1)[:, None]
    child = np.flatnonzero(task.parent >= 0)
    flat = np.arange(count * years).reshape(count, years)
    low = np.r_[flat[:, :-1].ravel(), flat[child].ravel()]
    high = np.r_[flat[:, 1:].ravel(), flat[task.parent[child]].ravel()]
    done, may = is_done.ravel(), may_be.ravel()
    if (done[low] & ~may[high]).any():
        return None, -np.inf
    open_ = may & ~done
    least, most = np.zeros(done.size), np.ones(done.size)
    least[high[done[low]]], most[low[~may[high]]] = 1.0, 0.0
    both = open_[low] & open_[high]
    size, number = int(open_.sum()), np.cumsum(open_) - 1
    low, high, row = number[low[both]], number[high[both]], np.arange(int(both.sum()))
    order = coo_array(
        (np.r_[np.ones(len(row)), -np.ones(len(row))], (np.r_[row, row], np.r_[low, high])), (len(row), size)
    )
    work, year = np.divmod(np.flatnonzero(open_), years)
    cost, later = task.cost[work], year < years - 1
    money = coo_array(
        (np.r_[cost, -cost[later]], (np.r_[year, year[later] + 1], np.r_[np.arange(size), np.flatnonzero(later)])),
        (years, size),
    )
    spent = np.diff(task.cost @ is_done, prepend=0.0)
    weight = -np.diff(task.left)
    gain, sure = task.worth[work] * weight[year], float((task.worth @ is_done) @ weight)
    plain = LinearConstraint(vstack([order, money]).tocsr(), -np.inf, np.r_[np.zeros(len(row)), task.budgets - spent])
    if size == 0:
        found_year = (years - is_done.sum(axis=1)).astype(np.int64)
        return (found_year, reached(task, found_year)) if (spent <= task.budgets + 1e-6).all() else (None, -np.inf)
    found = _asked(task, gain, Bounds(least[open_], most[open_]), plain, (work, year, is_done), gap, seconds, nodes)
    bound = task.most()
    if found.status == INFEASIBLE:
        bound = -np.inf
    elif getattr(found, "mip_dual_bound", None) is not None and np.isfinite(found.mip_dual_bound):
        bound = min(bound, sure - float(found.mip_dual_bound))
    if found.x is None:
        return None, bound
    whole = is_done.ravel().astype(np.float64)
    whole[open_] = np.rint(found.x[:size])
    return (years - whole.reshape(count, years).sum(axis=1)).astype(np.int64), bound


def _asked(
    task: Task,
    gain: Floats,
    bounds: Bounds,
    plain: LinearConstraint,
    where: tuple[Years, Years, Allowed],
    gap: float,
    seconds: float,
    nodes: int | None,
) -> Any:
    """Hand the open works to HiGHS, with one more number a town: how many of its share are served."""
    work, year, is_done = where
    size, fair = len(gain), task.fair
    whole = float(gain.sum()) + (fair.bonus * float(fair.share.sum()) if fair else 0.0)
    options: dict[str, Any] = {"time_limit": max(seconds, 0.01), "mip_rel_gap": min(gap / max(whole, 1e-9), 1.0)}
    if nodes is not None:
        options["node_limit"] = nodes
    is_whole, table, limit = np.ones(size), plain.A, plain.ub
    if fair is not None:
        towns, last = len(fair.share), year == is_done.shape[1] - 1
        some = np.flatnonzero(last & (fair.town[work] >= 0))
        sure = is_done[:, -1] & (fair.town >= 0)
        served = np.bincount(fair.town[sure], weights=fair.people[sure], minlength=towns)
        rows = coo_array((-fair.people[work[some]], (fair.town[work[some]], some)), (towns, size))
        table = vstack([hstack([table, coo_array((table.shape[0], towns))]), hstack([rows, eye_array(towns)])]).tocsr()
        limit, gain = np.r_[limit, served], np.r_[gain, np.full(towns, fair.bonus)]
        bounds = Bounds(np.r_[bounds.lb, np.zeros(towns)], np.r_[bounds.ub, fair.share])
        is_whole = np.r_[is_whole, np.zeros(towns)]
    with _quiet_output():
        return milp(
            -gain,
            integrality=is_whole,
            bounds=bounds,
            constraints=LinearConstraint(table, -np.inf, limit),
            options=options,
        )


def _better(task: Task, start: Schedule, year: Years | None, bound: float, solver: str) -> Schedule:
    """Keep the better programme and the lower bound."""
    best, objective = start.year, start.objective
    if year is not None and is_possible(task, year) and reached(task, year) > objective:
        best, objective = year, reached(task, year)
    return Schedule(best, objective, max(min(bound, start.bound), objective), solver, start.money)


def sharpen(task: Task, start: Schedule, *, gap: float, seconds: float, tries: int = TRIES) -> Schedule:
    """Better a programme piece by piece: free a few works whose year is open, keep the rest, search those exactly.

    First what the prices leave most open, the rest as the prices choose; then draws around the programme in hand.

    Parameters
    ----------
    gap
        Stop when the programme is so near the bound.
    tries
        How often works are drawn (the same draws every time); the smaller the regret, the likelier.
    """
    end, found = monotonic() + seconds, start
    if start.money is None or not np.isfinite(start.objective) or len(task.parent) == 0:
        return start
    bound, regret = regrets(task, start.money)
    second = np.maximum(np.partition(regret, 1, axis=1)[:, 1], ROUNDING * abs(bound))
    rng, at = np.random.default_rng(3), np.arange(len(second))
    order, idle = np.sort(second), 0
    for turn in range(tries):
        if found.gap <= gap or idle > IDLE_TRIES or monotonic() > end:
            break
        if turn < len(CORES):
            size, nodes = CORES[turn]
            allowed = regret <= order[min(size, len(order) - 1)]
        else:
            size, nodes = FREED[turn % len(FREED)]
            is_off = regret[at, found.year] > ROUNDING * abs(bound)
            score = np.where(is_off, KEPT_OFF * second, second) * rng.exponential(1.0, len(second))
            chosen = np.argsort(score, kind="stable")[:size]
            chosen = np.union1d(chosen, task.parent[chosen][task.parent[chosen] >= 0])
            allowed = np.zeros(regret.shape, bool)
            allowed[at, found.year] = True
            allowed[chosen] |= regret[chosen] <= second[chosen, None]
        aim = max(gap, 1e-6) * abs(bound) / 2
        year, _ = exact(task, allowed, gap=aim, seconds=end - monotonic(), nodes=nodes)
        before, found = found.objective, _better(task, found, year, found.bound, "lagrange+core")
        idle = 0 if found.objective > before else idle + 1
    return found


def search(task: Task, start: Schedule, *, gap: float, seconds: float, tries: int = TRIES) -> Schedule:
    """Better a programme by exchanging works where that is compiled, else piece by piece; arguments as in `sharpen`.

    Where towns have a share, which exchanges only know by its price, both are done unless one try is asked for.
    """
    if not can_exchange(task, start):
        return sharpen(task, start, gap=gap, seconds=seconds, tries=tries)
    draws = min(tries * min(max(STARTS // len(task.parent), LEAST_STARTS), MOST_STARTS), ALL_STARTS)
    end = monotonic() + seconds
    found = explore(task, start, gap=min(gap, FINE_GAP), draws=draws, until=end)
    if task.fair is None or tries == 1:
        return found
    return sharpen(task, found, gap=gap, seconds=end - monotonic(), tries=tries)


def polish(task: Task, start: Schedule, *, gap: float, seconds: float) -> Schedule:
    """Prove or better a schedule with HiGHS; what is better of both is kept, for programme and for bound.

    Years that the prices rule out - no programme with them can beat the one in hand - are left out of the search.
    """
    count, years = len(task.parent), len(task.budgets)
    if count == 0 or seconds <= 0:
        return start
    allowed = np.ones((count, years + 1), bool)
    if start.money is not None:
        bound, regret = regrets(task, start.money)
        allowed = np.isfinite(regret)
        if np.isfinite(start.objective):
            allowed &= bound - regret > start.objective - ROUNDING * abs(bound)
    allowed[task.lock == NEVER, :years], allowed[task.lock == MUST, years] = False, False
    if not allowed.any(axis=1).all():  # nothing can beat what is in hand
        return _better(task, start, None, start.objective, "lagrange+highs")
    if np.isfinite(start.objective) and int(allowed.sum()) - count > MAX_BINARIES:
        return start
    value = start.bound if np.isfinite(start.bound) else task.most()
    year, bound = exact(task, allowed, gap=gap * abs(value), seconds=seconds)
    return _better(task, start, year, bound, "lagrange+highs")


def solve(
    task: Task, *, gap: float = 0.01, seconds: float = 10, tries: int = TRIES, start: Floats | None = None
) -> Schedule:
    """Schedule the works: prices of money, then works exchanged, then a proof or, where that is not to be had, HiGHS.

    `gap` says how long the proof goes on; where it is reached before, the quick steps still take `tries` tries.
    `start` are prices of a question that differs little.

    Examples
    --------
    >>> two = Task(np.array([-1, 0]), np.array([1.0, 1.0]), np.array([0.0, 9.0]), np.zeros(2, np.int64), np.array([1.0, 1.0]))
    >>> found = solve(two, gap=0.0)
    >>> found.year.tolist(), found.objective, found.bound
    ([0, 1], 9.0, 9.0)

    """
    end, aim = monotonic() + seconds, min(gap, QUICK_GAP)
    if gap < QUICK_GAP * 10 and len(task.parent) <= FEW_WORKS:
        tries = min(tries, len(FREED))  # so few are proven outright
    trials = FEW_TRIALS if IS_COMPILED and task.fair is None else TRIALS
    found = relax(task, target=aim, until=end, start=start, trials=trials)
    found = search(task, found, gap=aim, seconds=end - monotonic(), tries=tries)
    parts = np.inf if found.gap > gap else tries * PARTS // max(len(task.parent), 1)
    if parts >= LEAST_PARTS:
        share = FIRST_SHARE if len(task.parent) <= SOME_WORKS else 1.0
        found = prove(task, found, gap=min(gap, FINE_GAP), seconds=share * (end - monotonic()), parts=parts)
    if found.gap > gap or not np.isfinite(found.objective):
        found = polish(task, found, gap=gap, seconds=end - monotonic())
    return replace(found, year=without_idle(task, found.year))


def rehearse() -> None:
    """Schedule two works, so that all that is compiled is at hand before anybody asks."""
    two = Task(np.array([-1, -1]), np.array([2.0, 2.0]), np.array([5.0, 4.0]), np.zeros(2, np.int64), np.array([3.0]))
    solve(two, gap=0.0, tries=1)
    greedy(two)
