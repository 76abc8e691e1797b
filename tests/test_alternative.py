import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from road_county import DAY, METRIC, policy, roads, villages, workspace

from analysis.alternative import DrawnLine, Table, clean_line, computed_line, metric_line, recost
from analysis.plan import programme, works_tree
from analysis.plan_check import check_programme
from analysis.roads import natural_villages
from geo.errors import InputError

# A county road east to west; an earth track with a bend up to the village; a second track beside it; an island of gravel.
LINES = [
    ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X"}),
    ("TRACK", "earth", [(1000, 0), (1000, 600), (1400, 1200)]),
    ("PAVED", "concrete", [(1400, 1200), (2400, 1200)]),
    ("EAST", "gravel", [(2400, 1200), (2400, 0)]),
    ("ISLE", "earth", [(6000, 2000), (6500, 2000)]),
]
PEOPLE = [("a", 400, (1400, 1210)), ("b", 300, (6200, 2010)), ("c", 250, (8000, 1500))]


def made(people=PEOPLE, lines=LINES, rules=None, **more):
    ws = workspace(roads=roads(lines), natural_villages=villages(people))
    plan = natural_villages(ws, rules or policy(), DAY)
    table = Table(plan.core, plan.states, plan.prices, **more)
    return plan, table


def cost_of(table, xy, row=0, at=None, **more):
    point = at or PEOPLE[row][2]
    return recost(table, row, point, clean_line(xy), **more)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_computed_line_costs_what_was_computed(row):
    plan, table = made()
    line = computed_line(table, row, PEOPLE[row][2])
    found = recost(table, row, PEOPLE[row][2], line)
    known = plan.natural_villages.iloc[row]
    assert found.is_reaching
    assert found.gap_m / 1000 == pytest.approx(known["gap_km"], abs=1e-6)
    assert found.new_m / 1000 == pytest.approx(known["new_km"], abs=1e-6)
    assert found.cost_cny10k == pytest.approx(known["cost_cny10k"], abs=1e-4)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_computed_line_costs_what_was_computed_anywhere(seed):
    """Law: whatever the network, the computed path drawn again has the same gap to the millimetre."""
    rng = np.random.default_rng(seed)
    side, lines = 4, [("X1", "asphalt", [(0, 0), (4000, 0)], {"admin_class": "X"})]
    place = {(i, j): (1000.0 * i + rng.integers(-300, 300), 900.0 * j + rng.integers(-200, 200) * (j > 0)) for i in range(side) for j in range(side)}  # fmt: skip
    for (i, j), xy in place.items():
        for other in ((i + 1, j), (i, j + 1)):
            if other in place and rng.random() < 0.75:
                kind = ["earth", "concrete", "gravel"][rng.integers(3)]
                lines += [(f"r{i}{j}{other}", kind, [xy, place[other]])]
    for i in range(side):
        x, y = place[i, 0]
        lines += [(f"foot{i}", "earth", [(x, y), (x, 0.0)] if y else [(0, 0), (1, 0)])]
    people = [(f"v{n}", 300, (place[n % side, 1 + n % 3][0] + 5, place[n % side, 1 + n % 3][1] + 3)) for n in range(4)]
    plan, table = made(people, lines)
    for row in np.flatnonzero((plan.natural_villages["state"] == "harden").to_numpy()):
        line = computed_line(table, row, people[row][2])
        found = recost(table, row, people[row][2], line)
        assert found.is_reaching
        assert found.gap_m / 1000 == pytest.approx(plan.natural_villages["gap_km"].iloc[row], abs=2e-6)
        assert found.new_m == 0


def test_parts_are_told_apart_and_hardened_road_costs_nothing():
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1400, 1200), (2400, 1200), (2400, 0)])
    assert [(part.kind, part.road_id, round(part.length_m)) for part in found.parts] == [
        ("access", "", 10), ("hardened", "PAVED", 1000), ("soft", "EAST", 1200),
    ]  # fmt: skip
    assert found.cost_cny10k == pytest.approx(1.2 * 60)


def test_a_new_alignment_is_paid_at_the_price_of_a_new_road():
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1700, 600), (1700, 0)])
    new_m = np.hypot(300, 600) + 600
    assert (found.gap_m, found.hardened_m) == (0, 0)
    assert found.new_m == pytest.approx(new_m, abs=10)
    assert found.cost_cny10k == pytest.approx(found.new_m / 1000 * 100)


@pytest.mark.parametrize(("off_m", "is_followed"), [(14.9, True), (15.0, True), (15.1, False)])
def test_the_tolerance_is_inclusive(off_m, is_followed):
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1400, 1200 + off_m), (2400 - 60, 1200 + off_m), (2400 - 60, 0)])
    assert (found.hardened_m > 900) == is_followed


def test_a_road_that_is_only_crossed_is_not_followed():
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1400, 1500), (3000, 1500), (3000, 0)])
    assert found.hardened_m == found.gap_m == 0
    crossing = cost_of(table, [(1400, 1210), (1410, 1300), (1500, 1300), (1500, 0)])  # across PAVED
    assert crossing.gap_m == crossing.hardened_m == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8000), st.integers(300, 2500)), min_size=2, max_size=8))
def test_a_longer_line_never_costs_less(tail):
    """Law: going on never makes what was drawn before cheaper."""
    _, table = made()
    xy = [(1400, 1210), *tail]
    try:
        lines = [clean_line(xy[:count]) for count in range(2, len(xy) + 1)]
    except InputError:
        return
    built = [recost(table, 0, PEOPLE[0][2], line) for line in lines]
    spent = [found.gap_m * 60 + found.new_m * 100 for found in built]
    slack = 2 * 15 * 100  # an end within the tolerance of the core is brought onto it
    assert all(later >= former - slack for former, later in itertools.pairwise(spent))


def test_going_the_same_way_twice_is_paid_once():
    _, table = made()
    once = cost_of(table, [(1400, 1210), (1400, 1200), (1000, 600), (1000, 0)])
    again = cost_of(table, [(1400, 1210), (1400, 1200), (1000, 600), (1400, 1200), (1000, 600), (1000, 0)])
    assert again.gap_m == pytest.approx(once.gap_m)


def test_what_lies_beyond_the_core_is_not_counted():
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1700, 600), (1700, -900)])
    assert found.new_m == pytest.approx(np.hypot(300, 600) + 600, abs=10)
    assert found.beyond_m == pytest.approx(900, abs=0.01)
    assert any("不计" in note for note in found.notes)


def test_a_line_that_falls_short_says_how_far_and_where():
    _, table = made()
    found = cost_of(table, [(1400, 1210), (1700, 600), (1700, 250)])
    assert not found.is_reaching
    assert found.short_m == pytest.approx(250)
    assert found.nearest_xy == pytest.approx((1700, 0))
    assert np.isnan(found.cost_cny10k)


def test_missing_prices_are_asked_for_never_invented():
    _, table = made(rules=policy(cost__new_road_cny10k_per_km=None))
    found = cost_of(table, [(1400, 1210), (1700, 600), (1700, 0)])
    assert np.isnan(found.cost_cny10k)
    assert any("新建的单位造价" in note for note in found.notes)


def test_unknown_surface_leaves_the_cost_open():
    _, table = made(lines=[(i, "unknown" if i == "EAST" else s, *rest) for i, s, *rest in LINES])
    found = cost_of(table, [(1400, 1210), (1400, 1200), (2400, 1200), (2400, 0)])
    assert found.unknown_m == pytest.approx(1200)
    assert np.isnan(found.cost_cny10k)


def test_grades_come_from_the_terrain_and_the_limit_is_allowed():
    _, table = made(elevation_m=lambda xy: 0.09 * np.asarray(xy)[:, 1], grade_limit=9.000001)
    line = [(1400, 1210), (1400, 1800), (2000, 1800), (2000, 0)]
    even = cost_of(table, line)
    assert even.max_grade_percent == pytest.approx(9.0)
    assert even.steep_share == 0.0
    steep = recost(replace(table, grade_limit=8.0), 0, PEOPLE[0][2], clean_line(line))
    assert steep.steep_share == pytest.approx((600 + 1800) / 3000, abs=0.03)
    assert np.isnan(recost(replace(table, elevation_m=None), 0, PEOPLE[0][2], clean_line(line)).max_grade_percent)


@pytest.mark.parametrize(
    "points", [[], [(110, 21)], [(110, 21)] * 5, [(110, 21), (np.nan, 21)], [(110, 21), (999, 21)]]
)
def test_what_is_no_line_is_refused(points):
    with pytest.raises(InputError, match="点"):
        metric_line(points, METRIC)


def test_a_line_from_somewhere_else_or_out_of_the_county_is_refused():
    _, table = made(county=shapely.box(0, -500, 9000, 3000))
    with pytest.raises(InputError, match="从村子"):
        cost_of(table, [(3000, 1210), (3000, 0)])
    with pytest.raises(InputError, match="县界外"):
        cost_of(table, [(1400, 1210), (1400, 90_000)])
    with pytest.raises(InputError, match="容差"):
        cost_of(table, [(1400, 1210), (2000, 0)], tolerance_m=0)
    with pytest.raises(InputError, match="公里"):
        clean_line([(0, 0), (900_000, 0)])


def test_ten_thousand_vertices_and_a_knot_are_taken():
    _, table = made()
    turn = np.linspace(0, 60 * np.pi, 10_000)
    knot = np.column_stack([1700 + 200 * np.cos(turn) - 200, 900 + 200 * np.sin(turn)])
    found = cost_of(table, [(1400, 1210), *knot.tolist(), (1700, 0)])
    assert found.is_reaching
    assert found.new_m > 30_000
    with pytest.raises(InputError, match="抽稀"):
        metric_line([(110 + n * 1e-6, 21) for n in range(20_001)], METRIC)


# ---- chosen lines in the plan ----


def lonlat(xy):
    points = gpd.GeoSeries(shapely.points(xy), crs=METRIC).to_crs("EPSG:4490")
    return tuple(zip(points.x, points.y, strict=True))


def chosen(plan_rows=PEOPLE, *lines, rules=None, roads_=LINES):
    ws = workspace(roads=roads(roads_), natural_villages=villages(plan_rows))
    drawn = [DrawnLine(name, f"线{number}", lonlat(xy)) for number, (name, xy) in enumerate(lines)]
    return natural_villages(ws, rules or policy(), DAY, drawn=drawn)


DIRECT = [(1400, 1210), (1700, 600), (1700, 0)]


def test_a_chosen_line_takes_the_place_of_the_computed_way():
    plan = chosen(PEOPLE, ("a", DIRECT))
    row = plan.natural_villages.iloc[0]
    found = cost_of(made()[1], DIRECT)
    assert row["gap_km"] == 0
    assert row["new_km"] == pytest.approx(found.new_m / 1000, abs=1e-6)
    assert row["cost_cny10k"] == pytest.approx(found.cost_cny10k, abs=1e-3)
    assert "线0" in row["note"]
    assert "1.200" in row["note"]  # what had been computed stays readable
    others = natural_villages(workspace(roads=roads(LINES), natural_villages=villages(PEOPLE)), policy(), DAY)
    for name in ("gap_km", "new_km", "cost_cny10k", "state"):
        assert plan.natural_villages[name].tolist()[1:] == others.natural_villages[name].tolist()[1:]


def test_the_programme_builds_and_walks_the_chosen_line():
    plan = chosen(PEOPLE, ("a", DIRECT))
    done = programme(plan, budgets={2018: 1e6})
    own = done.projects[done.projects["natural_village_ids"] == "a"].iloc[0]
    assert own["road_ids"] == "NEW"
    assert own["cost_cny10k"] == pytest.approx(plan.natural_villages["cost_cny10k"].iloc[0])
    assert own["length_km"] == pytest.approx(plan.natural_villages["new_km"].iloc[0])
    shape = done.geometry.geometry[done.geometry["project_id"] == own["project_id"]].iloc[0]
    assert shape.distance(shapely.Point(1700, 0)) < 1e-6
    assert shape.length == pytest.approx(own["length_km"] * 1000, rel=1e-4)


def test_the_independent_check_walks_a_chosen_line_and_prices_it():
    plan = chosen(PEOPLE, ("a", DIRECT))
    tree = works_tree(plan)
    year, money = np.zeros(len(tree.cost), np.int64), np.array([tree.cost.sum()])
    check_programme(plan, tree, year, money)
    with pytest.raises(RuntimeError, match="spends"):
        check_programme(plan, tree, year, money - 1)
    own = next(
        work for work, rows in enumerate(tree.villages) if plan.candidates["natural_village_id"].iloc[rows[0]] == "a"
    )
    broken = replace(tree, edges=tuple(edges[:0] if work == own else edges for work, edges in enumerate(tree.edges)))
    with pytest.raises(RuntimeError, match="no hardened road leads there"):
        check_programme(plan, broken, year, money)


def test_a_chosen_line_over_existing_road_shares_it_with_others():
    neighbours = [*PEOPLE, ("d", 500, (2400, 605))]
    plan = chosen(neighbours, ("a", [(1400, 1210), (1400, 1200), (2400, 1200), (2400, 0)]))
    done = programme(plan, budgets={2018: 1e6})
    assert plan.natural_villages["gap_km"].iloc[0] == pytest.approx(1.2)
    assert plan.natural_villages["segment_ids"].iloc[0] == "EAST#1;EAST#2"
    east = done.projects[done.projects["road_ids"] == "EAST"]
    assert east["cost_cny10k"].sum() == pytest.approx(1.2 * 60)  # the shared stretch is paid once
    assert set(";".join(done.projects["natural_village_ids"]).split(";")) == {"a", "b", "c", "d"}


def test_two_lines_that_meet_go_on_together():
    people = [("a", 400, (1400, 1210)), ("d", 300, (1410, 1210))]
    plan = chosen(people, ("a", DIRECT), ("d", [(1410, 1210), (1400, 1200), (1000, 600), (1000, 0)]))
    done = programme(plan, budgets={2018: 1e6})
    assert done.projects["people"].sum() == 700


def test_a_line_that_no_longer_fits_is_said_and_changes_nothing():
    plain = chosen(PEOPLE)
    for line in ([(1400, 1210), (1700, 600)], [(3000, 900), (3000, 0)]):
        plan = chosen(PEOPLE, ("a", line), ("nobody", DIRECT))
        assert plan.natural_villages.equals(plain.natural_villages)
        assert [problem.kind for problem in plan.problems].count("drawn_line_unused") == 2


def test_a_line_from_a_village_without_any_road_is_built_and_walked():
    line = [(8000, 1500), (8300, 700), (8300, 0)]
    plan = chosen(PEOPLE, ("c", line))
    row = plan.natural_villages.iloc[2]
    assert row["state"] == "build"
    assert row["new_km"] == pytest.approx(shapely.LineString(line).length / 1000, abs=1e-5)
    done = programme(plan, budgets={2018: 1e6})
    assert done.projects["people"].sum() == 950


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_computed_way_chosen_again_changes_no_figure(seed):
    rng = np.random.default_rng(seed)
    lines = [("X1", "asphalt", [(0, 0), (5000, 0)], {"admin_class": "X"})]
    lines += [(f"T{n}", "earth", [(n * 1000, 0), (n * 1000, 500), (n * 1000 + int(rng.integers(-300, 300)), 1500)]) for n in range(1, 5)]  # fmt: skip
    lines += [("TIE", "gravel", [(1000, 500), (2000, 500)])]
    people = [(f"v{n}", 300, (x + 4, y)) for n, (_, _, [_, _, (x, y)]) in enumerate(lines[1:5])]
    plan, table = made(people, lines)
    row = int(rng.integers(4))
    line = shapely.get_coordinates(computed_line(table, row, people[row][2]))
    again = chosen(people, (f"v{row}", line), roads_=lines)
    for name in ("gap_km", "new_km", "cost_cny10k"):
        assert again.natural_villages[name].tolist() == pytest.approx(plan.natural_villages[name].tolist(), abs=1e-4)
    assert again.natural_villages["segment_ids"].tolist() == plan.natural_villages["segment_ids"].tolist()
    before, after = programme(plan, budgets={2018: 1e6}), programme(again, budgets={2018: 1e6})
    assert after.projects["cost_cny10k"].sum() >= before.projects["cost_cny10k"].sum() - 1e-6
