from dataclasses import replace
from itertools import combinations, product

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import Point

from analysis.plan import (
    Weights,
    clinic_people,
    compare,
    frontier,
    marginal,
    programme,
    stability,
    usual_list,
    works_tree,
)
from analysis.plan_check import check_programme
from analysis.polish import polish, sharpen, solve
from analysis.prices import best_prices, regrets, relax
from analysis.roads import natural_villages
from analysis.schedule import FREE, MUST, NEVER, Fair, Schedule, Task, arrange, greedy, is_possible, reached
from analysis.steiner import joint_tree, pruned
from analysis.steiner_cuts import Cuts, tighten
from analysis.steiner_graph import Graph, shrunk
from analysis.swaps import swaps_between
from geo.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)
# A stem off the county road with two branches: a and b share the stem, c stands alone, d needs a road of its own.
FORK = [
    ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X"}),
    ("STEM", "earth", [(1000, 0), (1000, 1000)]),
    ("LEFT", "earth", [(1000, 1000), (400, 1800)]),
    ("RIGHT", "earth", [(1000, 1000), (1600, 1800)]),
    ("LONE", "gravel", [(5000, 0), (5000, 2000)]),
]
PEOPLE = [("a", 400, (400, 1800)), ("b", 300, (1600, 1800)), ("c", 250, (5000, 2000)), ("d", 200, (8000, 600))]


def fork(people=PEOPLE, lines=FORK, rules=None):
    ws = workspace(roads=roads(lines), natural_villages=villages(people))
    return natural_villages(ws, rules or policy(), DAY)


def random_task(seed, most=7):
    rng = np.random.default_rng(seed)
    count, years = int(rng.integers(1, most + 1)), int(rng.integers(1, 3))
    parent = np.array([int(rng.integers(-1, work)) if work else -1 for work in range(count)], np.int64)
    cost = rng.integers(1, 20, count).astype(float)
    worth = rng.integers(0, 5, count) * rng.integers(0, 100, count).astype(float)
    return Task(
        parent, cost, worth, np.zeros(count, np.int64), rng.integers(0, int(cost.sum()) + 2, years).astype(float)
    )


def weighed_task(seed, most=6):
    """A random task whose years weigh differently and whose towns have a share."""
    rng = np.random.default_rng(seed + 1)
    task = random_task(seed, most)
    count, towns = len(task.parent), int(rng.integers(1, 4))
    people = rng.integers(0, 200, count).astype(float)
    fair = Fair(rng.integers(-1, towns, count), people, rng.uniform(0, 300, towns), float(rng.uniform(0, 3)))
    return replace(task, years=rng.uniform(0, 2, len(task.budgets)), fair=fair)


def brute_force(task):
    years = len(task.budgets)
    found = [
        reached(task, np.array(year))
        for year in product(range(years + 1), repeat=len(task.parent))
        if is_possible(task, np.array(year))
    ]
    return max(found, default=None)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_small_programmes_equal_brute_force(seed):
    task = random_task(seed)
    best = brute_force(task)
    found = solve(task, gap=0.0, seconds=20)
    assert is_possible(task, found.year)
    assert found.objective == pytest.approx(best)
    assert found.bound == pytest.approx(best, abs=1e-4)
    assert reached(task, found.year) == pytest.approx(best)
    quick = relax(task)
    assert quick.objective <= best + 1e-6 <= quick.bound + 2e-6
    assert is_possible(task, greedy(task))
    assert reached(task, greedy(task)) <= best + 1e-6


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_lock_never_raises_the_objective(seed):
    task, rng = random_task(seed), np.random.default_rng(seed)
    free = solve(task, gap=0.0, seconds=20)
    work = int(rng.integers(0, len(task.parent)))
    lock = np.zeros(len(task.parent), np.int64)
    lock[work] = NEVER
    out = solve(replace(task, lock=lock), gap=0.0, seconds=20)
    assert out.year[work] == len(task.budgets)
    assert out.objective <= free.objective + 1e-6
    while work >= 0:
        lock[work] = MUST
        work = int(task.parent[work])
    best = brute_force(replace(task, lock=lock))
    within = solve(replace(task, lock=lock), gap=0.0, seconds=20)
    if best is None:
        assert not is_possible(replace(task, lock=lock), within.year)
    else:
        assert is_possible(replace(task, lock=lock), within.year)
        assert within.objective == pytest.approx(best)
        assert within.objective <= free.objective + 1e-6


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_more_money_never_serves_fewer(seed):
    task = random_task(seed)
    more = replace(task, budgets=task.budgets + np.arange(1, len(task.budgets) + 1))
    assert solve(more, gap=0.0, seconds=20).objective >= solve(task, gap=0.0, seconds=20).objective - 1e-6


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_exact_solver_alone_equals_brute_force(seed):
    task = random_task(seed)
    nothing = Schedule(np.full(len(task.parent), len(task.budgets)), 0.0, float("inf"), "none")
    found = polish(task, nothing, gap=0.0, seconds=20)
    assert is_possible(task, found.year)
    assert (found.objective, found.bound) == pytest.approx((brute_force(task),) * 2, abs=1e-4)
    assert polish(task, nothing, gap=0.0, seconds=0) is nothing


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_weighed_years_and_towns_shares_equal_brute_force(seed):
    task = weighed_task(seed)
    best = brute_force(task)
    quick = relax(task)
    assert is_possible(task, quick.year)
    assert quick.objective <= best + 1e-6 <= quick.bound + 2e-6
    found = solve(task, gap=0.0, seconds=20)
    assert reached(task, found.year) == pytest.approx(found.objective) == pytest.approx(best, abs=1e-5)
    assert best - 1e-6 <= found.bound <= best + 1e-4
    prices = quick.money * np.random.default_rng(seed).uniform(0.5, 1.0, len(quick.money))
    bound, regret = regrets(task, prices)
    at = np.arange(len(task.parent))
    assert (best <= bound - regret[at, found.year] + 1e-5).all()


def test_a_year_that_weighs_nothing_is_no_hurry():
    task = Task(
        np.array([-1, -1]), np.array([2.0, 2.0]), np.array([5.0, 4.0]), np.zeros(2, np.int64), np.array([2.0, 2.0])
    )
    assert reached(task, np.array([0, 1])) == 14
    late = replace(task, years=np.array([0.0, 1.0]))
    assert reached(late, np.array([0, 1])) == reached(late, np.array([1, 0])) == 9
    assert reached(replace(task, years=np.array([3.0, 1.0])), np.array([0, 1])) == 24


def test_a_towns_share_brings_the_last_town_in():
    cost, worth = np.array([5.0, 5.0, 5.0]), np.array([300.0, 290.0, 200.0])
    task = Task(np.full(3, -1), cost, worth, np.zeros(3, np.int64), np.array([10.0]))
    assert solve(task, gap=0.0).year.tolist() == [0, 0, 1]
    fair = Fair(np.array([0, 0, 1]), worth, np.array([300.0, 150.0]), 1.0)
    told = solve(replace(task, fair=fair), gap=0.0)
    assert told.year.tolist() == [0, 1, 0]
    assert told.objective == 300 + 200 + 300 + 150  # the second town's share is 150, more of it counts once


@settings(max_examples=25, deadline=None)
@given(SEEDS)
@example(130148)  # the work that a locked one needs was not locked in the price search
def test_no_programme_beats_what_its_regret_leaves(seed):
    task, rng = random_task(seed, most=5), np.random.default_rng(seed)
    years, count = len(task.budgets), len(task.parent)
    lock = np.zeros(count, np.int64)
    lock[rng.integers(0, count)] = rng.integers(0, 3)
    task = replace(task, lock=lock)
    bound, regret = regrets(task, rng.uniform(0, 50, years))
    for year in product(range(years + 1), repeat=count):
        if is_possible(task, np.array(year)):
            given = regret[np.arange(count), np.array(year)]
            assert (reached(task, np.array(year)) <= bound - given + 1e-6).all()
    prices, lowest = best_prices(task)
    assert regrets(task, prices)[0] == pytest.approx(lowest)
    if brute_force(task) is not None:
        assert lowest <= bound + 1e-6


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_piecewise_search_keeps_what_it_has_and_the_bound(seed):
    task = random_task(seed)
    start = relax(task)
    found = sharpen(task, start, gap=0.0, seconds=20, tries=6)
    assert is_possible(task, found.year)
    assert start.objective <= found.objective == pytest.approx(reached(task, found.year))
    assert found.objective <= brute_force(task) + 1e-6 <= found.bound + 2e-6


def test_a_programme_of_middling_size_is_proven_within_a_thousandth():
    rng = np.random.default_rng(5)
    parent = np.array([-1 if rng.random() < 0.3 or not work else int(rng.integers(0, work)) for work in range(60)])
    cost, worth = rng.uniform(5, 90, 60), np.where(rng.random(60) < 0.8, rng.integers(150, 900, 60), 0).astype(float)
    task = Task(parent, cost, worth, np.zeros(60, np.int64), np.full(3, cost.sum() / 10))
    found = solve(task, gap=1e-3, seconds=60)
    assert is_possible(task, found.year)
    assert found.gap <= 1e-3
    assert found.objective > reached(task, greedy(task))
    again = solve(task, gap=1e-3, seconds=60)
    assert (found.year == again.year).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_shrunk_graph_has_the_same_shortest_shared_network(seed):
    graph, terminals = random_graph(seed)
    small = shrunk(graph, terminals)
    assert shortest_shared(small.graph, small.terminals) == pytest.approx(shortest_shared(graph, terminals))
    for edge in range(len(small.graph.one)):
        assert graph.length[small.edges(np.array([edge]))].sum() == small.graph.length[edge]


def test_twigs_that_lead_nowhere_are_cut():
    path = Graph(np.array([0, 1, 1, 3]), np.array([1, 2, 3, 4]), np.array([5.0, 5.0, 1.0, 1.0]), 5)
    assert pruned(path, np.array([2]), np.arange(4)).tolist() == [0, 1]


def random_graph(seed):
    rng = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(8, int(rng.integers(9, 16)), seed=int(seed))
    graph.add_edges_from((node, node + 1) for node in range(7))
    ends = np.array(sorted(graph.edges), np.int64)
    length = rng.integers(1, 100, len(ends)).astype(float)
    terminals = np.sort(rng.choice(np.arange(1, 8), int(rng.integers(1, 6)), replace=False))
    return Graph(ends[:, 0], ends[:, 1], length, 8), terminals


def shortest_shared(graph, terminals):
    """The shortest shared network by trying every set of further nodes."""
    whole = nx.Graph()
    whole.add_weighted_edges_from(zip(graph.one.tolist(), graph.two.tolist(), graph.length.tolist(), strict=True))
    needed, best = {0, *terminals.tolist()}, np.inf
    others = sorted(set(range(graph.count)) - needed)
    for size in range(len(others) + 1):
        for extra in combinations(others, size):
            part = whole.subgraph(needed | set(extra))
            if nx.is_connected(part):
                best = min(best, nx.minimum_spanning_tree(part).size(weight="weight"))
    return best


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_the_joint_tree_lies_between_its_bound_and_twice_the_best(seed):
    graph, terminals = random_graph(seed)
    best, found = shortest_shared(graph, terminals), joint_tree(graph, terminals)
    assert found.bound <= best + 1e-6
    assert best <= found.length + 1e-6 <= 2 * best + 2e-6
    edges = found.edge[found.edge >= 0]
    assert graph.length[edges].sum() == pytest.approx(found.length)
    for terminal in terminals:
        node, steps = int(terminal), 0
        while node != 0:
            node, steps = int(found.parent[node]), steps + 1
            assert 0 <= node < graph.count
            assert steps < graph.count


def test_the_joint_tree_is_mostly_the_best():
    gaps = []
    for seed in range(80):
        graph, terminals = random_graph(seed)
        gaps.append(joint_tree(graph, terminals).length / shortest_shared(graph, terminals) - 1)
    assert np.mean(np.array(gaps) < 1e-9) >= 0.9
    assert np.mean(gaps) < 0.01


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_sets_weighed_give_a_bound_that_no_network_goes_below(seed):
    graph, terminals = random_graph(seed)
    cuts = Cuts(graph)
    for terminal in terminals.tolist():
        inside = np.zeros(graph.count, bool)
        inside[terminal] = True
        cuts.enter(inside)
    row, arc = np.concatenate(cuts.rows), np.concatenate(cuts.arcs)
    seen = []

    def build(left):
        seen.append(left)
        assert (left >= -1e-9).all()
        return np.inf

    bound = tighten(graph, terminals, (row, arc), np.inf, 0.0, build, rounds=30, target=0.0)
    best = shortest_shared(graph, terminals)
    assert bound <= best + 1e-6
    assert bound >= 0.75 * best
    assert seen


def test_the_works_of_a_fork():
    tree = works_tree(fork())
    assert len(tree.cost) == 5
    assert tree.length_mm == pytest.approx(5_000_000)
    assert tree.bound_mm <= tree.length_mm
    stem = int(np.flatnonzero([len(rows) == 0 for rows in tree.villages])[0])
    assert sorted(tree.parent.tolist()) == [-1, -1, -1, stem, stem]
    assert sorted(np.round(tree.cost, 6)) == [60.0, 60.0, 60.0, 90.0, 120.0]  # d: 600 m times 1.5 times 100


def test_a_programme_in_order_of_years():
    plan = programme(fork(), budgets={2020: 120, 2021: 60, 2022: 200}, gap=0)
    table = plan.projects.set_index("natural_village_ids")
    assert table.loc["a", "year"] == 2020
    assert table.loc["", "year"] == 2020  # the stem, shared and paid for once
    assert table.loc["b", "year"] == 2021
    assert table.loc["c", "year"] == 2022
    assert plan.objective == pytest.approx(400 * 3 + 300 * 2 + 250)
    assert plan.bound == pytest.approx(plan.objective)
    assert plan.gap == pytest.approx(0)
    assert plan.projects.groupby("year")["cost_cny10k"].sum().to_dict() == pytest.approx(
        {2020: 120, 2021: 60, 2022: 120}
    )
    assert table.loc["a", "road_ids"] == "LEFT"
    assert table["length_km"].sum() == pytest.approx(5.0)
    assert plan.projects["people"].sum() == 950
    assert plan.geometry.geometry.length.sum() == pytest.approx(5000, rel=1e-6)
    assert plan.solver


def test_new_roads_are_paid_for_by_their_own_price():
    plan = programme(fork(), budgets={2020: 90}, gap=0)
    assert plan.projects["natural_village_ids"].tolist() == ["d"]
    assert plan.projects["new_km"].tolist() == [pytest.approx(0.9)]
    assert plan.projects["cost_cny10k"].sum() == pytest.approx(90)
    assert plan.geometry.geometry.iloc[0].length == pytest.approx(600)
    assert len(programme(fork(), budgets={2020: 89.99}, gap=0).projects) == 0


def test_locks_by_village_and_by_project():
    plan = fork()
    budgets = {2020: 120, 2021: 120}
    free = programme(plan, budgets=budgets, gap=0)
    assert "c" in free.projects["natural_village_ids"].tolist() or free.objective >= 1000
    kept = programme(plan, budgets=budgets, gap=0, locked_in=["c"])
    assert "c" in kept.projects["natural_village_ids"].tolist()
    assert kept.objective <= free.objective
    without = programme(plan, budgets=budgets, gap=0, locked_out=["a"])
    assert "a" not in ";".join(without.projects["natural_village_ids"]).split(";")
    assert without.objective <= free.objective
    named = free.projects["project_id"].iloc[0]
    assert named not in programme(plan, budgets=budgets, gap=0, locked_out=[named]).projects["project_id"].tolist()


def test_locks_that_cannot_be_kept_are_refused():
    with pytest.raises(InputError, match="安排不下"):
        programme(fork(), budgets={2020: 100}, locked_in=["a"])
    with pytest.raises(InputError, match="锁定为不建"):
        programme(fork(), budgets={2020: 500}, locked_in=["a"], locked_out=["a"])
    with pytest.raises(InputError, match="检查编号"):
        programme(fork(), budgets={2020: 500}, locked_in=["nobody"])


@pytest.mark.parametrize("budgets", [{}, {2020: -1}, {2020: float("nan")}, {2020: float("inf")}])
def test_budgets_must_be_amounts(budgets):
    with pytest.raises(InputError, match="预算"):
        programme(fork(), budgets=budgets)


def test_missing_prices_are_asked_for_never_invented():
    with pytest.raises(InputError, match="hardening_cny10k_per_km"):
        programme(fork(rules=policy(cost__hardening_cny10k_per_km=None)), budgets={2020: 500})
    plan = programme(fork(rules=policy(cost__new_road_cny10k_per_km=None)), budgets={2020: 500}, gap=0)
    assert "d" not in plan.projects["natural_village_ids"].tolist()
    assert any("费用不明" in note and "d" in note for note in plan.notes)


def test_an_unknown_surface_keeps_its_village_out_and_is_never_built_over():
    lines = [*FORK[:2], ("LEFT", "unknown", [(1000, 1000), (400, 1800)]), *FORK[3:]]
    plan = programme(fork(lines=lines), budgets={2020: 999}, gap=0)
    assert {name for names in plan.projects["natural_village_ids"] for name in names.split(";")} - {""} == {
        "b",
        "c",
        "d",
    }
    assert any("里程不明" in note and "a" in note for note in plan.notes)
    assert "LEFT" not in ";".join(plan.projects["road_ids"])


def test_a_road_of_unknown_surface_is_no_part_of_the_joint_network():
    lines = [
        FORK[0],
        ("L", "earth", [(1000, 0), (1000, 1000)]),
        ("R", "earth", [(1300, 0), (1300, 1000)]),
        ("T", "unknown", [(1000, 1000), (1300, 1000)]),
    ]
    plan = fork(people=[("a", 300, (1000, 1000)), ("b", 300, (1300, 1000))], lines=lines)
    assert plan.candidates["gap_km"].tolist() == [1.0, 1.0]
    assert programme(plan, budgets={2020: 999}, gap=0).projects["road_ids"].tolist() == ["L", "R"]


def test_nothing_to_build_is_an_empty_programme():
    plan = programme(fork(people=[("z", 300, (3000, 0))]), budgets={2020: 100})
    assert len(plan.projects) == len(plan.geometry) == len(plan.frontier) == 0
    assert (plan.objective, plan.bound, plan.gap) == (0, 0, 0)
    none = natural_villages(workspace(natural_villages=villages(PEOPLE)), policy(), DAY)
    assert len(programme(none, budgets={2020: 100}).projects) == 0


def test_weights_can_favour_the_poor():
    people = [("rich", 900, (400, 1800)), ("poor", 300, (5000, 2000))]
    plan = fork(people=people)
    plan.candidates.loc[plan.candidates["natural_village_id"] == "rich", "poor_population"] = 0.0
    plan.candidates.loc[plan.candidates["natural_village_id"] == "poor", "poor_population"] = 290.0
    budgets = {2020: 120}
    assert programme(plan, budgets=budgets, gap=0).projects["people"].sum() == 900
    assert programme(plan, budgets=budgets, gap=0, weights={"poor_people": 1}).projects["people"].sum() == 300
    with pytest.raises(InputError, match="权重"):
        programme(plan, budgets=budgets, weights={"luck": 1})


def test_the_frontier_never_falls_and_keeps_below_its_bound():
    frontier = programme(fork(), budgets={2020: 200}, frontier_steps=15).frontier
    assert list(frontier.columns) == ["budget_cny10k", "people", "people_greedy", "bound"]
    assert (frontier.diff().iloc[1:] >= -1e-9).all().all()
    assert (frontier["people"] <= frontier["bound"] + 1e-6).all()
    assert (frontier["people_greedy"] <= frontier["bound"] + 1e-6).all()
    assert frontier["people"].iloc[[0, -1]].tolist() == [0, 1150]


def random_county(seed):
    rng = np.random.default_rng(seed)
    lines = [("X", "asphalt", [(0, 0), (6000, 0)], {"admin_class": "X"})]
    for x, y in product(range(6), range(5)):
        for name, end in ((f"E{x}{y}", (x + 1, y)), (f"N{x}{y}", (x, y + 1))):
            if rng.random() < 0.7 and not (y == 0 and name[0] == "E"):
                surface = str(rng.choice(["earth", "gravel", "concrete"], p=[0.45, 0.4, 0.15]))
                lines.append((name, surface, [(x * 1000.0, y * 1000.0), (end[0] * 1000.0, end[1] * 1000.0)]))
    people = [(f"v{i}", int(rng.integers(150, 900)), tuple(rng.uniform(0, 6000, 2))) for i in range(14)]
    return lines, people, rng


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_every_programme_of_a_random_county_passes_its_check(seed):
    lines, people, rng = random_county(seed)
    plan = fork(people=people, lines=lines)
    tree = works_tree(plan)
    budgets = {2020 + year: float(rng.uniform(0, tree.cost.sum() / 2 + 1)) for year in range(3)}
    found = programme(plan, budgets=budgets, gap=0.02, seconds=2, tree=tree, frontier_steps=5)
    assert found.objective <= found.bound + 1e-6
    spent = found.projects.groupby("year")["cost_cny10k"].sum()
    assert all(spent[year] <= budgets[year] + 1e-6 for year in spent.index)
    built = found.projects.set_index("project_id")["year"]
    for row in found.projects.itertuples():
        if row.after:
            assert built[row.after] <= row.year
    ids = [name for names in found.projects["natural_village_ids"] for name in names.split(";") if name]
    assert len(ids) == len(set(ids))
    last = 2020 + len(budgets)
    assert found.objective == pytest.approx((found.projects["people"] * (last - found.projects["year"])).sum())


def test_the_check_does_not_trust_the_programme():
    plan = fork()
    tree = works_tree(plan)
    money = np.array([500.0])
    good = np.zeros(len(tree.cost), np.int64)
    check_programme(plan, tree, good, money)
    stem = int(np.flatnonzero([len(rows) == 0 for rows in tree.villages])[0])
    without_stem = good.copy()
    without_stem[stem] = 1
    with pytest.raises(RuntimeError, match="no hardened road"):
        check_programme(plan, tree, without_stem, money)
    with pytest.raises(RuntimeError, match="spends"):
        check_programme(plan, tree, good, np.array([100.0]))
    twice = replace(tree, edges=tuple(tree.edges[stem] if len(edges) else edges for edges in tree.edges))
    with pytest.raises(RuntimeError, match="twice"):
        check_programme(plan, twice, good, money)
    cheap = replace(tree, cost=tree.cost / 10)  # its own figures are not believed
    with pytest.raises(RuntimeError, match="spends"):
        check_programme(plan, cheap, good, np.array([50.0]))


def test_the_joint_network_is_no_longer_than_the_shortest_links():
    plan = fork()
    assert works_tree(plan).length_mm <= works_tree(plan, shape="shortest").length_mm
    apart = [
        ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X"}),
        ("L", "earth", [(1000, 0), (1000, 1000)]),
        ("R", "earth", [(2000, 0), (2000, 1000)]),
        ("T", "earth", [(1000, 1000), (2000, 1000)]),
        ("U", "earth", [(1000, 1000), (1500, 1050)]),
        ("W", "earth", [(1500, 1050), (2000, 1000)]),
    ]
    plan = fork(people=[("a", 300, (1000, 1000)), ("b", 300, (2000, 1000))], lines=apart)
    assert works_tree(plan).length_mm == pytest.approx(2_000_000)


def test_a_bureaus_list_on_the_same_money():
    plan = fork()
    budgets = {2020: 120, 2021: 120}
    own = pd.DataFrame({"natural_village_id": ["c", "d", "nobody", "c"], "year": [2020, 2021, 2021, 2021]})
    found = compare(plan, own, budgets, gap=0)
    assert (found.own_people, found.best_people) == (450, 700)
    assert found.own_cost_cny10k == pytest.approx(210)
    assert found.unknown == ("nobody",)
    assert found.not_reached == ()
    assert found.own_objective <= found.best_objective
    assert found.swaps["people_change"].sum() == pytest.approx(250)
    assert "450" in found.sentence
    assert "700" in found.sentence
    same = compare(plan, usual_list(plan, budgets=budgets), budgets, gap=0)
    assert same.own_objective <= same.best_objective
    small = compare(plan, own, {2020: 100}, gap=0)
    assert small.not_reached == ("c",)
    with pytest.raises(InputError, match="natural_village_id"):
        compare(plan, own[["year"]], budgets)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_swap_fits_the_same_money_and_a_missed_one_is_no_single_swap(seed):
    task, rng = random_task(seed, most=6), np.random.default_rng(seed)
    years, count = len(task.budgets), len(task.parent)
    own = arrange(task, rng.permutation(count))
    best = solve(task, gap=0.0, seconds=20)
    people = task.worth
    table = swaps_between(task, own, best.year, people, [np.array([str(work)]) for work in range(count)])
    held, gained = own < years, reached(task, own)
    for row in table.itertuples():
        gone, new = ({int(name) for name in text.split(";") if name} for text in (row.take_out, row.take_in))
        assert gone <= set(np.flatnonzero(held).tolist())
        assert not new & set(np.flatnonzero(held).tolist())
        held = held.copy()
        held[list(gone)], held[list(new)] = False, True
        only = replace(task, lock=np.where(held, MUST, NEVER))
        most = brute_force(only)
        assert most is not None, "what is left after a swap must fit the money of every year"
        assert gained < row.objective_after <= most + 1e-6
        gained = row.objective_after
        assert row.people_after == people[held].sum()
        assert row.people_change == row.people_in - row.people_out
    assert gained <= best.objective + 1e-6


def test_three_swaps_are_told_as_three():
    count = 9  # one year, nine villages alike in cost; the list holds the three with fewest people
    people = np.arange(100.0, 1000.0, 100.0)
    task = Task(np.full(count, -1), np.full(count, 10.0), people, np.zeros(count, np.int64), np.array([30.0]))
    own = np.where(np.arange(count) < 3, 0, 1)
    table = swaps_between(task, own, solve(task, gap=0.0).year, people, [np.array([str(k)]) for k in range(count)])
    assert len(table) == 3
    assert table["people_after"].tolist() == [600 + 800, 1400 + 600, 2000 + 400]
    assert table["cost_change_cny10k"].tolist() == [0, 0, 0]


def test_money_left_over_is_spent_in_one_step():
    people = np.array([100.0, 200.0, 300.0, 400.0])
    task = Task(np.full(4, -1), np.full(4, 10.0), people, np.zeros(4, np.int64), np.array([30.0]))
    table = swaps_between(
        task, np.array([0, 1, 1, 1]), solve(task, gap=0.0).year, people, [np.array([str(k)]) for k in range(4)]
    )
    assert table[["take_out", "take_in"]].to_numpy().tolist() == [["", "2;3"], ["0", "1"]]
    assert table["people_after"].tolist() == [800, 900]


def test_marginal_people_fall_as_money_grows_on_a_list_without_shared_roads():
    plan = fork(people=PEOPLE[2:], lines=FORK)
    made = frontier(plan, works_tree(plan), steps=8, at=120.0)
    assert marginal(made).iloc[0] != marginal(made).iloc[0]
    assert (made["people"].diff().iloc[1:] >= 0).all()
    at = made.set_index("budget_cny10k")
    assert at.loc[120.0, "people"] == 250


def test_stability_tells_the_sure_from_the_arguable():
    table = stability(fork(), budgets={2020: 120, 2021: 70}, draws=60)
    assert table["share"].between(0, 1).all()
    again = stability(fork(), budgets={2020: 120, 2021: 70}, draws=60)
    pd.testing.assert_frame_equal(table, again)
    sure = stability(fork(), budgets={2020: 9999}, draws=30)
    assert (sure["verdict"] == "certain").all()
    none = stability(fork(), budgets={2020: 0}, draws=30)
    assert (none["verdict"] == "out").all()
    assert table.attrs["check_first"] in ("people", "cost")
    arguable = table["verdict"] == "arguable"
    assert table.loc[arguable, "check_first"].isin(["people", "cost"]).all()
    assert (table.loc[~arguable, "check_first"] == "").all()


def test_the_number_to_check_first_is_the_one_that_moves_the_project():
    plan = fork(people=[("c", 250, (5000, 2000)), ("d", 255, (8000, 600))])
    by_cost = stability(plan, budgets={2020: 121}, draws=80, people_spread=0.0, cost_spread=0.3)
    assert by_cost.attrs["check_first"] == "cost"
    wide = fork(people=[("a", 400, (400, 1800)), ("c", 395, (5000, 2000))])
    by_people = stability(wide, budgets={2020: 125}, draws=80, people_spread=0.3, cost_spread=0.0)
    assert by_people.attrs["check_first"] == "people"
    assert set(by_people.loc[by_people["verdict"] == "arguable", "check_first"]) == {"people"}
    assert (
        stability(wide, budgets={2020: 125}, draws=20, people_spread=0, cost_spread=0)["verdict"] != "arguable"
    ).all()


def test_weights_for_distance_clinics_years_and_towns():
    plan = fork(people=[("far", 300, (5000, 2000)), ("near", 310, (1000, 1000))])
    budgets = {2020: 120}

    def chosen(weights):
        return set(
            ";".join(programme(plan, budgets=budgets, gap=0, weights=weights).projects["natural_village_ids"]).split(
                ";"
            )
        ) - {""}

    assert chosen(None) == {"near"}
    assert chosen({"people_km": 1.0}) == {"far"}
    assert chosen(Weights({"people": 1.0, "clinic_people": 1.0}, clinic_people=np.array([300.0, 0.0]))) == {"far"}
    plan.candidates.loc[plan.candidates["natural_village_id"] == "far", "town"] = "乙镇"
    assert chosen(Weights(town_bonus=5.0, fair_share=0.0)) == {"near"}
    told = programme(plan, budgets=budgets, gap=0, weights=Weights({"people_km": 2.0}, years={2020: 3.0}))
    assert any("人·公里" in note and "2020 年 ×3" in note for note in told.notes)
    assert told.objective == pytest.approx(3 * 2 * 300 * 2.0)
    for wrong in (
        Weights({"clinic_people": 1.0}),
        Weights(fair_share=1.5),
        Weights({"people": -1}),
        Weights(years={2020: -1}),
    ):
        with pytest.raises(InputError):
            programme(plan, budgets=budgets, weights=wrong)


def test_who_gets_a_hardened_way_to_a_clinic():
    lines = [*FORK, ("ISLE", "concrete", [(400, 1800), (300, 2600)])]
    people = [*PEOPLE[1:3], ("i", 500, (300, 2600))]
    ws = workspace(roads=roads(lines), natural_villages=villages(people))
    plan = natural_villages(ws, policy(), DAY)

    def clinics(*rows):
        frame = gpd.GeoDataFrame(
            {"facility_id": [f"f{k}" for k in range(len(rows))], "kind": "clinic", "status": [row[1] for row in rows]},
            geometry=[Point(row[0]) for row in rows],
            crs=METRIC,
        )
        return clinic_people(workspace(**ws.layers, facilities=frame), plan, snap_m=100)

    ids = plan.candidates["natural_village_id"].tolist()
    at_core = dict(zip(ids, clinics(((3000, 50), "in_service")), strict=True))
    assert at_core == {"b": 300, "c": 250, "i": 500}
    both = dict(zip(ids, clinics(((3000, 50), "in_service"), ((300, 2600), "in_service")), strict=True))
    assert both == {"b": 300, "c": 250, "i": 0}
    assert clinics(((3000, 50), "planned")).sum() == 0
    assert clinics(((3000, 5000), "in_service")).sum() == 0
    assert clinic_people(ws, plan, snap_m=100) is None


def test_the_same_inputs_give_the_same_programme():
    one, two = (programme(fork(), budgets={2020: 150, 2021: 90}) for _ in range(2))
    pd.testing.assert_frame_equal(one.projects, two.projects)
    pd.testing.assert_frame_equal(one.frontier, two.frontier)
    assert FREE == 0
