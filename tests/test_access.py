"""Ways to services along the roads."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.access import access_table, make_graph, road_graph, speeds, ways_to
from analysis.features import choose
from geo.network import build_network
from tests.drawn import DAY, at, facilities, facility, layer, line, policy, villages, workspace

WALK = {"speed__walk_kmh": 4, "speed__gravel_kmh": 20, "speed__concrete_kmh": 30}


def road(ident, *places, surface="gravel"):
    return {"road_id": ident, "surface": surface, "geometry": line(*places)}


def table_of(roads, *rows, **values):
    ws = workspace({"villages": villages("甲"), "roads": layer(list(roads)), "facilities": facilities(*rows)})
    return access_table(ws, policy(**values), DAY)


# Seat of 甲 at (500, 500). A river between it and the clinic straight across.
#
#      seat(500,500)        clinic a (900,500)   clinic b (500,2500)
#        |  100 m             |
#   r1 --+---- dead end       +--- r2 far around


def test_the_nearest_by_road_may_be_another_than_straight():
    roads = [
        road("r1", (500, 400), (500, 2400)),
        road("r2", (500, 2400), (5000, 2400), (5000, 400), (900, 400)),
    ]
    found = table_of(roads, facility("a", "clinic", "v0", 900), facility("b", "clinic", None, 600, 2000)).iloc[0]
    assert found["facility_id"] == "b"
    assert found["straight_m"] == 400.0
    assert found["network_m"] == pytest.approx(1500 + 100, abs=0.002)
    assert np.isnan(found["minutes"])


def test_distance_and_minutes_include_both_ends():
    roads = [road("r1", (0, 400), (1000, 400)), road("r2", (1000, 400), (3000, 400), surface="concrete")]
    found = table_of(roads, facility("a", "clinic", None, 3000, 700), **WALK).iloc[0]
    assert found["network_m"] == pytest.approx(100 + 500 + 2000 + 300, abs=0.002)
    walk, gravel, concrete = 400 / (4000 / 60), 500 / (20000 / 60), 2000 / (30000 / 60)
    assert found["minutes"] == pytest.approx(walk + gravel + concrete, abs=0.002)


def test_a_facility_on_the_same_edge_is_reached_directly():
    found = table_of([road("r1", (0, 400), (9000, 400))], facility("a", "clinic", None, 700, 400), **WALK).iloc[0]
    assert found["network_m"] == pytest.approx(100 + 200, abs=0.002)
    assert found["minutes"] == pytest.approx(100 / (4000 / 60) + 200 / (20000 / 60), abs=0.002)


def test_unreached_is_blank_not_infinite():
    roads = [road("r1", (0, 400), (1000, 400)), road("r2", (5000, 400), (6000, 400))]
    found = table_of(roads, facility("a", "clinic", None, 5500, 400), **WALK).iloc[0]
    assert found["facility_id"] == ""
    assert np.isnan(found["network_m"])
    assert np.isnan(found["minutes"])
    assert found["straight_m"] > 0


def test_a_surface_without_speed_leaves_minutes_open_and_metres_known():
    roads = [road("r1", (0, 400), (9000, 400), surface="unknown")]
    found = table_of(roads, facility("a", "clinic", None, 700, 400), **WALK).iloc[0]
    assert found["network_m"] > 0
    assert np.isnan(found["minutes"])


@pytest.mark.parametrize(("limit", "is_reached"), [(100, True), (99.9, False)])
def test_snap_bound_is_inclusive(limit, is_reached):
    found = table_of(
        [road("r1", (0, 400), (9000, 400))], facility("a", "clinic", None, 700, 400), access__snap_m=limit
    ).iloc[0]
    assert np.isfinite(found["network_m"]) == is_reached


def test_planned_and_unknown_facilities_do_not_serve():
    rows = [
        facility("a", "clinic", None, 700, 400, status="planned"),
        facility("b", "clinic", None, 800, 400, status="unknown"),
        facility("c", "clinic", None, 1900, 400),
    ]
    found = table_of([road("r1", (0, 400), (9000, 400))], *rows).iloc[0]
    assert (found["facility_id"], found["straight_m"]) == ("c", pytest.approx(1403.567, abs=0.001))


def test_without_roads_only_the_straight_line_is_known():
    ws = workspace({"villages": villages("甲"), "facilities": facilities(facility("a", "clinic", "v0", 900))})
    found = access_table(ws, policy(), DAY).iloc[0]
    assert found["straight_m"] == 400.0
    assert np.isnan(found["network_m"])
    assert len(access_table(workspace({"villages": villages("甲")}), policy(), DAY)) == 0


def test_a_place_without_point_has_no_way():
    frame = villages("甲", "乙", seat_x=[None, None], seat_y=[None, None])
    frame.loc[0, "geometry"] = None
    ws = workspace(
        {
            "villages": frame,
            "facilities": facilities(facility("a", "clinic", None, 900)),
            "roads": layer([road("r1", (0, 400), (9000, 400))]),
        }
    )
    table = access_table(ws, policy(), DAY)
    assert table["network_m"].notna().tolist() == [False, True]
    assert table["straight_m"].notna().tolist() == [False, True]


def test_speeds_are_read_from_the_policy_only():
    assert speeds(policy(**WALK), DAY) == {"gravel": 20.0, "concrete": 30.0, "walk": 4.0}


grids = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=3, max_size=18, unique=True)
places = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(grids, places, places)
def test_agrees_with_networkx_on_random_grids(cells, starts, goals):
    rows = [
        road(f"r{i:02d}", (x * 100, y * 100), (x * 100 + 100 * across, y * 100 + 100 * (not across)))
        for i, (x, y, across) in enumerate(cells)
    ]
    roads = layer(rows)
    rows = [facility(f"f{i}", "clinic", None, x, y) for i, (x, y) in enumerate(goals)]
    ws = workspace({"roads": roads, "facilities": facilities(*rows), "natural_villages": naturals(starts)})
    table = access_table(ws, policy(), DAY).set_index("unit_id")
    expected = [brute(roads, start, goals) for start in starts]
    assert table["network_m"].tolist() == pytest.approx(expected, abs=0.005, nan_ok=True)
    assert ((table["network_m"] >= table["straight_m"] - 0.005) | table["network_m"].isna()).all()


def naturals(starts):
    return layer(
        [
            {"natural_village_id": f"n{i}", "name": "n", "village_id": "v", "town": "t", "population": 1.0}
            | {"geometry": at(x, y)}
            for i, (x, y) in enumerate(starts)
        ]
    )


def brute(roads, start, goals):
    """Shortest over all pairs, with the snapped places cut into the graph by hand."""
    network = build_network(roads)
    graph = nx.Graph()
    cuts = {edge: [] for edge in range(len(network.edge_from))}
    ends = []
    for number, (x, y) in enumerate([start, *goals]):
        point = at(x, y)
        distances = shapely.distance(network.edge_geometry, point)
        edge = int(np.argmin(np.round(distances, 6)))
        cuts[edge].append((shapely.line_locate_point(network.edge_geometry[edge], point), f"p{number}"))
        ends.append(distances[edge])
    for edge, inner in cuts.items():
        length = shapely.length(network.edge_geometry[edge])
        stops = [(0.0, int(network.edge_from[edge])), *sorted(inner), (length, int(network.edge_to[edge]))]
        for (a, one), (b, two) in itertools.pairwise(stops):
            known = graph.get_edge_data(one, two, {"length": np.inf})["length"]
            graph.add_edge(one, two, length=min(known, b - a))
    reach = nx.single_source_dijkstra_path_length(graph, "p0", weight="length")
    ways = [reach.get(f"p{i}", np.inf) + ends[i] for i in range(1, len(ends))]
    best = ends[0] + min(ways)
    return best if np.isfinite(best) else np.nan


def test_hardening_or_adding_never_makes_a_way_longer_and_order_does_not_matter():
    roads = [road("r1", (0, 400), (1000, 400)), road("r2", (1000, 400), (1000, 3000)), road("r3", (0, 400), (0, 3000))]
    rows = [facility("b", "clinic", None, 1000, 3000), facility("a", "clinic", None, 0, 3000)]
    before = table_of(roads, *rows, **WALK)
    hardened = [road("r1", (0, 400), (1000, 400), surface="concrete"), *roads[1:]]
    after = table_of(hardened, *rows, **WALK)
    assert after["minutes"].iloc[0] <= before["minutes"].iloc[0]
    pd.testing.assert_frame_equal(before, table_of(roads[::-1], *rows[::-1], **WALK))


def test_inputs_stay_as_they_are():
    ws = workspace(
        {
            "villages": villages("甲"),
            "roads": layer([road("r1", (0, 400), (9000, 400))]),
            "facilities": facilities(facility("a", "clinic", None, 700, 400)),
        }
    )
    copies = {name: frame.copy() for name, frame in ws.layers.items()}
    graph = make_graph(ws, policy(), DAY)
    assert graph is not None
    ways_to(graph, choose(ws, "facilities", ["clinic"]))
    access_table(ws, policy(), DAY, graph=graph)
    for name, frame in copies.items():
        pd.testing.assert_frame_equal(frame, ws.layers[name])
    assert np.isnan(road_graph(graph.network, ws.layers["roads"], {}).walk_min_per_m)
