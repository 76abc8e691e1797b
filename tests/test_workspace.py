"""Everything in one metric CRS, in its town and village; what cannot be settled stays and is listed."""

import dataclasses
from datetime import date
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from geo.errors import CRSError
from layers.intake import take
from layers.workspace import Workspace, gather
from tests.layer_drawings import SOUTH, STEP, WEST, dropped, inside, source, square, towns, villages_raw


@cache
def _villages() -> Any:
    return take(dropped(villages_raw(), crs="EPSG:4490"), "villages").frame


@cache
def _towns() -> Any:
    return take(dropped(towns(), crs="EPSG:4490"), "towns").frame


def villages() -> Any:
    return _villages().copy()


def layer(name: str, columns: dict[str, Any], shapes: list[Any] | None = None) -> Any:
    frame = pd.DataFrame(columns)
    if shapes is not None:
        frame = gpd.GeoDataFrame(frame, geometry=shapes)
    return take(dropped(frame, crs="EPSG:4490"), name).frame


def workspace(**frames: Any) -> Workspace:
    frames = {"towns": _towns(), "villages": villages()} | frames
    copies = {name: frame.copy(deep=True) for name, frame in frames.items()}
    gathered = gather(frames, {name: source(name) for name in frames})
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(copies[name]))
    return gathered


def texts(column: Any) -> list[str | None]:
    return [None if pd.isna(value) else value for value in column]


def kinds(ws: Workspace, layer: str) -> list[tuple[str, str]]:
    return [(p.subject, p.kind) for p in ws.problems if p.layer == layer]


def test_everything_is_in_one_metric_crs() -> None:
    roads = layer("roads", {"road_id": ["r"], "surface": ["11"]}, [shapely.LineString([inside(0), inside(1)])])
    ws = workspace(roads=roads)
    assert ws.crs.to_epsg() == 4547
    assert {frame.crs.to_epsg() for frame in ws.layers.values()} == {4547}
    assert ws.get("roads").length[0] == pytest.approx(1008, rel=0.01)
    assert ws.get("hazards") is None


def test_seats_are_in_metres_where_the_village_is() -> None:
    frame = villages().assign(
        seat_x=[inside(0).x, np.nan, 113.725, 113.735], seat_y=[inside(0).y, np.nan, 25.105, 25.105]
    )
    ws = workspace(villages=frame)
    placed = ws.get("villages")
    assert placed.geometry[0].covers(shapely.Point(placed["seat_x"][0], placed["seat_y"][0]))
    assert np.isnan(placed["seat_x"][1])


def test_villages_know_their_town_by_name_code_or_boundary() -> None:
    frame = villages()
    frame["town"] = pd.Series(["甲", None, "440224102", None], dtype="str")
    frame["village_id"] = pd.Series(["440224101201", "440224101202", "x", "y"], dtype="str")
    ws = workspace(villages=frame)
    assert ws.get("villages")["town"].tolist() == ["甲镇", "甲镇", "乙镇", "乙镇"]
    assert ws.get("villages")["town_id"].tolist() == ["440224101"] * 2 + ["440224102"] * 2
    assert not ws.problems
    assert list(ws.get("villages").columns)[-1] == "geometry"


def test_a_village_outside_every_town_and_one_that_contradicts_itself_are_listed() -> None:
    frame = villages()
    frame["town"] = pd.Series(["乙镇", "甲镇", "没有镇", None], dtype="str")
    frame.loc[3, "village_id"] = "z"
    frame.loc[3, "geometry"] = square(20)
    ws = workspace(villages=frame)
    assert texts(ws.get("villages")["town"]) == ["乙镇", "甲镇", "乙镇", None]
    assert kinds(ws, "villages") == [
        ("z", "no_town"),
        ("440224101201", "town_conflict"),
        ("440224101201", "town_conflict"),
        ("440224102201", "unknown_town"),
    ]


def test_towns_of_one_name_are_told_apart_by_code_or_boundary() -> None:
    two = towns().assign(name=["甲镇", "甲镇"])
    ws = workspace(towns=take(dropped(two, crs="EPSG:4490"), "towns").frame, villages=villages().assign(town="甲镇"))
    assert ws.get("villages")["town_id"].tolist() == ["440224101"] * 2 + ["440224102"] * 2
    assert not kinds(ws, "villages")


def test_without_towns_the_town_stays_as_written() -> None:
    ws = gather({"villages": villages()}, {"villages": source("villages")})
    assert ws.get("villages")["town"].tolist() == ["甲镇", "甲镇", "乙镇", "乙镇"]
    assert ws.get("villages")["town_id"].isna().all()


def natural() -> Any:
    return _natural().copy()


@cache
def _natural() -> Any:
    return layer(
        "natural_villages",
        {
            "自然村代码": ["a", "b", "c", "d", "e", "f", "g"],
            "自然村名称": list("甲乙丙丁戊己庚"),
            "行政村代码": ["440224101202", "999", None, None, None, None, None],
            "乡镇": [None, None, "乙镇", None, None, None, "甲镇"],
            "行政村": [None, None, "张庄", "张庄", None, None, "李村委会"],
        },
        [inside(1), inside(0), inside(2), inside(0), inside(3), inside(30), None],
    )


def test_natural_villages_go_by_code_then_name_then_boundary() -> None:
    ws = workspace(natural_villages=natural())
    placed = ws.get("natural_villages").set_index("natural_village_id")
    assert texts(placed["village_id"]) == [
        "440224101202", "440224101201", "440224102201", "440224101201", "440224102202", None, "440224101202",
    ]  # fmt: skip
    assert texts(placed["town"]) == ["甲镇", "甲镇", "乙镇", "甲镇", "乙镇", None, "甲镇"]
    assert kinds(ws, "natural_villages") == [("b", "unknown_village"), ("d", "untied"), ("f", "no_village")]
    untied = next(p for p in ws.problems if p.kind == "untied")
    assert "440224101201" in untied.message
    assert "440224102201" in untied.message


def test_a_household_outside_the_village_it_claims_is_listed_with_the_distance() -> None:
    frame = layer(
        "households",
        {"户编号": ["1", "2", "3"], "乡镇": ["甲镇"] * 3, "行政村": ["张庄村"] * 3},
        [inside(0), inside(1), inside(0, dx=1.0)],
    )
    ws = workspace(households=frame)
    assert ws.get("households")["village_id"].tolist() == ["440224101201"] * 3, "the register holds"
    assert kinds(ws, "households") == [("2", "outside_village")], "a point on the border is inside"
    message = next(p.message for p in ws.problems)
    assert "李村" in message
    assert "504 米" in message


def test_a_point_on_the_border_lies_in_both_villages() -> None:
    columns = {"户编号": ["1", "2"], "乡镇": ["甲镇"] * 2, "行政村": ["张庄村", "李村"]}
    ws = workspace(households=layer("households", columns, [inside(0, dx=1.0)] * 2))
    assert not kinds(ws, "households")


def test_households_without_any_place_stay_and_are_listed() -> None:
    ws = workspace(households=layer("households", {"户编号": ["1"], "人数": [3]}, [None]))
    assert len(ws.get("households")) == 1
    assert kinds(ws, "households") == [("1", "no_village")]


def test_roads_bridges_and_facilities_know_their_village_and_town() -> None:
    ws = workspace(
        roads=layer("roads", {"road_id": ["r", "s"], "surface": ["11"] * 2}, [
            shapely.LineString([inside(2, dx=0.1), inside(2)]), shapely.LineString([inside(40), inside(41)]),
        ]),
        bridges=layer("bridges", {"bridge_id": ["b"]}, [inside(3)]),
        facilities=layer("facilities", {"facility_id": ["f", "g"], "kind": ["公厕"] * 2, "行政村": [None, "李村"], "status": ["在用"] * 2}, [inside(3), None]),
    )  # fmt: skip
    assert texts(ws.get("roads")["village_id"]) == ["440224102201", None]
    assert texts(ws.get("roads")["town"]) == ["乙镇", None]
    assert ws.get("bridges")["village_id"].tolist() == ["440224102202"]
    assert ws.get("facilities")["village_id"].tolist() == ["440224102202", "440224101202"]
    assert all(list(frame.columns)[-1] == "geometry" for frame in ws.layers.values())
    assert not ws.problems


def test_claims_are_tied_by_name_and_the_untied_stay() -> None:
    claims = layer(
        "claims",
        {
            "行政村代码": [None, None, "440224101202", "000"],
            "乡镇": ["乙镇", "甲镇", None, None],
            "行政村": ["张庄", "无此村", None, None],
            "事项": ["x"] * 4,
            "结果": ["是"] * 4,
        },
    )
    ws = workspace(claims=claims)
    assert texts(ws.get("claims")["unit_id"]) == ["440224102201", None, "440224101202", None]
    assert kinds(ws, "claims") == [("甲镇无此村", "untied"), ("000", "unknown_unit")]


def test_aliases_of_the_policy_help_to_tie() -> None:
    frame = layer("households", {"户编号": ["1"], "乡镇": ["甲镇"], "行政村": ["里村"]}, [None])
    frames = {"villages": villages(), "households": frame}
    sources = {name: source(name) for name in frames}
    assert gather(frames, sources).get("households")["village_id"].isna().all()
    helped = gather(frames, sources, aliases={"里村": "李村"})
    assert helped.get("households")["village_id"].tolist() == ["440224101202"]
    assert helped.digest != gather(frames, sources).digest


def test_the_digest_follows_layers_days_and_parameters() -> None:
    frames = {"villages": villages()}
    first = gather(frames, {"villages": source("villages")})
    assert first.digest == gather(frames, {"villages": source("villages")}).digest
    others = [
        gather(frames, {"villages": source("villages", digest="e")}),
        gather(frames, {"villages": source("villages", as_of=date(2019, 1, 1))}),
        gather(frames, {"villages": source("villages", is_partial=True)}),
        gather(frames, {"villages": source("villages")}, crs="EPSG:4548"),
    ]
    assert len({first.digest, *(ws.digest for ws in others)}) == 5


def test_degrees_are_refused_and_so_is_a_layer_in_metres() -> None:
    with pytest.raises(CRSError):
        gather({"villages": villages()}, {}, crs="EPSG:4490")
    with pytest.raises(CRSError):
        gather({"villages": villages().to_crs(4547)}, {})


def test_an_office_with_nothing_in_it_is_a_workspace_too() -> None:
    assert gather({}, {}).layers == {}
    empty = take(dropped(villages_raw().iloc[:0], crs="EPSG:4490"), "villages").frame
    assert len(gather({"villages": empty}, {}).get("villages")) == 0


def test_empty_layers_are_placed_without_complaint() -> None:
    for name in ("natural_villages", "households", "facilities", "roads", "bridges"):
        empty = workspace(**{name: full(name).iloc[:0]})
        assert len(empty.get(name)) == 0
        assert {"village_id", "town"} <= set(empty.get(name).columns)


def full(name: str) -> Any:
    shape = shapely.LineString([inside(0), inside(1)]) if name == "roads" else inside(0)
    columns = {
        "natural_villages": {"natural_village_id": ["1"], "name": ["a"]},
        "households": {"household_id": ["1"], "village_id": ["1"]},
        "facilities": {"facility_id": ["1"], "kind": ["clinic"]},
        "roads": {"road_id": ["1"], "surface": ["earth"]},
        "bridges": {"bridge_id": ["1"]},
    }
    return layer(name, columns[name], [shape])


@given(st.permutations(range(7)), st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_joining_does_not_depend_on_the_order_of_rows(order: list[int], other: list[int]) -> None:
    straight = workspace(natural_villages=natural())
    turned = workspace(
        natural_villages=natural().iloc[order].reset_index(drop=True),
        villages=villages().iloc[other].reset_index(drop=True),
    )
    columns = ["natural_village_id", "village_id", "town"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(turned.get("natural_villages")[columns]).sort_values(columns[0]).reset_index(drop=True),
        pd.DataFrame(straight.get("natural_villages")[columns]),
    )
    assert (
        turned.get("natural_villages")["natural_village_id"].tolist()
        == natural()["natural_village_id"].iloc[order].tolist()
    )
    assert sorted(p.message for p in turned.problems) == sorted(p.message for p in straight.problems)


@given(st.lists(st.tuples(st.floats(0.01, 3.99), st.floats(0.01, 0.99)), min_size=1, max_size=20))
@settings(max_examples=12, deadline=None)
def test_every_point_in_the_county_lies_in_the_village_around_it(places: list[tuple[float, float]]) -> None:
    shapes = [shapely.Point(WEST + x * STEP, SOUTH + y * STEP) for x, y in places]
    frame = layer(
        "natural_villages",
        {"自然村代码": [str(i) for i in range(len(places))], "自然村名称": ["a"] * len(places)},
        shapes,
    )
    ws = workspace(natural_villages=frame)
    codes = villages()["village_id"]
    for (x, _), code in zip(places, ws.get("natural_villages")["village_id"], strict=True):
        near_border = abs(x - round(x)) < 1e-6
        assert near_border or code == codes[int(x)]


def test_what_was_worked_out_from_a_layer_is_kept_until_the_layer_is_another_one():
    roads, calls = pd.DataFrame({"road_id": ["a", "b"]}), []
    ws = Workspace({"roads": roads}, CRS("EPSG:4547"), {}, (), "d")

    def count(frame):
        calls.append(frame)
        return len(frame)

    assert [ws.kept("count", "roads", count), ws.kept("count", "roads", count)] == [2, 2]
    assert len(calls) == 1
    fewer = dataclasses.replace(ws, layers={"roads": roads.iloc[:1]})  # shares what is kept, and must not believe it
    assert fewer.kept("count", "roads", count) == 1
    assert ws == dataclasses.replace(ws, memo={})
