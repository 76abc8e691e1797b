"""Prove a programme, or find a better one: what cannot be better is left out, the rest is split and bounded by prices."""

from dataclasses import replace
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.branching import branch, settle
from analysis.prices import regrets
from analysis.schedule import Schedule, Task, reached
from analysis.starts import can_exchange, explore

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PLACES, MOST_BYTES = 40_000, 120_000_000  # parts kept open at most
PARTS, STARTS = 400, 9  # parts looked at, then other starts to exchange works from, by turns
MANY_STARTS = 1_000  # how far their numbers lie apart
ALMOST_ONE, ROUNDING = 0.999, 1e-9
SOLVER = "lagrange+branching"


def prove(task: Task, start: Schedule, *, gap: float, seconds: float, parts: float = np.inf) -> Schedule:
    """Prove how good a programme is, and better it on the way.

    Parameters
    ----------
    start
        A programme with its prices; without them, where nothing is compiled and where towns have a share it comes back
        as it is.
    gap
        Stop when the programme is so near the bound.
    seconds
        Stop after so long; this alone depends on the machine.
    parts
        Stop when about so many parts were looked at.

    Examples
    --------
    >>> two = Task(np.array([-1, -1]), np.array([2.0, 2.0]), np.array([5.0, 4.0]), np.zeros(2, np.int64), np.array([3.0]))
    >>> held = Schedule(np.array([1, 0]), 4.0, 7.5, "by hand", np.array([2.5]))
    >>> found = prove(two, held, gap=0.0, seconds=9)
    >>> found.objective, found.bound
    (5.0, 5.0)

    """
    end, years = monotonic() + seconds, len(task.budgets)
    if not can_exchange(task, start) or task.fair is not None or start.gap <= gap:
        return start
    prices = np.asarray(start.money, np.float64)
    value = task.values(prices)
    is_whole = bool((value == np.rint(value)).all())  # then a better programme is better by one at least
    step = ALMOST_ONE if is_whole else ROUNDING * abs(start.bound)
    bound, regret = regrets(task, prices)
    allowed = bound - regret >= start.objective + step
    low, high = allowed.argmax(axis=1), years - allowed[:, ::-1].argmax(axis=1)
    if not allowed.any(axis=1).all() or not settle(task.parent, low, high):
        return _told(start, start.objective, is_whole, step)
    held = np.flatnonzero(low < high)
    sure = np.flatnonzero((low == high) & (low < years))
    number = np.full(len(low) + 1, -1, np.int64)
    number[held] = np.arange(len(held))
    spent = np.bincount(low[sure], weights=task.cost[sure], minlength=years)[:years]
    base = float(value[sure, low[sure]].sum())
    places = int(np.clip(MOST_BYTES // (2 * len(held) + 8 * years + 40), 100, PLACES))
    part = _parts(places, low[held], high[held], prices)
    best, best_year = start.objective - base, np.full(len(held), -1, np.int8)
    rest = number[task.parent[held]], task.cost[held], np.ascontiguousarray(value[held]), task.budgets - spent
    count, top, found, turn = part.count, start.bound, start, 1
    while monotonic() < end:
        best = branch(*rest, step, *part, best_year, best, int(min(PARTS, parts)))
        if best + base > found.objective + step / 2:
            year = low.astype(np.int64)
            year[held] = best_year
            found = replace(found, year=year, objective=reached(task, year))
        top = found.objective
        if count[0] == 0:
            break
        top = max(float(part.bound[part.heap[0]]) + base, top)
        if top - found.objective <= gap * top or count[3] >= parts or count[4]:
            break
        found = explore(task, found, gap=0.0, draws=STARTS, until=end, first=turn * MANY_STARTS)
        best, turn = max(best, found.objective - base), turn + 1
    return _told(found, top, is_whole, step)


class _Parts(NamedTuple):
    """Parts that are open, a row each, and their order; what `branch` goes on from."""

    low: Any
    high: Any
    money: Any
    bound: Any
    split: Any
    heap: Any
    spare: Any
    count: Any


def _parts(places: int, low: Ints, high: Ints, prices: Floats) -> _Parts:
    """Make room for parts; the first is the whole."""
    years = np.empty((2, places, len(low)), np.int8)
    money, bound, split = np.empty((places, len(prices))), np.empty(places), np.empty((places, 2), np.int64)
    years[0, 0], years[1, 0], money[0], bound[0], split[0] = low, high, prices, np.inf, (-1, 0)
    heap, spare = np.zeros(places, np.int64), np.zeros(places, np.int64)
    return _Parts(years[0], years[1], money, bound, split, heap, spare, np.array([1, 0, 1, 0, 0], np.int64))


def _told(found: Schedule, top: float, is_whole: bool, step: float) -> Schedule:
    """Say what was proven."""
    bound = float(np.floor(top + 1e-6)) if is_whole else top + step
    return replace(found, bound=max(min(found.bound, bound), found.objective), solver=SOLVER)
