"""Better a programme by moving a few works at once, so that every year's money is used up.

Moving a work to an earlier year takes along what must come before it, to a later one what hangs on it. Under the prices of
money every move loses or gains something; a programme gains when its moves lose less together than the money they use up
was worth. Sets of up to four moves that do not touch each other are listed, the cheapest first; two sets whose money fits
what is left over are found by place, as sets lie in boxes by the money they use (Horowitz and Sahni 1974).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.pairs import list_sets, meet
from analysis.schedule import Task
from geo.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MEMBERS = 4  # moves in a set at most; two sets are joined
POOL = (60, 800)  # moves that sets are made of, least and most, else a twentieth of the sets
SHARES = (0.3, 0.4, 0.25)  # of the sets, those of two, three and four moves
LOOKED = 4_000_000  # pairs of sets looked at in one search, at most
ROUNDS = 200  # improvements in a row, at most
ROUNDING, LEAST_GAIN = 1e-9, 1e-6


@compiled
def _moves(parent: Any, cost: Any, value: Any, lock: Any, year: Any, gain: Any, used: Any) -> None:
    """Reckon for every work and year what moving it there gains, and what more it uses of each year's money."""
    count, years = gain.shape[0], gain.shape[1] - 1
    gain[:] = 0.0
    used[:] = 0.0
    for work in range(count - 1, -1, -1):  # later: with what hangs on it
        now, above = year[work], parent[work]
        for turn in range(now + 1, years + 1):
            if turn == years and lock[work] == 1:
                gain[work, turn] = -np.inf
            gain[work, turn] += value[work, turn] - value[work, now]
            used[work, turn, now] -= cost[work]
            if turn < years:
                used[work, turn, turn] += cost[work]
            if above >= 0:
                gain[above, turn] += gain[work, turn]
                for money in range(years):
                    used[above, turn, money] += used[work, turn, money]
    for work in range(count):  # earlier: with what must come before it
        now, above = year[work], parent[work]
        for turn in range(now):
            if lock[work] == 2:
                gain[work, turn] = -np.inf
            gain[work, turn] += value[work, turn] - value[work, now]
            used[work, turn, turn] += cost[work]
            if now < years:
                used[work, turn, now] -= cost[work]
            if above >= 0 and year[above] > turn:
                gain[work, turn] += gain[above, turn]
                for money in range(years):
                    used[work, turn, money] += used[above, turn, money]


@compiled
def _kin(parent: Any, child: Any, sibling: Any) -> None:
    """Write down the first work that hangs on each, and the next that hangs on the same."""
    child[:] = -1
    for work in range(len(parent) - 1, -1, -1):
        sibling[work] = -1
        if parent[work] >= 0:
            sibling[work] = child[parent[work]]
            child[parent[work]] = work


@compiled
def _touched(parent: Any, child: Any, sibling: Any, year: Any, work: int, turn: int, found: Any) -> int:
    """List the works a move takes along, itself first; return how many."""
    found[0] = work
    size, at = 1, 0
    if turn < year[work]:
        above = parent[work]
        while above >= 0 and year[above] > turn:
            found[size] = above
            size += 1
            above = parent[above]
        return size
    while at < size:
        below = child[found[at]]
        while below >= 0:
            if year[below] < turn:
                found[size] = below
                size += 1
            below = sibling[below]
        at += 1
    return size


@compiled
def _clashes(parent: Any, child: Any, sibling: Any, year: Any, work: Any, turn: Any, clash: Any) -> None:
    """Say which moves touch the same work, or one of them a work on which one of the other hangs."""
    count = len(work)
    found = np.empty(len(parent), np.int64)
    start = np.zeros(count + 1, np.int64)
    for move in range(count):
        start[move + 1] = start[move] + _touched(parent, child, sibling, year, work[move], turn[move], found)
    held = np.empty(start[count], np.int64)
    for move in range(count):
        _touched(parent, child, sibling, year, work[move], turn[move], held[start[move] :])
    owner, above = np.full(len(parent), -1, np.int64), np.full(len(parent), -1, np.int64)
    for one in range(count):
        for place in range(start[one], start[one + 1]):
            owner[held[place]] = one
            if parent[held[place]] >= 0:
                above[parent[held[place]]] = one
        for two in range(count):
            for place in range(start[two], start[two + 1]):
                at = held[place]
                if owner[at] == one or above[at] == one or (parent[at] >= 0 and owner[parent[at]] == one):
                    clash[one, two] = True
                    break


@dataclass(frozen=True)
class Moves:
    """What moving works gains and uses: one set of arrays for a whole search.

    `gain` and `used` have a row a work and a column a year (the last: not at all), `used` one number more a year's money.
    """

    task: Task
    value: Floats
    child: Ints
    sibling: Ints
    gain: Floats
    used: Floats

    def losses(self, year: Ints, prices: Floats) -> Floats:
        """Reckon all moves of a programme anew; return what each loses under prices of money, infinite where locked."""
        task = self.task
        _moves(task.parent, task.cost, self.value, task.lock, year, self.gain, self.used)
        loss = self.used @ prices[: self.used.shape[2]] - self.gain
        loss[np.arange(len(year)), year] = np.inf
        return np.asarray(loss, np.float64)

    def along(self, year: Ints, work: int, turn: int) -> Ints:
        """List the works that move with one."""
        found = np.empty(len(year), np.int64)
        return found[: _touched(self.task.parent, self.child, self.sibling, year, work, turn, found)]


def moves_of(task: Task, prices: Floats) -> Moves:
    """Make room for the moves of a task; towns' shares count at their price."""
    count, years = len(task.parent), len(task.budgets)
    child, sibling = np.empty(count, np.int64), np.empty(count, np.int64)
    _kin(task.parent, child, sibling)
    value = np.column_stack([task.values(prices), np.zeros(count)])
    return Moves(task, value, child, sibling, np.empty((count, years + 1)), np.empty((count, years + 1, years)))


def climb(task: Task, year: Ints, prices: Floats, *, sets: tuple[int, ...]) -> Ints:
    """Better a programme until no two sets of moves better it.

    Parameters
    ----------
    year
        A programme that keeps budgets, precedence and locks.
    prices
        What each year's money is worth, then, where towns have a share, one more person of each: such a share counts at
        that price, so that a climb may end lower than it began.
    sets
        How many sets are listed: first few, then more, always until none betters the programme.
    """
    years, found, moves = len(task.budgets), year.copy(), moves_of(task, prices)
    prices = prices[:years]
    axes = np.argsort(-prices, kind="stable")[:3]
    axes = axes[prices[axes] > ROUNDING]
    if len(axes) == 0:
        return found
    for number in sets:
        reach = _reach(number)
        listed = np.empty((number, MEMBERS), np.int64), np.empty(number), np.empty((number, years))
        for _ in range(ROUNDS):
            loss = moves.losses(found, prices)
            room = task.budgets - np.bincount(found, weights=task.cost, minlength=years + 1)[:years]
            slack, low = float(room @ prices), min(float(loss.min()), 0.0)
            work, turn = np.divmod(_cheapest(loss.ravel(), slack - 2 * MEMBERS * low, int(reach[0])), years + 1)
            clash = np.zeros((len(work), len(work)), bool)
            _clashes(task.parent, moves.child, moves.sibling, found, work, turn, clash)
            size = list_sets(loss[work, turn], moves.used[work, turn], clash, slack - MEMBERS * low, reach, *listed)
            chosen, lost, spent = listed
            least = float(lost[:size].min())
            most, pair = slack - 2 * least - LEAST_GAIN, np.empty(2, np.int64)
            if most <= 0:
                break
            meet(chosen, lost[:size] - least, spent, size, clash, room, prices, axes, most, LOOKED, pair)
            if pair[0] < 0:
                break
            before = found.copy()
            for move in chosen[pair][chosen[pair] >= 0].tolist():
                found[moves.along(before, work[move], turn[move])] = turn[move]
    return found


def _reach(number: int) -> Ints:
    """Say how many of the cheapest moves may be the last of a set of one, two, three and four, to list so many sets."""
    two, three, four = SHARES
    pool = min(max(number // 20, POOL[0]), POOL[1])
    return np.array(
        [pool, (2 * two * number) ** (1 / 2), (6 * three * number) ** (1 / 3), (24 * four * number) ** (1 / 4)]
    ).astype(np.int64)


def _cheapest(loss: Floats, most: float, number: int) -> Ints:
    """Return where the smallest losses stand, in order."""
    at = np.flatnonzero(loss < most)
    if len(at) > number:
        at = at[loss[at] <= np.partition(loss[at], number - 1)[number - 1]]
    return at[np.argsort(loss[at], kind="stable")][:number]
