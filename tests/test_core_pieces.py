"""The pieces of the network as the road check draws them: who lies on the core is who is connected."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import Point, box
from test_roads import random_county

from analysis.core_pieces import core_pieces, outlet_places, stranded_pieces
from analysis.outlets import LARGEST
from analysis.roads import natural_villages

# A county road with a hardened lane on it, a hardened island behind an earth road, and one behind an unknown road.
LINES = [
    ("X1", "asphalt", [(0, 0), (4000, 0)], {"admin_class": "X", "name": "县道"}),
    ("A1", "concrete", [(1000, 0), (1000, 900)]),
    ("E1", "earth", [(2000, 0), (2000, 1000)]),
    ("B1", "concrete", [(2000, 1000), (2000, 2500)], {"name": "岛路"}),
    ("U1", "unknown", [(3000, 0), (3000, 500)]),
    ("D1", "concrete", [(3000, 500), (3000, 1500)]),
    ("LOST", "earth", [(9000, 9000), (9500, 9000)]),
]
PEOPLE = [
    ("a", 400, (1000, 900)),
    ("b", 300, (2000, 2000)),
    ("c", None, (3000, 1500)),
    ("d", 200, (9100, 9000)),
    ("e", 50, (4000, -900)),
]


def county(**layers):
    ws = workspace(roads=roads(LINES), natural_villages=villages(PEOPLE), **layers)
    return ws, natural_villages(ws, policy(), DAY)


def test_core_islands_and_what_hangs_on_an_unknown_surface_are_apart():
    table = core_pieces(*county())
    rows = table[["kind", "name", "length_km", "roads", "natural_villages", "people"]].to_numpy().tolist()
    assert rows == [
        ["core", "县道", 4.9, 2, 1, 400.0],  # e has first to build a road to it
        ["unsure", "D1", 1.5, 2, 1, 0.0],  # the unknown road and what lies behind it; nobody counted for a blank
        ["island", "岛路", 1.5, 1, 1, 300.0],
    ]
    assert table.geometry.length.to_numpy() == pytest.approx(table["length_km"] * 1000)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_who_lies_on_the_core_is_who_is_connected(seed):
    lines, people, _ = random_county(seed)
    ws = workspace(roads=roads(lines), natural_villages=villages(people))
    plan = natural_villages(ws, policy(), DAY)
    table, states = core_pieces(ws, plan), plan.natural_villages
    on_core = table.loc[table["kind"] == "core", ["natural_villages", "people"]].sum()
    connected = states[states["state"] == "connected"]
    assert (on_core["natural_villages"], on_core["people"]) == (len(connected), connected["population"].sum())


def test_pieces_without_roads_are_none():
    ws = workspace(natural_villages=villages(PEOPLE))
    plan = natural_villages(ws, policy(), DAY)
    assert len(core_pieces(ws, plan)) == 0
    assert len(stranded_pieces(ws, plan, snap_m=500)) == 0


def test_outlets_are_where_the_core_was_grown_from():
    outlets = gpd.GeoDataFrame({"name": ["南口", None]}, geometry=[Point(0, 0), None], crs=METRIC)
    towns = gpd.GeoDataFrame(
        {"town_id": ["1", "2"], "name": ["甲镇", "乙镇"], "seat_x": [10.0, 113.7], "seat_y": [0.0, 25.1]},
        geometry=[box(-50, -50, 5000, 5000), box(5000, 0, 6000, 5000)],
        crs=METRIC,
    )
    ws, plan = county(outlets=outlets, towns=towns)
    assert outlet_places(ws, plan.core.basis)["name"].tolist() == ["南口"]
    ws, plan = county(towns=towns)  # a seat written in degrees is no place
    assert outlet_places(ws, plan.core.basis)["name"].tolist() == ["甲镇"]
    assert plan.core.basis == "乡镇驻地"
    ws, plan = county()
    assert plan.core.basis == "国省县道"
    assert len(outlet_places(ws, plan.core.basis)) == len(outlet_places(ws, LARGEST)) == 0
    assert isinstance(outlet_places(ws, LARGEST), pd.DataFrame)
