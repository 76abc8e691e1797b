"""Exchanging works, splitting what is open, and the planes between price lists: against brute force, HiGHS and each other."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import analysis.branching
import analysis.exchange
import analysis.pairs
import analysis.planes
import analysis.polish
import analysis.prices
import analysis.proof
import analysis.schedule
import analysis.starts
from analysis.exchange import _clashes, climb, moves_of
from analysis.pairs import list_sets, meet
from analysis.planes import descend, lowest_of
from analysis.polish import exact, rehearse, solve
from analysis.prices import best_prices, relax
from analysis.proof import prove
from analysis.schedule import MUST, NEVER, Fair, Schedule, Task, greedy, is_possible, reached
from analysis.starts import can_exchange, explore
from geo.compiled import IS_COMPILED

SEEDS = st.integers(0, 2**32 - 1)
needs_numba = pytest.mark.skipif(not IS_COMPILED, reason="numba is not there or disabled: works are not exchanged")


def county(seed, count=None, years=None, locks=True):
    """A random forest of works with money for a part of them."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 8)) if count is None else count
    years = int(rng.integers(1, 4)) if years is None else years
    parent = np.array([int(rng.integers(-1, work)) if work and rng.random() < 0.7 else -1 for work in range(count)])
    cost = np.round(rng.uniform(1, 20, count), 2)
    worth = np.where(rng.random(count) < 0.8, rng.integers(1, 400, count), 0).astype(float)
    lock = np.zeros(count, np.int64)
    if locks and rng.random() < 0.4:
        lock[rng.integers(0, count)] = NEVER
    weight = None if rng.random() < 0.5 else rng.uniform(0, 2, years)
    return Task(parent, cost, worth, lock, np.full(years, cost.sum() / years * rng.uniform(0.1, 0.6)), weight)


def brute_force(task):
    years = range(len(task.budgets) + 1)
    found = [np.array(year) for year in product(years, repeat=len(task.parent))]
    return max(reached(task, year) for year in found if is_possible(task, year))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_climb_keeps_every_rule_and_never_falls(seed):
    task = county(seed)
    prices = best_prices(task)[0]
    for start in (greedy(task), np.full(len(task.parent), len(task.budgets))):
        if not is_possible(task, start):
            continue
        held = start.copy()
        year = climb(task, start, prices, sets=(200, 2_000))
        assert (start == held).all()
        assert is_possible(task, year)
        assert reached(task, start) - 1e-9 <= reached(task, year) <= brute_force(task) + 1e-6


def test_climbs_mostly_end_at_the_best():
    found = []
    for seed in range(80):
        task = county(seed, locks=False)
        year = climb(task, greedy(task), best_prices(task)[0], sets=(2_000,))
        found.append(reached(task, year) >= brute_force(task) - 1e-6)
    assert np.mean(found) >= 0.9


def test_an_exchange_of_two_for_one():
    parent, cost, worth = np.full(3, -1), np.array([10.0, 5.0, 5.0]), np.array([100.0, 60.0, 60.0])
    task = Task(parent, cost, worth, np.zeros(3, np.int64), np.array([10.0]))
    assert climb(task, np.array([0, 1, 1]), np.array([11.0]), sets=(100,)).tolist() == [1, 0, 0]
    locked = replace(task, lock=np.array([MUST, 0, 0]))
    assert climb(locked, np.array([0, 1, 1]), np.array([11.0]), sets=(100,)).tolist() == [0, 1, 1]


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_moves_that_do_not_clash_add_up(seed):
    task = county(seed, locks=False)
    years, year, moves = len(task.budgets), greedy(task), moves_of(task, np.zeros(len(task.budgets)))
    loss = moves.losses(year, np.zeros(years))
    work, turn = np.nonzero(np.isfinite(loss))
    clash = np.zeros((len(work), len(work)), bool)
    _clashes(task.parent, moves.child, moves.sibling, year, work, turn, clash)
    assert (clash == clash.T).all()
    assert clash.diagonal().all()
    spent = np.bincount(year, weights=task.cost, minlength=years + 1)[:years]
    rich = replace(task, budgets=np.full(years, 1e9))
    for one, two in [(move, move) for move in range(len(work))] + list(combinations(range(len(work)), 2)):
        if clash[one, two] and one != two:
            continue
        after = year.copy()
        for move in {one, two}:
            after[moves.along(year, work[move], turn[move])] = turn[move]
        pick = list({one, two})
        assert is_possible(rich, after)
        gain = moves.gain[work[pick], turn[pick]].sum()
        assert reached(task, after) - reached(task, year) == pytest.approx(gain, abs=1e-6)
        more = np.bincount(after, weights=task.cost, minlength=years + 1)[:years] - spent
        assert more == pytest.approx(moves.used[work[pick], turn[pick]].sum(axis=0), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_two_sets_that_meet_lose_least_of_all(seed):
    rng = np.random.default_rng(seed)
    count, years = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    loss, used = np.sort(rng.uniform(0, 10, count)), rng.uniform(-20, 20, (count, years))
    clash = np.triu(rng.random((count, count)) < 0.2)
    clash = clash | clash.T | np.eye(count, dtype=bool)
    room, prices = rng.uniform(-15, 15, years), rng.uniform(0.05, 2, years)
    most = float(rng.uniform(5, 60))
    moves, lost, spent = np.empty((500, 3), np.int64), np.empty(500), np.empty((500, years))
    size = list_sets(loss, used, clash, 1e9, np.array([9, 9, 9]), moves, lost, spent)
    free = [
        list(group)
        for length in range(4)
        for group in combinations(range(count), length)
        if not any(clash[one, two] for one, two in combinations(group, 2))
    ]
    assert sorted(sorted(row[row >= 0].tolist()) for row in moves[:size]) == sorted(free)
    best = most
    for one, two in product(free, free):
        if any(clash[a, b] for a in one for b in two):
            continue
        left = room - used[one].sum(axis=0) - used[two].sum(axis=0)
        if (left >= -1e-9).all():
            best = min(best, loss[one].sum() + loss[two].sum() + float(left @ prices))
    axes, pair = np.argsort(-prices, kind="stable")[:3], np.empty(2, np.int64)
    found = meet(moves, lost, spent, size, clash, room, prices, axes, most, 10**9, pair)
    assert found == pytest.approx(best)
    assert (pair[0] < 0) == (best == most)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_planes_are_lowest_where_highs_finds_them(seed):
    rng = np.random.default_rng(seed)
    size, count = int(rng.integers(1, 7)), int(rng.integers(1, 30))
    slopes, levels = rng.normal(0, 100, (count, size)), rng.normal(0, 1000, count)
    slopes[count // 2 :] = slopes[: count - count // 2]  # some alike but for their height
    low = rng.uniform(0, 5, size)
    high = low + rng.uniform(0, 20, size)
    place, height = lowest_of(slopes, levels, low, high)
    table = np.column_stack([slopes, -np.ones(count)])
    bounds = [*zip(low, high, strict=True), (None, None)]
    assert height == pytest.approx(linprog(np.r_[np.zeros(size), 1.0], table, -levels, bounds=bounds).fun, abs=1e-5)
    assert ((place >= low - 1e-9) & (place <= high + 1e-9)).all()
    weight, at = np.empty(count), np.empty(size)
    assert descend(slopes / 100, levels / 1000, at, weight)
    assert weight.min() >= -1e-9
    assert weight.sum() == pytest.approx(1)
    top = (levels / 1000 + slopes / 100 @ at).max()
    assert weight @ (levels / 1000 + slopes / 100 @ at) == pytest.approx(top, abs=1e-7)


@needs_numba
@settings(max_examples=60, deadline=None)
@given(SEEDS, st.booleans())
def test_a_proof_ends_at_the_best_from_any_programme(seed, is_poor):
    task = county(seed)
    best, prices = brute_force(task), best_prices(task)
    start = np.full(len(task.parent), len(task.budgets)) if is_poor else greedy(task)
    held = Schedule(start, reached(task, start), max(prices[1], reached(task, start)), "greedy", prices[0])
    if not is_possible(task, start):
        return
    found = prove(task, held, gap=0.0, seconds=60)
    assert is_possible(task, found.year)
    assert found.objective == pytest.approx(reached(task, found.year)) == pytest.approx(best, abs=1e-5)
    assert best - 1e-6 <= found.bound <= best + 1e-3


@needs_numba
@pytest.mark.parametrize("seed", range(8))
def test_a_proof_agrees_with_highs(seed, monkeypatch):
    monkeypatch.setattr(analysis.proof, "STARTS", 0)  # nothing is exchanged: it must find the best by itself
    task = county(seed, count=25, years=3, locks=False)
    prices, top = best_prices(task)
    found = prove(task, Schedule(greedy(task), reached(task, greedy(task)), top, "", prices), gap=0.0, seconds=120)
    year, bound = exact(task, np.ones((25, 4), bool), gap=1e-6, seconds=120)
    assert found.objective == pytest.approx(reached(task, year), rel=1e-6)
    assert found.bound == pytest.approx(bound, rel=1e-6)


@needs_numba
@pytest.mark.parametrize(("places", "parts"), [(2, 6), (5, 6), (40_000, 6), (40_000, 40)])
def test_a_proof_cut_short_still_bounds_everything(places, parts, monkeypatch):
    for name, number in {"PLACES": places, "PARTS": 3, "STARTS": 0}.items():
        monkeypatch.setattr(analysis.proof, name, number)
    is_open = []
    for seed in range(12):
        task = county(seed, count=25, years=2, locks=False)
        best = reached(task, exact(task, np.ones((25, 3), bool), gap=1e-6, seconds=120)[0])
        prices, bound = best_prices(task)
        held = Schedule(greedy(task), reached(task, greedy(task)), bound, "greedy", prices)
        found = prove(task, held, gap=0.0, seconds=120, parts=parts)
        assert held.objective <= found.objective <= best + 1e-6 <= found.bound + 2e-6
        assert found.bound <= bound + 1e-6
        is_open.append(found.objective < best - 1e-6)
    assert any(is_open)


@needs_numba
def test_other_starts_are_the_same_every_time_and_stop_when_near():
    task = county(3, count=60, years=3)
    held = relax(task, trials=1)
    one, two = (explore(task, held, gap=0.0, draws=9) for _ in range(2))
    assert (one.year == two.year).all()
    assert one.objective >= held.objective
    assert explore(task, held, gap=1.0, draws=9).objective >= held.objective
    assert explore(task, one, gap=1.0, draws=9, first=3) is one


@needs_numba
@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_shares_of_towns_count_in_full_whatever_their_price(seed):
    task, rng = county(seed), np.random.default_rng(seed)
    town = rng.integers(-1, 2, len(task.parent))
    fair = Fair(town, rng.uniform(0, 300, len(town)), rng.uniform(0, 500, 2), float(rng.uniform(0.5, 4)))
    task = replace(task, fair=fair)
    held = relax(task, trials=1)
    if not np.isfinite(held.objective):
        return
    found = explore(task, held, gap=0.0, draws=6)
    assert is_possible(task, found.year)
    assert held.objective <= found.objective == pytest.approx(reached(task, found.year))
    assert found.objective <= brute_force(task) + 1e-6 <= found.bound + 2e-6
    assert prove(task, held, gap=0.0, seconds=9) is held


@needs_numba
def test_a_town_behind_is_exchanged_for_one_that_has_its_share():
    worth = np.array([100.0, 60.0])
    fair = Fair(np.array([0, 1]), worth, np.array([0.0, 60.0]), 1.0)
    task = Task(np.full(2, -1), np.array([10.0, 10.0]), worth, np.zeros(2, np.int64), np.array([10.0]), None, fair)
    held = Schedule(np.array([0, 1]), 100.0, 140.0, "", np.array([5.0, 0.0, 1.0]))
    assert explore(task, held, gap=0.0, draws=0).year.tolist() == [1, 0]


def test_without_numba_it_goes_the_old_way(monkeypatch):
    task = county(5)
    monkeypatch.setattr(analysis.starts, "IS_COMPILED", False)
    monkeypatch.setattr(analysis.polish, "IS_COMPILED", False)
    monkeypatch.setattr(analysis.planes, "IS_COMPILED", False)
    assert not can_exchange(task, relax(task))
    found = solve(task, gap=0.0, seconds=60)
    assert "lagrange" in found.solver
    assert "exchange" not in found.solver
    assert "branching" not in found.solver
    assert found.objective == pytest.approx(brute_force(task), abs=1e-5)


@needs_numba
def test_a_rehearsal_compiles_all_that_a_programme_calls():
    rehearse()
    entered = (
        *(analysis.branching.branch, analysis.branching.settle, analysis.exchange._moves, analysis.exchange._kin),
        *(analysis.exchange._touched, analysis.exchange._clashes, analysis.pairs.list_sets, analysis.pairs.meet),
        *(analysis.planes.descend, analysis.prices._alone, analysis.prices.whole_values, analysis.schedule.price_out),
        *(analysis.prices._spread_locks, analysis.schedule._fill, analysis.schedule._pull, analysis.schedule.pass_up),
        *(analysis.schedule._pass_down, analysis.schedule._drop_idle),
    )
    known = {kernel: len(kernel.signatures) for kernel in entered}
    assert all(known.values())
    solve(county(1, count=60, years=3), gap=1.0, tries=2)
    assert {kernel: len(kernel.signatures) for kernel in entered} == known
