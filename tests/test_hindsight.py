"""An earlier list of road projects, whatever its columns are called, laid out for the comparison with what was built."""

from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
from road_county import DAY, METRIC, policy, roads, workspace
from shapely import LineString, box

from analysis.hindcast import count_projects, judge_projects
from views import hindsight, own_list

ROADS = [
    ("R1", "concrete", [(0, 0), (1000, 0)]),
    ("R2", "earth", [(0, 100), (1000, 100)]),
    ("R3", "unknown", [(0, 200), (1000, 200)]),
    ("R4", "earth", [(0, 3), (1000, 3)]),  # beside the hardened one
]
CHOSEN = {"project_id": "项目编号", "town": "乡镇", "km": "里程公里"}


def held(**layers):
    ws = workspace(roads=roads(ROADS), **layers)
    empty = gpd.GeoDataFrame({"name": []}, geometry=[], crs=METRIC)
    return SimpleNamespace(workspace=ws, frame=lambda name: ws.layers.get(name, empty), language="zh")


def drawn(rows):
    """Rows of (project, town, km, coordinates)."""
    return gpd.GeoDataFrame(
        {"项目编号": [r[0] for r in rows], "乡镇": [r[1] for r in rows], "里程公里": [r[2] for r in rows]},
        geometry=[None if r[3] is None else LineString(r[3]) for r in rows],
        crs=METRIC,
    )


def test_columns_are_found_by_what_bureaus_call_them() -> None:
    table = pd.DataFrame({"项目编号": [1], "所在乡镇": ["甲"], "里程（公里）": [2.0], "起点桩号": [0.0]})
    found = [hindsight.guess(table, key) for key in ("project_id", "town", "km", "start", "end")]
    assert found == ["项目编号", "所在乡镇", "里程（公里）", "起点桩号", None]


def test_a_length_repeated_on_every_row_counts_once_and_different_ones_are_added_up() -> None:
    lines = drawn(
        [
            ("P1", "甲镇", 2.0, [(0, 0), (400, 0)]),
            ("P1", "甲镇", 2.0, [(400, 0), (1000, 0)]),
            ("P2", "甲镇", 0.4, [(0, 100), (400, 100)]),
            ("P2", "甲镇", 0.6, [(400, 100), (1000, 100)]),
        ]
    )
    laid = hindsight.laid_out(held(), lines, CHOSEN, is_section=False)
    assert laid.groupby("project_id")["declared_km"].first().to_dict() == {"P1": 2.0, "P2": 1.0}
    sections = hindsight.laid_out(held(), lines.assign(**{hindsight.ROAD: 0}), CHOSEN, is_section=True)
    assert sections.groupby("project_id")["declared_km"].first().to_dict() == {"P1": 4.0, "P2": 1.0}
    bare = hindsight.laid_out(held(), lines, {"project_id": None, "town": None, "km": None}, is_section=False)
    assert bare["project_id"].tolist() == ["1", "2", "3", "4"]
    assert bare["declared_km"].tolist() == [0.4, 0.6, 0.4, 0.6]


def test_a_town_that_is_not_said_is_where_the_line_lies() -> None:
    towns = gpd.GeoDataFrame(
        {"name": ["甲镇", "乙镇"]}, geometry=[box(0, -50, 2000, 50), box(0, 50, 2000, 150)], crs=METRIC
    )
    lines = drawn(
        [("P1", "", 1, [(0, 0), (900, 0)]), ("P2", "", 1, [(0, 100), (9, 100)]), ("P3", "", 1, [(0, 999), (9, 999)])]
    )
    laid = hindsight.laid_out(held(towns=towns), lines, {**CHOSEN, "town": None}, is_section=False)
    assert laid["town"].tolist() == ["甲镇", "乙镇", None]


def test_a_list_of_road_ids_is_placed_between_its_chainages() -> None:
    table = pd.DataFrame(
        {
            "项目编号": ["P1", "P1", "P2", "P3", "P4", "P5"], "路段": ["R1", "R2", "R1", "R3", "新建", "R4"],
            "起点桩号": [0.2, 0.0, None, 0.0, None, 0.0], "止点桩号": [0.7, 0.5, None, 9.0, None, 0.5],
            "里程公里": [0.5, 0.5, 1.0, 1.0, 0.3, 0.5],
        }
    )  # fmt: skip
    context = held()
    column, hits = own_list.best_column(table, ["R1", "R2", "R3", "R4"])
    assert (column, hits) == ("路段", 5)
    placed = hindsight.on_roads(context, table, column)
    assert placed.geometry.length.fillna(0).tolist() == [500, 500, 1000, 1000, 0, 500]
    laid = hindsight.laid_out(context, placed, {**CHOSEN, "town": None}, is_section=True)
    judged = judge_projects(laid, context.workspace, policy(), DAY).set_index("project_id")
    assert judged["status"].to_dict() == {
        "P1": "not_built",
        "P2": "built",
        "P3": "unknown",
        "P4": "unknown",
        "P5": "not_built",
    }
    assert judged.loc["P1", ["share_low", "share_high"]].tolist() == pytest.approx([0.5, 0.5])
    assert judged.loc["P4", ["share_low", "share_high"]].tolist() == [0, 1]  # without a line nothing is known
    whole = count_projects(judged.reset_index()).set_index("town").loc["合计"]
    assert whole[["projects", "built", "not_built", "unknown", "declared_km"]].tolist() == [5, 1, 2, 2, 3.8]


def test_a_short_list_line_is_not_built_because_it_starts_on_a_hardened_road() -> None:
    rows = drawn([("P1", "甲镇", 0.012, [(500, 0), (500, 12)]), ("P2", "甲镇", 0.012, [(400, 2), (412, 2)])])
    laid = hindsight.laid_out(held(), rows, CHOSEN, is_section=False)
    judged = judge_projects(laid, held().workspace, policy(), DAY).set_index("project_id")
    assert judged["status"].to_dict() == {"P1": "not_built", "P2": "built"}
