import geopandas as gpd
import pandas as pd
import pytest
from road_county import DAY, METRIC, policy, roads, villages, workspace
from shapely import LineString, box

from analysis.hindcast import hindcast, hindcast_projects, upkeep
from analysis.roads import natural_villages
from geo.errors import InputError

LINES = [
    ("X1", "asphalt", [(0, 0), (4000, 0)], {"admin_class": "X"}),
    ("C1", "earth", [(1000, 0), (1000, 1000)], {"route_code": "C001"}),
    ("C2", "unknown", [(3000, 0), (3000, 1000)], {"admin_class": "C"}),
    ("C3", "earth", [(1000, 0), (1000, 1000)], {"admin_class": "C", "is_duplicate": True}),
]
PEOPLE = [("a", 300, (2000, 0)), ("b", 300, (1000, 900)), ("c", 300, (3000, 900))]


def test_an_earlier_list_against_what_was_built():
    plan = natural_villages(workspace(roads=roads(LINES), natural_villages=villages(PEOPLE)), policy(), DAY)
    table = hindcast(pd.DataFrame({"natural_village_id": ["a", "b", "c", "gone", "a"]}), plan).set_index("town")
    town, lost, whole = table.loc["甲镇"], table.loc["（不明）"], table.loc["合计"]
    assert town[["listed", "connected", "not_connected", "unknown"]].tolist() == [3, 1, 1, 1]
    assert town[["hit_rate_low", "hit_rate_high"]].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert (lost["unknown"], whole["listed"], whole["unknown"]) == (1, 4, 2)
    empty = hindcast(pd.DataFrame({"natural_village_id": []}), plan)
    assert empty["listed"].tolist() == [0]
    with pytest.raises(InputError, match="natural_village_id"):
        hindcast(pd.DataFrame({"x": []}), plan)


def test_upkeep_of_village_roads_in_poor_villages():
    lines = roads(LINES).assign(village_id=pd.array(["v1", "v1", "v2", "v1"], dtype="str"))
    held = gpd.GeoDataFrame(
        {"village_id": ["v1", "v2", "v3"], "town": "甲镇", "list_type": pd.array(["poor", None, "poor"], dtype="str")},
        geometry=[box(0, 0, 1, 1)] * 3,
        crs=METRIC,
    )
    ws = workspace(roads=lines, villages=held)
    table = upkeep(ws, policy(maintenance__cny_per_km=1000), DAY)
    assert table["village_id"].tolist() == ["v1", "v3"]
    assert table["length_km"].tolist() == [1.0, 0.0]  # neither the county road nor the duplicate
    assert table["subsidy_cny"].tolist() == [1000.0, 0.0]
    assert len(upkeep(ws, policy(), DAY)) == 0
    assert len(upkeep(workspace(roads=lines), policy(maintenance__cny_per_km=1000), DAY)) == 0


def listed(rows):
    """Rows of (project_id, town, declared km, coordinates)."""
    return gpd.GeoDataFrame(
        {"project_id": [r[0] for r in rows], "town": [r[1] for r in rows], "declared_km": [r[2] for r in rows]},
        geometry=[LineString(r[3]) for r in rows],
        crs=METRIC,
    )


def test_an_earlier_list_of_projects_counts_each_once():
    ws = workspace(roads=roads(LINES))
    works = listed(
        [
            ("P1", "甲镇", 4.0, [(0, 5), (2000, 5)]),
            ("P1", "甲镇", 4.0, [(2000, 5), (4000, 5)]),  # the declared length stands on both rows
            ("P2", "甲镇", 1.0, [(1000, 0), (1000, 1000)]),
            ("P3", "乙镇", 1.0, [(3000, 0), (3000, 1000)]),
            ("P4", None, 2.0, [(0, 5), (2000, 2000)]),
        ]
    )
    table = hindcast_projects(works, ws, policy(), DAY).set_index("town")
    assert table.loc["甲镇", ["projects", "built", "not_built", "unknown"]].tolist() == [2, 1, 1, 0]
    assert table.loc["甲镇", "declared_km"] == 5.0
    assert table.loc["乙镇", ["built", "unknown"]].tolist() == [0, 1]
    assert table.loc["乙镇", ["hit_rate_low", "hit_rate_high"]].tolist() == [0, 1]
    assert table.loc["合计", ["projects", "built", "not_built", "unknown"]].tolist() == [4, 1, 2, 1]
    assert table.loc["（不明）", "not_built"] == 1
    assert table.loc["合计", "declared_km"] == 8.0
    bare = hindcast_projects(works, workspace(), policy(), DAY).set_index("town")
    assert bare.loc["合计", "unknown"] == 4  # no road layer says nothing about what was built
    with pytest.raises(InputError, match="declared_km"):
        hindcast_projects(works.drop(columns="declared_km"), ws, policy(), DAY)
