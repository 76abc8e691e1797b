from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import Point, box

from analysis.policy import Need
from analysis.road_services import bus_access, lamps_on_main_streets

LIMIT = {"bus__max_distance_m": 2000}
PLACES = [("near", 300, (2000, 0)), ("far", 250, (2001, 0)), ("nowhere", 100, None), ("doubt", None, (9000, 0))]


def facilities(*rows):
    """Rows of (kind, status, (x, y))."""
    return gpd.GeoDataFrame(
        {
            "facility_id": [f"f{row}" for row in range(len(rows))],
            "kind": [row[0] for row in rows],
            "status": [row[1] for row in rows],
        },
        geometry=[Point(row[2]) for row in rows],
        crs=METRIC,
    )


def test_a_stop_at_the_very_distance_is_near_enough():
    stops = facilities(
        ("bus_stop", "in_service", (0, 0)), ("bus_stop", "unknown", (9500, 0)), ("clinic", "in_service", (9000, 0))
    )
    table = bus_access(workspace(natural_villages=villages(PLACES), facilities=stops), policy(**LIMIT), DAY).set_index(
        "unit_id"
    )
    assert table["status"].to_dict() == {"near": "met", "far": "gap", "doubt": "unknown"}  # no place, no row
    assert table.loc["far", "distance_m"] == pytest.approx(2001)
    assert table.loc["near", "facility_id"] == "f0"
    assert table.loc["doubt", "note"] == "附近的停靠点是否在用不明"


def test_no_layer_or_an_old_one_proves_no_missing_bus():
    known = villages(PLACES)
    assert set(bus_access(workspace(natural_villages=known), policy(**LIMIT), DAY)["status"]) == {"unknown"}
    old = workspace(
        natural_villages=known, facilities=facilities(("bus_stop", "in_service", (0, 0))), as_of=DAY.replace(year=2017)
    )
    table = bus_access(old, policy(**LIMIT), DAY).set_index("unit_id")
    assert table["status"].to_dict() == {"near": "met", "far": "unknown", "doubt": "unknown"}
    assert (bus_access(old, policy(**LIMIT), DAY, max_age_days=366)["status"] == "gap").sum() == 2
    assert len(bus_access(old, policy(), DAY)) == 0
    assert len(bus_access(workspace(), policy(**LIMIT), DAY)) == 0


STREETS = [
    ("MAIN", "concrete", [(0, 0), (2000, 0)]),
    ("SIDE", "concrete", [(0, 300), (2000, 300)]),
    ("OLD", "concrete", [(0, 10), (2000, 10)], {"is_duplicate": True}),
]


def held():
    """Two key villages and one that is not, side by side along the main street."""
    return gpd.GeoDataFrame(
        {
            "village_id": ["v1", "v2", "v3"], "name": ["甲", "乙", "丙"], "town": "甲镇",
            "list_type": pd.array(["key", "key", "none"], dtype="str"),
            "seat_x": [500.0, 1500.0, 1500.0], "seat_y": [20.0, 20.0, 280.0],
            "population": np.nan, "households": np.nan,
        },
        geometry=[box(0, -500, 1000, 500), box(1000, -500, 2000, 500), box(0, 500, 10, 510)],
        crs=METRIC,
    )  # fmt: skip


def asked(**changes):
    need = Need("street_lamp", "路灯", "has", "facilities", {}, "hard", "§11", scope=("key",), catalogue="RD-14")
    return replace(policy(lamp__max_distance_m=30, **changes), needs=(need,))


def test_a_lamp_on_the_part_of_the_main_street_in_the_village():
    lamps = facilities(("street_lamp", "in_service", (100, 30)), ("street_lamp", "in_service", (1500, 300)))
    ws = workspace(roads=roads(STREETS), villages=held(), facilities=lamps)
    table = lamps_on_main_streets(ws, asked(), DAY).set_index("village_id")
    assert table["status"].to_dict() == {"v1": "met", "v2": "gap"}  # the other lamp is on the side street
    assert table["road_id"].tolist() == ["MAIN", "MAIN"]
    assert table["length_km"].tolist() == [1.0, 1.0]
    assert table["lamps"].tolist() == [1, 0]
    beyond = facilities(("street_lamp", "in_service", (100, 30.01)))
    assert "met" not in set(
        lamps_on_main_streets(workspace(roads=roads(STREETS), villages=held(), facilities=beyond), asked(), DAY)[
            "status"
        ]
    )


def test_lamps_of_unknown_status_or_an_old_layer_leave_it_open():
    doubtful = facilities(("street_lamp", "unknown", (100, 0)))
    ws = workspace(roads=roads(STREETS), villages=held(), facilities=doubtful)
    assert lamps_on_main_streets(ws, asked(), DAY)["status"].tolist() == ["unknown", "gap"]
    bare = workspace(roads=roads(STREETS), villages=held())
    assert lamps_on_main_streets(bare, asked(), DAY)["status"].tolist() == ["unknown", "unknown"]
    assert len(lamps_on_main_streets(bare, policy(lamp__max_distance_m=30), DAY)) == 0
    assert len(lamps_on_main_streets(workspace(villages=held()), asked(), DAY)) == 0
