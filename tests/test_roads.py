from datetime import date

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import LineString, Point

from analysis.plan import programme, works_tree
from analysis.policy import Policy
from analysis.road_works import dangerous_bridges, narrow_roads, safety_works, span_class
from analysis.roads import VILLAGE_COLUMNS, natural_villages, road_states
from analysis.surfaces import road_network
from analysis.units import make_units
from geo.errors import PolicyError
from geo.network import build_network
from geo.paths import ways
from layers.workspace import Workspace

# A county road along y = 0; an earth road R leaves it at x = 1000 for y = 3000, its last part is concrete but not core.
COUNTY = [
    ("X1", "asphalt", [(0, 0), (4000, 0)], {"route_code": "X001440224", "name": "县道"}),
    ("R1", "earth", [(1000, 0), (1000, 1000)]),
    ("R2", "gravel", [(1000, 1000), (1000, 2000)]),
    ("R3", "concrete", [(1000, 2000), (1000, 3000)]),
    ("LOST", "concrete", [(9000, 9000), (9500, 9000)]),
]


def assess(people, lines=COUNTY, rules=None, **more):
    ws = workspace(roads=roads(lines), natural_villages=villages(people), **more)
    return natural_villages(ws, rules or policy(), DAY)


def row_of(plan, village):
    return plan.natural_villages.set_index("natural_village_id").loc[village]


@pytest.mark.parametrize(
    ("xy", "state", "gap_km", "new_km", "segments", "outlet"),
    [
        ((2000, 100), "connected", 0.0, 0.0, "", "县道"),
        ((1000, 500), "harden", 0.5, 0.0, "R1", "县道"),  # only the part of the road it needs
        ((1100, 2000), "harden", 2.0, 0.0, "R1;R2", "县道"),
        ((1000, 3400), "harden", 2.0, 0.0, "R1;R2", "县道"),  # hardened length costs nothing
        ((2000, 500), "connected", 0.0, 0.0, "", "县道"),  # snap_m itself is near enough
        ((2000, 501), "build", 0.0, 0.7515, "", "县道"),  # 501 m times 1.5
        ((9200, 9000), "build", 2.0, None, "R1;R2", "县道"),  # its road never reaches the core
    ],
)
def test_states(xy, state, gap_km, new_km, segments, outlet):
    row = row_of(assess([("a", 300, xy)]), "a")
    assert row["state"] == state
    assert row["gap_km"] == pytest.approx(gap_km, abs=1e-6)
    assert row["new_km"] == pytest.approx(new_km if new_km is not None else np.hypot(8200, 6000) * 1.5 / 1000, abs=1e-6)
    assert row["segment_ids"] == segments
    assert row["outlet"] == outlet


@pytest.mark.parametrize(("people", "is_due"), [(199, False), (200, True), (201, True), (None, None)])
def test_the_threshold_is_inclusive_and_a_blank_is_unknown(people, is_due):
    plan = assess([("a", people, (1000, 500))])
    found = row_of(plan, "a")["is_due"]
    assert (found is pd.NA) if is_due is None else (bool(found) is is_due)
    assert len(plan.candidates) == (1 if is_due else 0)
    if is_due is None:
        assert "人口不明" in row_of(plan, "a")["note"]


def test_columns_and_index_are_those_of_the_contract():
    plan = assess([("b", 300, (1000, 500)), ("a", 100, (2000, 0)), ("c", 250, None)])
    assert list(plan.natural_villages.columns) == VILLAGE_COLUMNS
    assert plan.natural_villages["natural_village_id"].tolist() == ["b", "a", "c"]
    assert row_of(plan, "c")["state"] == "unknown"
    assert "没有位置" in row_of(plan, "c")["note"]
    assert plan.natural_villages["village_id"].notna().all()


def test_distances_are_straight_lines():
    row = row_of(assess([("a", 300, (700, 1400))]), "a")
    assert row["road_distance_m"] == pytest.approx(300)
    assert row["hardened_distance_m"] == pytest.approx(np.hypot(300, 600))


def test_duplicate_and_abandoned_roads_count_for_nothing():
    people = [("a", 300, (1000, 500))]
    for column in ({"is_duplicate": True}, {"status": "废弃"}):
        lines = [*COUNTY[:1], ("R1", "earth", [(1000, 0), (1000, 1000)], column)]
        frame = roads(lines)
        plan = natural_villages(workspace(roads=frame, natural_villages=villages(people)), policy(), DAY)
        assert row_of(plan, "a")["road_distance_m"] == pytest.approx(500)
        assert row_of(plan, "a")["state"] == "connected"
        assert row_of(plan, "a")["segment_ids"] == ""
    kept = row_of(
        assess(people, [*COUNTY[:1], ("R1", "earth", [(1000, 0), (1000, 1000)], {"is_duplicate": None})]), "a"
    )
    assert kept["state"] == "harden"


@pytest.mark.parametrize(("apart_m", "state"), [(0.004, "connected"), (0.010, "connected"), (0.011, "harden")])
def test_a_place_at_the_junction_lies_on_the_core_though_another_road_is_millimetres_nearer(apart_m, state):
    lines = [*COUNTY[:1], ("R1", "earth", [(1000, 0), (1000, 1000)])]
    assert row_of(assess([("a", 300, (1000, apart_m))], lines), "a")["state"] == state


@pytest.mark.parametrize("earth_first", [True, False])
def test_of_two_records_of_one_road_the_one_on_the_core_is_the_nearest_whatever_the_order(earth_first):
    twice = [("OLD", "earth", [(1000, 0), (1000, 1000)]), ("NEW", "concrete", [(1000, 0), (1000, 1000)])]
    lines = [*COUNTY[:1], *(twice if earth_first else twice[::-1])]
    row = row_of(assess([("a", 300, (1010, 500))], lines), "a")
    assert (row["state"], row["gap_km"], row["segment_ids"]) == ("connected", 0.0, "")


def test_a_road_drawn_twice_is_as_hard_as_its_better_record():
    twins = [("OLD", "earth", [(1000, 0), (1000, 1000)]), ("NEW", "concrete", [(1000, 0), (1000, 1000)])]
    for lines in ([COUNTY[0], *twins], [*twins, COUNTY[0]]):
        row = row_of(assess([("a", 300, (1010, 500))], lines), "a")
        assert (row["state"], row["gap_km"], row["outlet"]) == ("connected", 0.0, "NEW")


def test_the_longer_way_with_less_to_harden_wins_and_ties_go_to_the_shorter():
    lines = [
        ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X"}),
        ("SHORT", "earth", [(1000, 0), (1000, 1000)]),
        ("HARD", "concrete", [(1000, 1000), (5000, 1000)]),
        ("TAIL", "earth", [(5000, 1000), (5000, 400)]),
        ("END", "concrete", [(5000, 400), (5000, 0)]),
    ]
    row = row_of(assess([("a", 300, (1000, 1100))], lines), "a")
    assert (row["gap_km"], row["segment_ids"]) == (0.6, "TAIL")
    even = [*lines[:3], ("TAIL", "earth", [(5000, 1000), (5000, 0)])]
    row = row_of(assess([("a", 300, (1000, 1100))], even), "a")
    assert (row["gap_km"], row["segment_ids"]) == (1.0, "SHORT")
    row = row_of(assess([("a", 300, (5000, 1100))], even), "a")
    assert (row["gap_km"], row["segment_ids"]) == (1.0, "TAIL")


def test_an_unknown_surface_leaves_open_what_depends_on_it():
    lines = [
        *COUNTY[:2],
        ("R2", "unknown", [(1000, 1000), (1000, 2000)]),
        COUNTY[3],
        ("U", "unknown", [(3000, 0), (3000, 900)]),
    ]
    plan = assess([("a", 300, (1000, 1900)), ("b", 300, (3000, 800)), ("c", 300, (1000, 900))], lines)
    far, only, near = (row_of(plan, village) for village in "abc")
    assert far["state"] == "harden"  # whatever R2 is, R1 must be hardened
    assert np.isnan(far["gap_km"])
    assert "1.000 至 1.900" in far["note"]
    assert np.isnan(far["cost_cny10k"])
    assert only["state"] == "unknown"
    assert "0.000 至 0.800" in only["note"]
    assert np.isnan(only["hardened_distance_m"])
    assert (near["state"], near["gap_km"]) == ("harden", 0.9)
    segments = plan.segments.set_index("segment_id")
    assert segments.loc["R2", "surface"] == "unknown"
    assert np.isnan(segments.loc["R2", "cost_cny10k"])


@pytest.mark.parametrize(("more", "word"), [({"is_partial": True}, "部分"), ({"as_of": date(2018, 6, 29)}, "早于")])
def test_a_partial_or_old_layer_proves_no_absence(more, word):
    ws = workspace(
        roads=roads(COUNTY), natural_villages=villages([("a", 300, (2000, 0)), ("b", 300, (1000, 500))]), **more
    )
    plan = natural_villages(ws, policy(), DAY)
    assert row_of(plan, "a")["state"] == "connected"
    assert row_of(plan, "b")["state"] == "unknown"
    assert word in row_of(plan, "b")["note"]
    assert np.isnan(row_of(plan, "b")["gap_km"])
    assert len(plan.candidates) == 0
    if "as_of" in more:
        assert row_of(natural_villages(ws, policy(), DAY, max_age_days=1), "b")["state"] == "harden"


def test_no_roads_at_all_is_unknown_not_a_gap():
    plan = natural_villages(workspace(natural_villages=villages([("a", 300, (0, 0))])), policy(), DAY)
    assert row_of(plan, "a")["state"] == "unknown"
    assert "没有" in row_of(plan, "a")["note"]
    assert plan.network is None
    empty = natural_villages(
        workspace(natural_villages=villages([("a", 300, (0, 0))]), roads=roads(COUNTY).iloc[:0]), policy(), DAY
    )
    assert row_of(empty, "a")["state"] == "unknown"
    nobody = natural_villages(workspace(roads=roads(COUNTY)), policy(), DAY)
    assert list(nobody.natural_villages.columns) == VILLAGE_COLUMNS
    assert len(nobody.natural_villages) == len(nobody.candidates) == len(nobody.segments) == 0


def test_outlets_in_order_of_preference():
    people = [("a", 300, (9250, 9000)), ("b", 300, (2000, 0))]
    outlets = gpd.GeoDataFrame({"outlet_id": ["o"]}, geometry=[Point(9400, 9100)], crs=METRIC)
    by_layer = assess(people, outlets=outlets)
    assert [row_of(by_layer, v)["state"] for v in "ab"] == ["connected", "build"]
    assert by_layer.core.basis == "出口图层"
    towns = gpd.GeoDataFrame(
        {"town_id": ["t"], "name": ["甲镇"], "seat_x": [9300.0], "seat_y": [8900.0]},
        geometry=[shapely.box(8000, 8000, 9999, 9999)],
        crs=METRIC,
    )
    assert assess(people, towns=towns).core.basis == "乡镇驻地"
    in_degrees = towns.assign(seat_x=113.7, seat_y=25.1)
    assert assess(people, towns=in_degrees).core.basis == "国省县道"
    assert assess(people).core.basis == "国省县道"
    lost = assess(people, outlets=outlets.set_geometry([Point(5000, 5000)], crs=METRIC))
    assert lost.core.basis == "国省县道"
    assert [problem.kind for problem in lost.problems] == ["outlet_off_road"]
    plain = [("A", "asphalt", [(0, 0), (4000, 0)]), *COUNTY[1:]]
    largest = assess(people, plain)
    assert largest.core.basis == "最大连通硬化路"
    assert all("以最大连通硬化路为硬化路网" in row_of(largest, v)["note"] for v in "ab"), (
        "the contract: said in the note"
    )
    assert "最大连通" not in row_of(assess(people), "a")["note"]
    assert [problem.kind for problem in largest.problems] == ["no_outlet"]
    assert [row_of(largest, v)["state"] for v in "ab"] == ["build", "connected"]


def test_no_hardened_road_means_build_with_nothing_to_meet():
    row = row_of(assess([("a", 300, (1000, 500))], [COUNTY[1]]), "a")
    assert row["state"] == "build"
    assert np.isnan(row["new_km"])
    assert np.isnan(row["cost_cny10k"])


def test_costs_come_from_the_policy_or_stay_open():
    people = [("a", 300, (1000, 500)), ("b", 600, (2000, 600)), ("c", 300, (2000, 0))]
    plan = assess(people)
    a, b, c = (row_of(plan, v) for v in "abc")
    assert a["cost_cny10k"] == pytest.approx(30.0)
    assert a["subsidy_cny10k"] == pytest.approx(1.0)
    assert a["people_per_cny10k"] == pytest.approx(10.0)
    assert b["cost_cny10k"] == pytest.approx(0.9 * 100)
    assert (a["rank"], b["rank"]) == (1, 2)
    assert c["rank"] is pd.NA
    assert np.isnan(c["cost_cny10k"])
    bare = assess(people, rules=policy(cost__hardening_cny10k_per_km=None, subsidy__road_cny10k_per_km=None))
    assert np.isnan(row_of(bare, "a")["cost_cny10k"])
    assert "造价" in row_of(bare, "a")["note"]
    assert np.isnan(row_of(bare, "a")["subsidy_cny10k"])
    assert row_of(bare, "b")["cost_cny10k"] == pytest.approx(90.0)  # nothing to harden there
    ceiling = assess(people, rules=policy(strengths={"subsidy.road_cny10k_per_km": "ceiling"}.items()))
    assert np.isnan(row_of(ceiling, "a")["subsidy_cny10k"])
    assert "不是已落实的资金" in row_of(ceiling, "a")["note"]


def test_a_policy_without_a_threshold_leaves_due_open():
    plan = assess([("a", 300, (1000, 500))], rules=policy(hardening__min_population=None))
    assert row_of(plan, "a")["is_due"] is pd.NA
    assert len(plan.candidates) == 0
    with pytest.raises(PolicyError):
        assess([("a", 300, (1000, 500))], rules=policy(hardening__surfaces=None))


def test_segments_say_who_depends_on_them():
    plan = assess([("a", 300, (1000, 1500)), ("b", 500, (1000, 400)), ("c", 100, (1000, 1800))])
    table = plan.segments.set_index("segment_id")
    assert table["natural_village_ids"].to_dict() == {"R1#1": "a;b", "R1#2": "a", "R2": "a"}
    assert table["people"].to_dict() == {"R1#1": 800, "R1#2": 300, "R2": 300}
    assert table["poor_people"].to_dict() == {"R1#1": 80, "R1#2": 30, "R2": 30}
    assert table["length_km"].to_dict() == pytest.approx({"R1#1": 0.4, "R1#2": 0.6, "R2": 0.5})
    assert table["cost_cny10k"].to_dict() == pytest.approx({"R1#1": 24.0, "R1#2": 36.0, "R2": 30.0})
    assert table.loc["R1#2", ["start_km", "end_km"]].tolist() == [0.4, 1.0]
    assert row_of(plan, "a")["segment_ids"] == "R1#1;R1#2;R2"
    assert row_of(plan, "a")["shared_with"] == "b"
    assert row_of(plan, "c")["segment_ids"] == ""  # too small to be a candidate
    assert table.geometry.length.to_numpy() == pytest.approx(table["length_km"] * 1000)


def test_new_roads_may_follow_the_terrain():
    ws = workspace(roads=roads(COUNTY), natural_villages=villages([("a", 300, (2000, 600)), ("b", 300, (2000, 0))]))
    plan = natural_villages(ws, policy(), DAY, new_road_m=lambda here, there: np.abs(here - there).sum(axis=1) * 2)
    assert row_of(plan, "a")["new_km"] == pytest.approx(1.2)
    assert row_of(plan, "b")["new_km"] == 0.0


def random_county(seed):
    rng = np.random.default_rng(seed)
    size, lines = 6, [("X0", "asphalt", [(0, -1000), (0, 0)], {"admin_class": "X"})]
    for number in range(size):
        for at in range(size - 1):
            for kind, xy in (("E", [(at, number), (at + 1, number)]), ("N", [(number, at), (number, at + 1)])):
                if rng.random() < 0.75:
                    surface = rng.choice(["asphalt", "concrete", "gravel", "earth"], p=[0.2, 0.2, 0.3, 0.3])
                    length = [(x * 1000.0 + rng.integers(0, 2) * 0.0, y * 1000.0) for x, y in xy]
                    lines.append(
                        (f"{kind}{number}-{at}", str(surface), length, {"admin_class": "X" if number == 0 else "C"})
                    )
    people = [(f"v{i}", int(rng.integers(100, 900)), tuple(rng.uniform(0, 5000, 2))) for i in range(12)]
    return lines, people, rng


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_gaps_are_those_networkx_finds_with_pairs_of_weights(seed):
    lines, _, rng = random_county(seed)
    network = build_network(roads(lines))
    hard = roads(lines)["surface"].isin(["asphalt", "concrete"]).to_numpy()[network.edge_road]
    length = network.edge_length_mm.astype(np.int64)
    sources = np.unique(rng.choice(len(network.node_xy), 3))
    found = ways(network, first_mm=np.where(hard, 0, length), then_mm=length, sources=sources)
    big = 10**12  # python integers have no ceiling: an independent reading of "then"
    graph = nx.Graph()
    for one, two, mm, is_hard in zip(
        network.edge_from.tolist(), network.edge_to.tolist(), length.tolist(), hard, strict=True
    ):
        graph.add_edge(one, two, w=(0 if is_hard else mm) * big + mm)
    theirs = nx.multi_source_dijkstra_path_length(graph, set(sources.tolist()), weight="w")
    for node in range(len(network.node_xy)):
        if node in theirs:
            assert (found.first_mm[node], found.then_mm[node]) == divmod(theirs[node], big)
        else:
            assert np.isinf(found.first_mm[node])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_hardening_a_road_never_takes_a_village_farther(seed):
    lines, people, rng = random_county(seed)
    before = assess(people, lines).natural_villages
    chosen = int(rng.integers(1, len(lines)))
    road_id, _, xy, more = lines[chosen]
    after = assess(people, [*lines[:chosen], (road_id, "concrete", xy, more), *lines[chosen + 1 :]]).natural_villages
    order = {"connected": 0, "harden": 1, "build": 2}
    assert (after["state"].map(order) <= before["state"].map(order)).all()
    same = before["state"] == after["state"]
    assert (after["gap_km"][same] <= before["gap_km"][same] + 1e-9).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_a_programme_builds_connects_whom_it_counts(seed):
    """Harden the roads a programme names, assess the county anew: everyone it counted is connected, nobody lost."""
    lines, people, rng = random_county(seed)
    plan = assess(people, lines)
    before = plan.natural_villages.set_index("natural_village_id")
    if not len(plan.candidates):
        return
    tree = works_tree(plan)
    budget = float(tree.cost.sum()) * float(rng.uniform(0.2, 1.0))
    made = programme(plan, budgets={2018: budget / 2, 2019: budget / 2}, tree=tree, frontier_steps=0, seconds=1)
    built = {name for ids in made.projects["road_ids"] for name in str(ids).split(";") if name}
    after = assess(people, [(i, "concrete" if i in built else s, *more) for i, s, *more in lines]).natural_villages
    after = after.set_index("natural_village_id")
    counted = [name for ids in made.projects["natural_village_ids"] for name in str(ids).split(";") if name]
    by_road = [name for name in counted if before.loc[name, "new_km"] == 0]  # a new road is no line of the layer yet
    assert (after.loc[by_road, "state"] == "connected").all()
    assert made.projects["people"].sum() == before.loc[counted, "population"].sum()
    assert made.projects["cost_cny10k"].sum() <= budget + 1e-6
    order = {"connected": 0, "harden": 1, "build": 2}
    assert (after["state"].map(order) <= before["state"].map(order)).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(seed):
    lines, people, rng = random_county(seed)
    one = assess(people, lines)
    two = assess([people[i] for i in rng.permutation(len(people))], [lines[i] for i in rng.permutation(len(lines))])
    key = "natural_village_id"
    columns = ["state", "gap_km", "new_km", "hardened_distance_m", "cost_cny10k"]
    left, right = (plan.natural_villages.sort_values(key, ignore_index=True)[[key, *columns]] for plan in (one, two))
    pd.testing.assert_frame_equal(left, right)
    assert one.segments["length_km"].sum() == pytest.approx(two.segments["length_km"].sum())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_gap_is_the_sum_of_its_segments(seed):
    lines, people, _ = random_county(seed)
    plan = assess(people, lines)
    length = plan.segments.set_index("segment_id")["length_km"]
    for row in plan.candidates.itertuples():
        needed = [part for part in row.segment_ids.split(";") if part]
        assert sum(length[part] for part in needed) == pytest.approx(row.gap_km, abs=1e-9)


def test_an_expressway_passes_over_and_an_undone_repair_parts_a_road():
    lines = [
        ("G1", "asphalt", [(0, 0), (4000, 0)], {"admin_class": "G", "technical_grade": "expressway"}),
        ("C1", "concrete", [(1000, -900), (1000, 900)]),
    ]
    row = row_of(assess([("a", 300, (1000, 800))], lines), "a")
    assert row["state"] == "build"  # no ramp: the expressway is no way out
    at_grade = [("G1", *lines[0][1:3], {"admin_class": "G", "technical_grade": "2"}), lines[1]]
    assert row_of(assess([("a", 300, (1000, 800))], at_grade), "a")["state"] == "connected"
    frame = roads(at_grade)
    ws = workspace(roads=frame, natural_villages=villages([("a", 300, (1000, 800))]))
    apart = natural_villages(ws, policy(), DAY, network=road_network(frame, keep_apart=[[1000, 0]]))
    assert row_of(apart, "a")["state"] == "build"


def test_road_states_serve_any_unit():
    ws = workspace(roads=roads(COUNTY), natural_villages=villages([("a", 300, (1000, 500)), ("b", 100, (1000, 1500))]))
    plan = natural_villages(ws, policy(), DAY)
    ask = road_states(ws, policy(), DAY, plan)
    units = make_units(ws, "natural_village")
    assert ask(units, None)["state"].tolist() == ["harden", "harden"]
    other = ask(units, 100.0)
    assert other["gap_km"].tolist() == [0.5, 1.5]
    assert other["segment_ids"].tolist() == ["R1", "R2;R1"]
    assert other["is_due"].tolist() == [True, False]
    assert ask(units, 500.0).columns.tolist() == other.columns.tolist()
    none = Workspace({"natural_villages": ws.layers["natural_villages"]}, METRIC, {}, (), "")
    blind = road_states(none, policy(), DAY, natural_villages(none, policy(), DAY))
    assert blind(units, 100.0)["state"].tolist() == ["unknown", "unknown"]


def test_the_frames_are_left_alone():
    ws = workspace(roads=roads(COUNTY), natural_villages=villages([("a", 300, (1000, 500))]))
    before = {name: frame.copy() for name, frame in ws.layers.items()}
    natural_villages(ws, policy(), DAY)
    for name, frame in ws.layers.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_narrow_roads_are_listed_and_unknown_widths_counted():
    lines = [
        ("even", "concrete", [(0, 0), (1000, 0)], {"pavement_width_m": 4.5, "subgrade_width_m": 5.5}),
        ("narrow", "concrete", [(0, 9), (1000, 9)], {"pavement_width_m": 4.4, "subgrade_width_m": 5.5}),
        ("bed", "asphalt", [(0, 19), (1000, 19)], {"pavement_width_m": 5.0, "subgrade_width_m": 5.4}),
        ("open", "asphalt", [(0, 29), (1000, 29)], {"pavement_width_m": 5.0}),
        ("earth", "earth", [(0, 39), (1000, 39)], {"pavement_width_m": 3.0}),
        ("twice", "concrete", [(0, 49), (1000, 49)], {"pavement_width_m": 3.0, "is_duplicate": True}),
    ]
    ws = workspace(roads=roads(lines))
    rules = policy(road__min_pavement_m=4.5, road__min_subgrade_m=5.5, cost__widening_cny10k_per_km=18)
    table, problems = narrow_roads(ws, rules, DAY)
    assert table["road_id"].tolist() == ["narrow", "bed"]
    assert table["cost_cny10k"].tolist() == [18.0, 18.0]
    assert [problem.kind for problem in problems] == ["unknown_width"]
    assert "1 段" in problems[0].message
    none, problems = narrow_roads(ws, policy(), DAY)
    assert (len(none), problems) == (0, [])


@pytest.mark.parametrize(
    ("length", "span", "name"),
    [
        (1000, 150, "large"),
        (1001, 10, "super_large"),
        (999, 151, "super_large"),
        (100, 10, "large"),
        (99, 40, "large"),
        (99.9, 39.9, "medium"),
        (30, 20, "medium"),
        (29, 19, "small"),
        (8, 5, "small"),
        (7, 4, "culvert"),
        (np.nan, 20, "medium"),
        (np.nan, np.nan, ""),
    ],
)
def test_span_classes(length, span, name):
    assert span_class(length, span) == name


def test_dangerous_bridges():
    frame = gpd.GeoDataFrame(
        {
            "bridge_id": ["b1", "b2", "b3", "b4"],
            "name": ["一", "二", "三", "四"],
            "route_code": ["X001440224", "C001440224", "C002440224", "Y001"],
            "admin_class": [None, None, None, "Y"],
            "rating": ["4", "5", "3", "unknown"],
            "deck_width_m": [6.0, np.nan, 5.0, 5.0],
            "length_m": [50.0, 20.0, 9.0, 9.0],
            "max_span_m": [16.0, np.nan, 6.0, 6.0],
        },
        geometry=[Point(i, 0) for i in range(4)],
        crs=METRIC,
    )
    rates = {f"bridge__subsidy_cny_per_m2.{name}": rate for name, rate in (("medium", 700), ("small", 600))}
    rules = policy(bridge__min_deck_width_county_m=8.5, bridge__min_deck_width_village_m=6.5, **rates)
    table, problems = dangerous_bridges(workspace(bridges=frame), rules, DAY)
    assert table["bridge_id"].tolist() == ["b1", "b2"]
    assert table["required_width_m"].tolist() == [8.5, 6.5]
    assert table["span_class"].tolist() == ["medium", "small"]
    assert table["subsidy_ceiling_cny10k"].iloc[0] == pytest.approx(50 * 6 * 700 / 10_000)
    assert np.isnan(table["subsidy_ceiling_cny10k"].iloc[1])
    assert [problem.kind for problem in problems] == ["unknown_rating"]
    assert len(dangerous_bridges(workspace(), rules, DAY)[0]) == 0


def test_risky_stretches_without_a_barrier():
    bend = (
        LineString([(0, 0), (200, 0)]).coords[:]
        + [(200 + 20 * np.sin(a), 20 - 20 * np.cos(a)) for a in np.linspace(0.2, np.pi, 9)]
        + [(0, 40)]
    )
    lines = [
        ("bend", "concrete", bend, {"has_safety_barrier": False}),
        ("safe", "concrete", bend, {"has_safety_barrier": True}),
        ("asked", "concrete", [(0, 500), (1000, 500)], {"has_safety_barrier": None}),
    ]
    ws = workspace(roads=roads(lines))
    rules = policy(safety__max_radius_m=30, safety__min_slope_percent=9, cost__safety_cny10k_per_km=5)
    table, problems = safety_works(ws, rules, DAY)
    assert table["road_id"].tolist() == ["bend"]
    assert table["status"].tolist() == ["missing"]
    assert table["min_radius_m"].iloc[0] <= 30
    assert 0 < table["length_km"].iloc[0] < 0.4
    assert [problem.kind for problem in problems] == ["no_dem"]
    hill, problems = safety_works(ws, rules, DAY, dem=lambda xy: np.where(xy[:, 1] > 400, xy[:, 0] * 0.09, 0.0))
    assert problems == []
    assert hill[hill["road_id"] == "asked"]["status"].tolist() == ["unknown"]
    assert hill[hill["road_id"] == "asked"]["max_slope_percent"].iloc[0] == pytest.approx(9.0)
    assert hill[hill["road_id"] == "asked"]["length_km"].iloc[0] == pytest.approx(1.0)
    flat, _ = safety_works(ws, policy(safety__min_slope_percent=9), DAY, dem=lambda xy: xy[:, 0] * 0.0899)
    assert "asked" not in flat["road_id"].tolist()
    assert len(safety_works(ws, Policy("", "", "", {}, ()), DAY)[0]) == 0
