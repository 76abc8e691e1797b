"""Better a programme by exchanging works from one start after another, the same ones every time."""

from dataclasses import replace
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from analysis.exchange import climb, moves_of
from analysis.prices import regrets, repaired
from analysis.schedule import MUST, Schedule, Task, arrange, is_possible, reached
from geo.compiled import IS_COMPILED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEW, MANY = (500, 2_000), (10_000, 30_000)  # sets listed at every start, and at the end
PATIENT = 16  # starts from which on the end is searched thoroughly
SHAKEN = (1e-3, 3e-3, 1e-2, 3e-4)  # by how much prices are shaken
SPREADS = (0.4, 0.1, 0.05, 0.2)  # of the worths drawn
FAVOURED, TRIED = 400, 10.0  # moves one is drawn of, and how far down the list on average
LOCKED = 1e12  # regret of a year that a lock forbids
SOLVER = "lagrange+exchange"


def can_exchange(task: Task, start: Schedule) -> bool:
    """Say whether works can be exchanged: compiled, with prices and a programme to start from."""
    known = start.money is not None and bool(np.isfinite(start.objective)) and len(task.parent) > 0
    return IS_COMPILED and known


def explore(task: Task, start: Schedule, *, gap: float, draws: int, until: float = np.inf, first: int = 0) -> Schedule:
    """Better a schedule by exchanging works, from where it stands, then from other starts.

    Parameters
    ----------
    gap
        Stop when the programme is so near the bound.
    draws
        How many other starts are made: by turns the programme in hand with one move forced and the rest in its order
        behind it, what shaken prices choose, and the programme in hand bettered for worths drawn around those given.
    until
        Stop at this reading of the monotonic clock.
    first
        Number of the first start, where others were made before.
    """
    if not can_exchange(task, start):
        return start
    prices, rng = np.asarray(start.money, np.float64), np.random.default_rng([5, first])
    _, regret = regrets(task, prices)
    found = _bettered(task, start, start.year, FEW) if first == 0 else start
    for turn in range(first, first + draws):
        if found.gap <= gap or monotonic() > until:
            return found
        year = _start(task, found.year, prices, regret, turn, rng)
        if is_possible(task, year):
            found = _bettered(task, found, year, FEW)
    return _bettered(task, found, found.year, MANY) if draws >= PATIENT and found.gap > gap else found


def _bettered(task: Task, found: Schedule, year: Ints, sets: tuple[int, ...]) -> Schedule:
    """Climb from a programme, and keep the better one."""
    year = climb(task, year, np.asarray(found.money, np.float64), sets=sets)
    objective = reached(task, year)
    if objective <= found.objective or not is_possible(task, year):
        return found
    return Schedule(year, objective, max(found.bound, objective), SOLVER, found.money)


def _start(task: Task, year: Ints, prices: Floats, regret: Floats, turn: int, rng: np.random.Generator) -> Ints:
    """Make another start from a programme."""
    time, kind = divmod(turn, 3)
    if kind == 0:
        return _forced(task, year, prices, regret, rng)
    if kind == 1:
        return np.asarray(repaired(task, prices, SHAKEN[time % len(SHAKEN)], time % 2 == 0, rng), np.int64)
    worth = task.worth * rng.lognormal(0.0, SPREADS[time % len(SPREADS)], len(task.worth))
    return climb(replace(task, worth=worth), year, prices, sets=FEW[:1])


def _forced(task: Task, year: Ints, prices: Floats, regret: Floats, rng: np.random.Generator) -> Ints:
    """Force one move that loses little for the money it moves; the other works follow in order of year and regret."""
    moves = moves_of(task, prices)
    loss = moves.losses(year, prices)
    rate = (loss / np.maximum(np.abs(moves.used) @ prices[: len(task.budgets)], 1e-9)).ravel()
    order = np.argsort(rate, kind="stable")[:FAVOURED]
    order = order[np.isfinite(rate[order])]
    if len(order) == 0:
        return year
    work, turn = divmod(int(order[min(int(rng.exponential(TRIED)), len(order) - 1)]), len(task.budgets) + 1)
    wanted, at = year.copy(), np.arange(len(year))
    wanted[moves.along(year, work, turn)] = turn
    known = np.where(np.isfinite(regret), regret, LOCKED)
    sooner = known[at, np.maximum(wanted - 1, 0)] - known[at, wanted]
    return arrange(task, np.lexsort((sooner, task.lock != MUST, wanted)), locked_first=False)
