import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import Point

from analysis.core_pieces import stranded_pieces
from analysis.flows import dependents, flow, trace
from analysis.lifelines import beyond, critical_links, cut_off, lifelines
from analysis.roads import natural_villages
from geo.network import build_network, to_networkx
from geo.paths import ways

# A valley road with a loop at its end, a side road, and a piece that touches nothing.
VALLEY = [
    ("X1", "asphalt", [(0, 0), (2000, 0)], {"admin_class": "X"}),
    ("V1", "earth", [(2000, 0), (4000, 0)]),
    ("V2", "gravel", [(4000, 0), (6000, 0)]),
    ("V3", "earth", [(4000, 0), (5000, 900), (6000, 0)]),
    ("S", "unknown", [(3000, 0), (3000, 1000)]),
    ("LOST", "earth", [(9000, 9000), (9500, 9000)]),
]
PEOPLE = [
    ("a", 400, (6000, 0)),
    ("b", 300, (3000, 1000)),
    ("c", None, (4000, -50)),
    ("d", 200, (1000, 0)),
    ("e", 99, (9100, 9000)),
]


def facilities(*xy, status="in_service"):
    return gpd.GeoDataFrame(
        {"facility_id": [f"f{i}" for i in range(len(xy))], "kind": "clinic", "status": status},
        geometry=[Point(*place) for place in xy],
        crs=METRIC,
    )


def valley(**layers):
    ws = workspace(roads=roads(VALLEY), natural_villages=villages(PEOPLE), **layers)
    return ws, natural_villages(ws, policy(), DAY)


def test_people_add_up_along_the_way_to_the_clinic():
    ws, plan = valley(facilities=facilities((0, 0)))
    table = trace(ws, plan, "clinic", snap_m=500)
    by_road = table.groupby("road_id")["people"].max().to_dict()
    assert by_road == {"X1": 900, "V1": 700, "V2": 400, "S": 300}
    assert table["people"].is_monotonic_decreasing
    first = table.set_index(["road_id", "people"])
    assert first.loc[("V1", 700), "length_km"] == pytest.approx(1.0)
    assert first.loc[("V1", 400), "natural_villages"] == 2  # c has no known population, yet it is a village
    assert first.loc[("S", 300)]["is_hardened"] is not True
    assert table.set_index("road_id")["is_hardened"].isna()["S"]
    assert table.attrs["not_reached"] == 1
    assert table.geometry.length.to_numpy() == pytest.approx(table["length_km"] * 1000)


def test_who_depends_on_a_stretch_is_named():
    ws, plan = valley(facilities=facilities((0, 0)))
    table = trace(ws, plan, "clinic", snap_m=500)
    ids = np.array([row[0] for row in PEOPLE])
    asked = {"X1": {"abcd", "abc", "abd"}, "V2": {"a"}, "S": {"b"}}
    for row in table.itertuples():
        found = dependents(
            ws,
            plan,
            "clinic",
            road_id=row.road_id,
            people=row.people,
            natural_villages=row.natural_villages,
            snap_m=500,
        )
        assert len(found) == row.natural_villages
        if row.road_id in asked:
            assert "".join(ids[found]) in asked[row.road_id]
    assert len(dependents(workspace(natural_villages=ws.layers["natural_villages"]), plan, "clinic", road_id="S", people=0, natural_villages=1, snap_m=500)) == 0  # fmt: skip


def test_the_two_sides_of_a_clinic_are_told_apart():
    homes = villages([("w", 100, (0, 0)), ("o", 200, (4000, 0))])
    ws = workspace(roads=roads([("X1", "asphalt", [(0, 0), (4000, 0)])]), natural_villages=homes, facilities=facilities((2000, 0)))  # fmt: skip
    plan = natural_villages(ws, policy(), DAY)
    found = {
        row.people: dependents(
            ws, plan, "clinic", road_id="X1", people=row.people, natural_villages=row.natural_villages, snap_m=500
        ).tolist()
        for row in trace(ws, plan, "clinic", snap_m=500).itertuples()
    }
    assert found == {100: [0], 200: [1]}


def test_only_facilities_surely_in_service_draw_people():
    ws, plan = valley(facilities=facilities((0, 0), status="planned"))
    assert len(trace(ws, plan, "clinic", snap_m=500)) == 0
    ws, plan = valley()
    assert len(trace(ws, plan, "clinic", snap_m=500)) == 0


def test_the_links_whose_loss_cuts_most_people_off():
    bridges = gpd.GeoDataFrame({"bridge_id": ["q1", "q2"]}, geometry=[Point(2500, 10), Point(5000, 5)], crs=METRIC)
    ws, plan = valley()
    table = critical_links(workspace(**ws.layers, bridges=bridges), plan, snap_m=500)
    assert table["people_cut_off"].tolist() == [700, 400, 300]
    assert table["natural_villages_cut_off"].tolist() == [3, 2, 1]
    assert table["road_id"].tolist() == ["V1", "V1", "S"]  # V2 and V3 are each other's way round
    assert table["bridge_id"].tolist() == ["q1", "", ""]


def test_links_in_a_row_are_one_lifeline_and_say_whom_they_cut_off():
    ws, plan = valley()
    links = critical_links(ws, plan, snap_m=500)
    ids = np.array([row[0] for row in PEOPLE])
    assert ["".join(ids[cut_off(ws, plan, edge, snap_m=500)]) for edge in links["edge"]] == ["abc", "ac", "b"]
    lines = [*VALLEY[:1], ("V1", "earth", [(2000, 0), (3000, 0)]), ("W1", "earth", [(3000, 0), (4000, 0)])]
    homes = villages([("a", 400, (4000, 0)), ("b", 30, (3000, 0)), ("c", 0, (2500, 0))])
    ws = workspace(roads=roads(lines), natural_villages=homes)
    plan = natural_villages(ws, policy(), DAY)
    whole = lifelines(critical_links(ws, plan, snap_m=500))
    assert whole["links"].sum() == 3
    assert whole["people_cut_off"].tolist() == [430, 430, 400]  # c, with nobody in it, parts the first two
    assert whole["natural_villages_cut_off"].tolist() == [3, 2, 1]
    bare = workspace(roads=roads(lines), natural_villages=homes.iloc[:1])
    chain = lifelines(critical_links(bare, natural_villages(bare, policy(), DAY), snap_m=500))
    assert chain[["road_id", "links", "length_km", "people_cut_off"]].to_numpy().tolist() == [["V1;W1", 2, 2.0, 400.0]]
    assert chain.geometry.length.tolist() == [2000.0]
    assert len(lifelines(chain.iloc[:0].assign(edge=[], bridge_id=[]))) == 0


def test_pieces_that_never_connect():
    ws, plan = valley()
    table = stranded_pieces(ws, plan, snap_m=500)
    assert table["piece"].tolist() == [1]
    assert table["length_km"].tolist() == [0.5]
    assert table[["name", "roads", "natural_villages", "people"]].to_numpy().tolist() == [["LOST", 1, 1, 99]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_links_without_a_way_round_are_those_networkx_finds(seed):
    rng = np.random.default_rng(seed)
    lines = []
    for x in range(5):
        for y in range(5):
            for end in ((x + 1, y), (x, y + 1)):
                if rng.random() < 0.45:
                    lines.append(
                        (f"r{len(lines)}", "earth", [(x * 100.0, y * 100.0), (end[0] * 100.0, end[1] * 100.0)])
                    )
    if not lines:
        return
    network = build_network(roads(lines))
    amount = rng.integers(0, 9, (len(network.node_xy), 1)).astype(float)
    root = np.array([0])
    edge, lost = beyond(network, np.ones(len(network.edge_road), bool), root, amount)
    graph = to_networkx(network)
    home = graph.subgraph(nx.node_connected_component(graph, 0))
    only = {key for u, v, key in home.edges(keys=True) if frozenset((u, v)) in set(map(frozenset, nx.bridges(home)))}
    assert set(edge.tolist()) == only
    for number, people in zip(edge.tolist(), lost[:, 0], strict=True):
        cut = home.copy()
        cut.remove_edge(int(network.edge_from[number]), int(network.edge_to[number]), number)
        reached = nx.node_connected_component(cut, 0)
        assert people == amount[[node for node in home if node not in reached], 0].sum()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_everyone_who_leaves_arrives(seed):
    rng = np.random.default_rng(seed)
    lines = [(f"r{i}", "earth", rng.uniform(0, 900, (2, 2)).tolist()) for i in range(12)]
    network = build_network(roads(lines))
    node, amount = np.arange(len(network.node_xy)), rng.integers(0, 9, len(network.node_xy)).astype(float)
    found = ways(network, first_mm=network.edge_length_mm, then_mm=network.edge_length_mm, sources=[0])
    over, lost = flow(found, node, amount)
    reached = np.isfinite(found.first_mm)
    assert over[0] == amount[reached].sum()
    assert lost == (~reached).sum()
