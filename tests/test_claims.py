"""Registers against the map: disputes, impossible counts, places, roads said to be hardened."""

import geopandas as gpd
import pandas as pd
import pytest

from analysis.claims import CONTRADICTION_COLUMNS, contradictions, count_by_need
from analysis.coverage import cover_with_reach
from analysis.setting import Setting
from tests.drawn import (
    DAY,
    METRIC,
    at,
    claims,
    facilities,
    facility,
    full_road,
    full_roads,
    layer,
    need,
    policy,
    source,
    villages,
    workspace,
)  # fmt: skip

TOILET = need("toilet", "has", {"kind": "public_toilet"}, label="公共厕所")
VENUE = need("venue", "has", {"kind": "cultural_venue"}, label="文化活动场所")
BOTH = need("both", "all", {"needs": ["toilet", "venue"]})
HARD = {"hardening__surfaces": ["asphalt", "concrete"], "hardening__snap_m": 500}


def found(ws, rules):
    held = cover_with_reach(ws, rules, DAY, Setting(ws, rules, DAY).context())
    return contradictions(ws, rules, DAY, held)


def rows(table, *columns):
    return table[list(columns)].to_numpy().tolist()


def test_disputes_are_ranked_by_people_and_carry_distance():
    layers = {
        "villages": villages("甲", "乙", "丙", population=[100.0, 900.0, None]),
        "facilities": facilities(facility("t", "public_toilet", "v2", 2500)),
        "claims": claims(*[(f"v{i}", "toilet", "yes" if i < 2 else "no", "2018-01-01") for i in range(3)]),
    }
    table = found(workspace(layers), policy(TOILET))
    assert list(table.columns) == list(CONTRADICTION_COLUMNS)
    assert rows(table, "unit_id", "claimed", "measured", "rank") == [
        ["v1", "yes", "no", 1],
        ["v0", "yes", "no", 2],
        ["v2", "no", "yes", 3],
    ]
    assert table["people"].tolist()[:2] == [900.0, 100.0]
    assert table["distance_m"].tolist()[:2] == [1000.0, 2000.0]
    assert table["why"].tolist()[0].startswith("公共厕所：台账说有，图上没有（最近的在 1000 米处")


def test_a_whole_need_is_listed_only_without_its_parts():
    layers = {"villages": villages("甲"), "facilities": facilities(facility("t", "clinic", "v0", 4))}
    parts = claims(("v0", "toilet", "yes", "2018-01-01"), ("v0", "venue", "yes", "2018-01-01"))
    table = found(workspace(layers | {"claims": parts}), policy(TOILET, VENUE, BOTH))
    assert sorted(table["need"]) == ["toilet", "venue"]
    whole = claims(("v0", "both", "yes", "2018-01-01"))
    table = found(workspace(layers | {"claims": whole}), policy(TOILET, VENUE, BOTH))
    assert table["need"].tolist() == ["both"]


def test_nothing_wrong_is_an_empty_table():
    table = found(workspace({"villages": villages("甲")}), policy(TOILET))
    assert (len(table), list(table.columns)) == (0, list(CONTRADICTION_COLUMNS))
    assert count_by_need(table) == {}


def home(ident, village, grade, x=500.0, **columns):
    row = {"household_id": ident, "village_id": village, "housing_grade": grade, "members": 4.0}
    return row | columns | {"geometry": None if x is None else at(x, 500)}


@pytest.mark.parametrize(("households", "wrong"), [(1.0, True), (2.0, False), (3.0, False), (None, False)])
def test_dangerous_houses_cannot_outnumber_households(households, wrong):
    homes = layer([home("a", "v0", "C"), home("b", "v0", "D"), home("c", "v0", "A")])
    ws = workspace({"villages": villages("甲", households=[households]), "households": homes})
    table = found(ws, policy())
    assert ("counts" in table["need"].tolist()) == wrong
    if wrong:
        assert rows(table, "unit_id", "claimed", "measured", "why") == [["v0", "2", "1", "危房 2 户，多于全村 1 户"]]


@pytest.mark.parametrize(("people", "wrong"), [(1050.0, False), (1051.0, True)])
def test_natural_villages_may_exceed_their_village_by_a_twentieth(people, wrong):
    natural = layer(
        [
            {"natural_village_id": "n", "name": "n", "village_id": "v0", "population": people, "town": "甲镇"}
            | {"poor_population": 10.0, "households": 30.0, "geometry": at(5, 5)}
        ]
    )
    table = found(workspace({"villages": villages("甲"), "natural_villages": natural}), policy())
    assert ("counts" in table["need"].tolist()) == wrong


def test_poor_people_cannot_outnumber_people():
    natural = layer(
        [
            {"natural_village_id": f"n{i}", "name": "n", "village_id": "v0", "population": 20.0, "town": "甲镇"}
            | {"poor_population": poor, "households": 5.0, "geometry": at(5, 5)}
            for i, poor in enumerate([20.0, 21.0, None])
        ]
    )
    said = claims(("v0", "poor_population", "1001", "2018-01-01"), ("v0", "dangerous_houses", "300", "2018-01-01"))
    ws = workspace({"villages": villages("甲"), "natural_villages": natural, "claims": said})
    table = found(ws, policy())
    assert rows(table, "unit_id", "claimed", "measured") == [["v0", "1001", "1000"], ["n1", "21", "20"]]


def test_households_outside_their_village():
    homes = layer(
        [
            home("inside", "v0", "A", 400),
            home("border", "v0", "A", 1000),
            home("over", "v0", "A", 1250, members=6.0),
            home("far", "v1", "A", 9000),
            home("nowhere", "v0", "A", None),
            home("free", None, "A", 9000),
        ],
        village_id="str",
    )
    table = found(workspace({"villages": villages("甲", "乙"), "households": homes}), policy())
    assert rows(table, "unit_id", "claimed", "measured", "people", "distance_m") == [
        ["over", "v0", "v1", 6.0, 250.0],
        ["far", "v1", "", 4.0, 7000.0],
    ]
    assert "所有村界之外" in table["why"].tolist()[1]


def test_roads_said_to_be_hardened():
    roads = full_roads(
        *[full_road(f"r{i}", s, (0, i), (1000, i)) for i, s in enumerate(["gravel", "asphalt", "unknown", "earth"])]
    )
    said = claims(*[(f"r{i}", "hardened", value, "2018-01-01") for i, value in enumerate(["yes", "no", "yes", "no"])])
    table = found(workspace({"roads": roads, "claims": said}), policy(**HARD))
    assert rows(table, "unit_id", "claimed", "measured", "distance_m") == [
        ["r0", "yes", "no", 1000.0],
        ["r1", "no", "yes", 1000.0],
    ]
    assert table["why"].tolist() == ["登记为已硬化，路面却是 gravel", "登记为未硬化，路面却是 asphalt"]


def test_row_order_does_not_matter():
    homes = layer([home(f"h{i}", "v0", "D", 900 + 100 * i) for i in range(6)])
    layers = {"villages": villages("甲", "乙", households=[2.0, 2.0]), "households": homes}
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in layers.items()}
    pd.testing.assert_frame_equal(found(workspace(layers), policy()), found(workspace(turned), policy()))


@pytest.mark.real
def test_djibouti_edges_flagged_paved_with_an_unpaved_surface(real):
    edges = gpd.read_parquet(real / "djibouti" / "dj_road_edges.gpq")
    words = {"asphalt": "asphalt", "paved": "asphalt", "concrete": "concrete", "gravel": "gravel", "ground": "earth"}
    rows_ = [
        full_road(f"e{i}", words.get(str(s), "unknown"), (0, 0), (1, 0)) for i, s in enumerate(edges["tag_surface"])
    ]
    frame = full_roads(*rows_).set_geometry(edges.geometry.to_crs(METRIC).to_numpy(), crs=METRIC)
    said = claims(
        *[(f"e{i}", "hardened", "yes" if paved else "no", "2018-01-01") for i, paved in enumerate(edges["paved"])]
    )
    rules = policy(**HARD)
    ws = workspace({"roads": frame, "claims": said}, claims=source("claims"))
    table = contradictions(ws, rules, DAY, cover_with_reach(ws, rules, DAY, Setting(ws, rules, DAY).context()))
    assert (table["claimed"] == "yes").sum() == 7
    assert {why.rsplit(" ", 1)[1] for why in table.loc[table["claimed"] == "yes", "why"]} <= {"gravel", "earth"}
