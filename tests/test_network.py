from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString

from geo import boxes, nearest
from geo.errors import CRSError, InputError
from geo.network import build_network, shortest, snap, to_networkx
from geo.splits import split

SEEDS = st.integers(0, 2**32 - 1)
STREET = [(0, 0), (100, 0)]


def network_of(lines, keep_apart=None, tolerance_m=2.0, **columns):
    shapes = [line if isinstance(line, MultiLineString) else LineString(line) for line in lines]
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4547")
    return build_network(frame, tolerance_m=tolerance_m, keep_apart=keep_apart)


def pieces(network):
    """Length of every edge by road, sorted: what the network is, whatever its numbering."""
    return sorted(zip(network.edge_road.tolist(), (network.edge_length_mm / 1000).tolist(), strict=True))


def kinds(network):
    return network.repairs["kind"].tolist()


def is_joined(network, *roads):
    graph = to_networkx(network)
    ends = [next(one for one, _, road in graph.edges(data="road") if road == number) for number in roads]
    return all(nx.has_path(graph, ends[0], end) for end in ends)


@pytest.mark.parametrize(
    ("lane", "kind", "distance_m"),
    [
        ([(50, 2), (50, 80)], "undershoot", 2.0),  # the bound itself is within tolerance
        ([(50, -1.5), (50, 80)], "overshoot", 1.5),
        ([(102, 0), (160, 0)], "end_to_end", 2.0),
    ],
)
def test_an_end_that_misses_is_joined_and_listed(lane, kind, distance_m):
    network = network_of([STREET, lane])
    assert is_joined(network, 0, 1)
    row = network.repairs.set_index("kind").loc[kind]
    assert row["distance_m"] == pytest.approx(distance_m)
    assert row["is_applied"]


@pytest.mark.parametrize("lane", [[(50, 2.01), (50, 80)], [(102.01, 0), (160, 0)]])
def test_an_end_beyond_the_tolerance_is_left_and_listed(lane):
    network = network_of([STREET, lane])
    assert not is_joined(network, 0, 1)
    assert set(kinds(network)) == {"near_miss"}
    assert not network.repairs["is_applied"].any()


def test_an_exact_junction_is_no_repair():
    network = network_of([STREET, [(50, 0), (50, 80)], [(100, 0), (100, 50)]])
    assert kinds(network) == []
    assert pieces(network) == [(0, 50.0), (0, 50.0), (1, 80.0), (2, 50.0)]


def test_the_stub_of_an_overshoot_is_gone_and_listed():
    network = network_of([STREET, [(50, -1.5), (50, 80)]])
    assert pieces(network) == [(0, 50.0), (0, 50.0), (1, 80.0)]
    assert network.repairs.set_index("kind").loc["stub", "distance_m"] == pytest.approx(1.5)
    hook = network_of([STREET, [(50, 80), (50, 0), (51, -1), (49.5, -1)]])  # digitised past the junction and back
    assert hook.edge_road.tolist() == [0, 0, 1]
    assert hook.edge_length_mm.tolist() == pytest.approx([50_000, 50_000, 80_000], abs=1_000)


def test_roads_that_cross_at_grade_meet_and_are_listed():
    network = network_of([STREET, [(50, -50), (50, 80)]])
    assert pieces(network) == [(0, 50.0), (0, 50.0), (1, 50.0), (1, 80.0)]
    assert kinds(network) == ["crossing"]
    drawn = network_of([[(0, 0), (50, 0), (100, 0)], [(50, -50), (50, 0), (50, 80)]])
    assert len(drawn.edge_road) == 4
    assert kinds(drawn) == []  # both were drawn with a vertex there: nothing was mended


@pytest.mark.parametrize(
    "columns",
    [
        {"bridge": [True, False]},
        {"bridge": ["yes", None]},
        {"tunnel": [None, "T"]},
        {"layer": [0, 1]},
        {"level": [2, None]},
        {"layer": ["-1", "0"]},
    ],
)
def test_a_bridge_is_not_a_junction(columns):
    network = network_of([STREET, [(50, -50), (50, 80)]], **columns)
    assert pieces(network) == [(0, 100.0), (1, 130.0)]
    assert kinds(network) == ["bridge"]
    assert not network.repairs["is_applied"].any()


def test_a_loose_end_on_a_bridge_meets_it_and_a_road_that_goes_on_does_not():
    ramp = network_of([STREET, [(50, 1), (50, 80)]], bridge=[True, False])
    assert is_joined(ramp, 0, 1)
    below = network_of([STREET, [(50, 1), (50, 80)], [(50, 1), (50, -80)]], bridge=[True, False, False])
    assert is_joined(below, 1, 2)
    assert not is_joined(below, 0, 1)


def test_two_bridges_of_one_level_meet():
    network = network_of([STREET, [(50, -50), (50, 80)]], bridge=[True, True])
    assert len(network.edge_road) == 4


def test_a_bridge_meets_the_road_at_its_own_ends():
    network = network_of([STREET, [(100, 0), (150, 0)], [(150, 0), (300, 0)]], bridge=[False, True, False])
    assert is_joined(network, 0, 1, 2)


def test_roads_split_under_a_split_bridge_stay_apart():
    lines = [[(0, 0), (50, 0)], [(50, 0), (100, 0)], [(50, -50), (50, 0)], [(50, 0), (50, 80)]]
    network = network_of(lines, level=[1, 1, 0, 0])
    assert is_joined(network, 0, 1)
    assert is_joined(network, 2, 3)
    assert not is_joined(network, 0, 2)
    fork = network_of(lines, level=[0, 1, 0, 1])  # a road and a bridge leave here on each side: a true junction
    assert is_joined(fork, 0, 1, 2, 3)


def test_a_road_split_under_a_whole_bridge_stays_apart():
    network = network_of([[(0, 0), (50, 0)], [(50, 0), (100, 0)], [(50, -50), (50, 80)]], level=[0, 0, 1])
    assert is_joined(network, 0, 1)
    assert not is_joined(network, 0, 2)
    assert "bridge" in kinds(network)


def test_roads_in_very_short_pieces_do_not_collapse():
    network = network_of([[(i * 0.5, 0), (i * 0.5 + 0.5, 0)] for i in range(8)])
    assert len(network.edge_road) == 8
    assert network.edge_length_mm.sum() == 4000


def test_a_road_that_runs_back_into_itself_makes_a_loop():
    lollipop = network_of([[(0, 0), (100, 0), (100, 50), (50, 50), (50, 1)]])
    assert pieces(lollipop) == [(0, 50.0), (0, 200.0)]
    ring = network_of([[(0, 0), (100, 0), (100, 50), (0, 50), (0, 1)]])
    assert (ring.edge_from == ring.edge_to).tolist() == [True]


def test_parts_duplicates_and_lines_without_length():
    parts = MultiLineString([[(0, 0), (50, 0)], [(70, 0), (110, 0)]])
    network = network_of([parts, [(9, 9), (9, 9)], [(70, 0), (110, 0)], [(110, 0), (70, 0)]])
    assert pieces(network) == [(0, 40.0), (0, 50.0), (2, 40.0), (3, 40.0)]
    assert sorted(kinds(network)) == ["duplicate", "duplicate", "zero_length"]


def test_stretches_that_two_roads_share_are_joined_at_both_ends_only():
    one = [(0, 0), (50, 0), (60, 0), (70, 0), (100, 0)]
    two = [(50, 50), (50, 0), (60, 0), (70, 0), (70, -50)]
    network = network_of([one, two])
    assert pieces(network) == [(0, 20.0), (0, 30.0), (0, 50.0), (1, 20.0), (1, 50.0), (1, 50.0)]


def test_missing_shapes_and_no_roads_at_all():
    frame = gpd.GeoDataFrame(geometry=[None, LineString(), LineString(STREET)], crs="EPSG:4547")
    network = build_network(frame)
    assert network.edge_road.tolist() == [2]
    assert kinds(network) == ["empty", "empty"]
    nothing = build_network(frame.iloc[:0])
    assert len(nothing.node_xy) == len(nothing.edge_road) == len(nothing.repairs) == 0
    assert snap(nothing, [[0, 0]], max_distance_m=9).edge.tolist() == [-1]
    assert shortest(nothing, weight_mm=[], sources=[])[0].tolist() == []


def test_a_repair_can_be_undone():
    lines = [STREET, [(50, 1.5), (50, 80)], [(20, -50), (20, 50)], [(101, 0), (150, 0)]]
    network = network_of(lines)
    assert is_joined(network, 0, 1, 2, 3)
    for row in network.repairs.itertuples():
        undone = network_of(lines, keep_apart=[[row.x, row.y]])
        assert not is_joined(undone, row.road, row.other_road), row.kind


def test_degrees_polygons_and_silly_tolerances_are_refused():
    with pytest.raises(CRSError):
        build_network(gpd.GeoDataFrame(geometry=[LineString(STREET)], crs="EPSG:4490"))
    with pytest.raises(CRSError):
        build_network(gpd.GeoDataFrame(geometry=[LineString(STREET)]))
    with pytest.raises(InputError, match="第 1 行不是线"):
        build_network(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4547"))
    with pytest.raises(InputError, match="容差"):
        network_of([STREET], tolerance_m=0)


def untidy_grid(seed, size=6):
    """A street grid as delivered: streets drawn whole or in blocks, ends that miss by up to 1.9 m, some on bridges."""
    rng = np.random.default_rng(seed)
    lines, decks = [], []
    for number in range(2 * size):
        across, at = number % 2 == 0, 100.0 * (number // 2)
        deck = int(rng.random() < 0.15)
        stops = [0, *sorted(rng.choice(np.arange(1, size - 1), int(rng.integers(0, 3)), replace=False)), size - 1]
        for start, stop in pairwise(stops):
            along = np.array([start * 100.0, stop * 100.0]) + rng.uniform(-0.9, 0.9, 2) * (rng.random() < 0.7)
            aside = at + rng.uniform(-0.9, 0.9, 2) * (rng.random() < 0.5)
            xy = np.column_stack([along, aside] if across else [aside, along])
            lines.append(LineString(xy))
            decks.append(deck)
    return gpd.GeoDataFrame({"level": decks}, geometry=lines, crs="EPSG:4547"), rng


def drawing(network):
    """The network without its numbering of edges: nodes in order, and each edge as nodes, length and shape."""
    ends = np.sort(np.column_stack([network.edge_from, network.edge_to]), axis=1)
    edges = sorted(zip(ends[:, 0].tolist(), ends[:, 1].tolist(), network.edge_length_mm.tolist(), strict=True))
    return network.node_xy.tolist(), edges


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_order_and_direction_of_rows_do_not_matter(seed):
    frame, rng = untidy_grid(seed)
    network = build_network(frame)
    again = build_network(frame.iloc[rng.permutation(len(frame))])
    assert drawing(network) == drawing(again)
    turned = frame.set_geometry(shapely.reverse(frame.geometry.to_numpy()), crs=frame.crs)
    other = build_network(turned)
    assert len(other.node_xy) == len(network.node_xy)
    np.testing.assert_allclose(pieces(other), pieces(network), atol=2.0)  # of equal places another may be the node


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_every_junction_of_an_untidy_grid_is_right(seed):
    frame, _ = untidy_grid(seed)
    frame["level"] = 0
    size, graph = 6, to_networkx(build_network(frame))
    truth = nx.grid_2d_graph(size, size)
    place = {
        (x, y): min(graph, key=lambda n: np.hypot(graph.nodes[n]["x"] - x * 100, graph.nodes[n]["y"] - y * 100))
        for x, y in truth
    }
    assert len(set(place.values())) == size * size
    simple = nx.Graph()
    for one, two, length_m in graph.edges(data="length_m"):
        simple.add_edge(one, two, length_m=min(length_m, simple.get_edge_data(one, two, {}).get("length_m", np.inf)))
    for corner in [(0, 0), (2, 3)]:
        ours = nx.single_source_dijkstra_path_length(simple, place[corner], weight="length_m")
        theirs = nx.single_source_shortest_path_length(truth, corner)
        for spot, hops in theirs.items():
            assert ours[place[spot]] == pytest.approx(hops * 100, abs=2.0 * (hops + 1))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_lengths_add_up_to_what_was_drawn(seed):
    frame, _ = untidy_grid(seed)
    network = build_network(frame)
    by_road = np.bincount(network.edge_road, weights=network.edge_length_mm, minlength=len(frame)) / 1000
    np.testing.assert_allclose(by_road, frame.length, atol=12.0)  # ends move by less than a tolerance or two
    ends = shapely.get_coordinates(shapely.get_point(network.edge_geometry, 0))
    np.testing.assert_array_equal(ends, network.node_xy[network.edge_from])
    np.testing.assert_allclose(shapely.length(network.edge_geometry) * 1000, network.edge_length_mm, atol=0.51)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_same_without_compiled_loops(seed):
    frame, _ = untidy_grid(seed)
    fast = build_network(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "IS_COMPILED", False)
        patch.setattr(nearest, "IS_COMPILED", False)
        slow = build_network(frame)
        slow_snaps = snap(slow, [[33.0, 44.0]], max_distance_m=99)
    assert fast.node_xy.tobytes() == slow.node_xy.tobytes()
    assert fast.edge_length_mm.tobytes() == slow.edge_length_mm.tobytes()
    assert fast.repairs.equals(slow.repairs)
    assert snap(fast, [[33.0, 44.0]], max_distance_m=99).fraction.tobytes() == slow_snaps.fraction.tobytes()


def test_snapping_keeps_to_the_bound_and_the_mask():
    network = network_of([STREET, [(0, 30), (100, 30)]])
    assert snap(network, [[20, 10]], max_distance_m=10).distance_m.tolist() == [10.0]
    assert snap(network, [[20, 10]], max_distance_m=9.99).edge.tolist() == [-1]
    upper = network.edge_road == 1
    snaps = snap(network, [[20, 10]], max_distance_m=99, edge_mask=upper)
    assert network.edge_road[snaps.edge].tolist() == [1]
    assert snaps.distance_m.tolist() == [20.0]
    assert snap(network, [[20, 10]], max_distance_m=99, edge_mask=np.zeros(2, bool)).edge.tolist() == [-1]


def test_splitting_adds_nodes_and_keeps_every_millimetre():
    network = network_of([STREET, [(100, 0), (100, 100)]])
    points = [[33.3333, 1], [66.6, 0], [33.3333, -1], [0, 5], [500, 500]]
    cut, node, origin = split(network, snap(network, points, max_distance_m=10))
    assert (cut.edge_road == network.edge_road[origin]).all()
    assert len(cut.node_xy) == len(network.node_xy) + 2
    assert node[0] == node[2]
    assert node[4] == -1
    assert cut.node_xy[node[3]].tolist() == [0, 0]
    assert cut.edge_length_mm.sum() == network.edge_length_mm.sum()
    np.testing.assert_allclose(cut.node_xy[node[:2]], [[33.333, 0], [66.6, 0]], atol=1e-3)
    to_start = shortest(cut, weight_mm=cut.edge_length_mm, sources=[node[3]])[0]
    assert to_start[node[:2]].tolist() == [33333, 66600]


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_shortest_ways_are_those_networkx_finds(seed):
    frame, rng = untidy_grid(seed)
    network = build_network(frame)
    weight = network.edge_length_mm.astype(float) * rng.integers(0, 2, len(network.edge_road))
    weight[rng.random(len(weight)) < 0.1] = np.inf
    sources = rng.choice(len(network.node_xy), 3, replace=False)
    distance_mm, before, source = shortest(network, weight_mm=weight, sources=sources)
    graph = to_networkx(network)
    graph.remove_edges_from([(u, v, e) for u, v, e in graph.edges(keys=True) if np.isinf(weight[e])])
    nx.set_edge_attributes(graph, {(u, v, e): weight[e] for u, v, e in graph.edges(keys=True)}, "w")
    theirs = nx.multi_source_dijkstra_path_length(graph, set(sources.tolist()), weight="w")
    assert distance_mm.tolist() == [theirs.get(node, np.inf) for node in range(len(distance_mm))]
    assert ((before >= 0) == (np.isfinite(distance_mm) & ~np.isin(np.arange(len(before)), sources))).all()
    assert ((source >= 0) == np.isfinite(distance_mm)).all()
    each = [shortest(network, weight_mm=weight, sources=[one])[0] for one in sources]
    reached = np.flatnonzero(source >= 0)
    assert (np.array(each)[source[reached], reached] == distance_mm[reached]).all()


def test_the_callers_frame_is_left_alone():
    frame, _ = untidy_grid(1)
    before = frame.copy()
    build_network(frame)
    assert frame.equals(before)
