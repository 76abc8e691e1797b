"""The six rule kinds: bounds, evidence, and the unknown kept apart from the no."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.answers import Context
from analysis.rules import all_of, measure
from analysis.units import make_units
from geo.errors import PolicyError
from tests.drawn import DAY, at, facilities, facility, layer, line, source, square, villages, workspace

TOILET = {"kind": "public_toilet"}
BUS = {"kind": "bus_stop", "max_distance_m": 2000}
WATER = {"of": "households", "field": "safe_water", "min_share": 1.0}


def answers(kind, ws, parameters, context=None, unit="village"):
    return measure(kind, make_units(ws, unit), ws, parameters, context or Context(DAY))


def one(kind, ws, parameters, context=None, unit="village"):
    return answers(kind, ws, parameters, context, unit).iloc[0]


def home(ident, village, x=None, y=500.0, **columns):
    row = {"household_id": ident, "village_id": village, "town": "甲镇", "members": 4.0} | columns
    return row | {"geometry": None if x is None else at(x, y)}


def homes(*rows):
    flags = ("safe_water", "sole_dwelling", "has_labour")
    return layer(list(rows), village_id="str", **dict.fromkeys(flags, "boolean"))


# ---------- has ----------


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (facility("f", "public_toilet", "v0", 400), "yes"),
        (facility("f", "public_toilet", "v0", 400, status="planned"), "no"),
        (facility("f", "public_toilet", "v0", 400, status="broken"), "no"),
        (facility("f", "public_toilet", "v0", 400, status="unknown"), "unknown"),
        (facility("f", "public_toilet", "v0", 400, status=None), "unknown"),
        (facility("f", "public_toilet", "v1", 400), "no"),
        (facility("f", "public_toilet", None, 9000), "no"),
        (facility("f", "clinic", "v0", 400), "no"),
    ],
)
def test_has_counts_what_surely_is_in_service(row, expected):
    ws = workspace({"villages": villages("甲", "乙"), "facilities": facilities(row)})
    assert one("has", ws, TOILET)["measured"] == expected


@pytest.mark.parametrize(("count", "expected"), [(1, "no"), (2, "yes"), (3, "yes")])
def test_has_min_count_is_inclusive(count, expected):
    rows = [facility(f"f{i}", "public_toilet", "v0", 400 + i) for i in range(count)]
    ws = workspace({"villages": villages("甲"), "facilities": facilities(*rows)})
    found = one("has", ws, TOILET | {"min_count": 2})
    assert (found["measured"], found["value"], found["threshold"]) == (expected, count, 2)


@pytest.mark.parametrize(("standard", "expected"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_has_where(standard, expected):
    ws = workspace(
        {"villages": villages("甲"), "facilities": facilities(facility("f", "clinic", "v0", 4, is_standard=standard))}
    )
    assert one("has", ws, {"kind": "clinic", "where": {"is_standard": True}})["measured"] == expected


def test_has_where_of_an_unknown_column_is_a_policy_fault():
    ws = workspace({"villages": villages("甲"), "facilities": facilities(facility("f", "clinic", "v0", 4))})
    with pytest.raises(PolicyError, match="floor_area"):
        one("has", ws, {"kind": "clinic", "where": {"floor_area": 60}})


def test_a_feature_nobody_can_place_makes_the_absence_unknown():
    rows = facilities(facility("f", "public_toilet", None, 4), facility("g", "clinic", "v0", 4))
    rows.loc[0, "geometry"] = None
    ws = workspace({"villages": villages("甲"), "facilities": rows})
    assert one("has", ws, TOILET)["measured"] == "unknown"
    assert one("has", ws, {"kind": "clinic"})["measured"] == "yes"


@pytest.mark.parametrize(
    ("held", "days", "expected"),
    [
        (source("facilities"), 0, "no"),
        (source("facilities", partial=True), 0, "unknown"),
        (source("facilities", as_of=DAY - timedelta(days=1)), 0, "unknown"),
        (source("facilities", as_of=DAY - timedelta(days=30)), 30, "no"),
        (source("facilities", as_of=DAY - timedelta(days=31)), 30, "unknown"),
        (source("facilities", kinds={"clinic": (DAY, False)}), 0, "unknown"),
        (source("facilities", kinds={"public_toilet": (DAY, False)}, partial=True), 0, "no"),
        (source("facilities", kinds={"public_toilet": (DAY, True)}), 0, "unknown"),
        (source("facilities", kinds={"public_toilet": (DAY - timedelta(days=9), False)}), 0, "unknown"),
        (None, 0, "unknown"),
    ],
)
def test_absence_needs_a_whole_and_fresh_layer(held, days, expected):
    ws = workspace({"villages": villages("甲"), "facilities": facilities(facility("f", "clinic", "v0", 4))})
    sources = {k: v for k, v in ws.sources.items() if k != "facilities"} | ({"facilities": held} if held else {})
    ws = type(ws)(ws.layers, ws.crs, sources, (), "")
    found = one("has", ws, TOILET, Context(DAY, days))
    assert found["measured"] == expected
    assert (found["note"] != "") is True
    assert one("has", ws, {"kind": "clinic"}, Context(DAY, days))["measured"] == "yes"


def test_missing_layer_is_unknown_and_empty_layer_is_none():
    empty = facilities(facility("f", "clinic", "v0", 4)).iloc[:0]
    assert one("has", workspace({"villages": villages("甲")}), TOILET)["measured"] == "unknown"
    found = one("has", workspace({"villages": villages("甲"), "facilities": empty}), TOILET)
    assert (found["measured"], found["note"], found["evidence_id"]) == ("no", "查遍图层，一处也没有", "")


def test_evidence_is_the_first_by_id_or_the_nearest():
    rows = facilities(facility("f2", "public_toilet", "v0", 100), facility("f1", "public_toilet", "v0", 900))
    table = answers("has", workspace({"villages": villages("甲", "乙"), "facilities": rows}), TOILET)
    assert table["evidence_id"].tolist() == ["f1", "f1"]
    assert table["note"].tolist() == ["", "最近的在 600 米处"]
    assert table["distance_m"].tolist()[1] == 600.0


def test_has_lines_and_areas_by_shape():
    pipes = layer(
        [
            {"line_id": "p1", "kind": "water_pipe", "status": "in_service", "geometry": line((100, 100), (1500, 100))},
            {"line_id": "p2", "kind": "water_pipe", "status": "planned", "geometry": line((2100, 100), (2500, 100))},
        ]
    )
    ws = workspace({"villages": villages("甲", "乙", "丙"), "lines": pipes})
    table = answers("has", ws, {"layer": "lines", "kind": "water_pipe"})
    assert table["measured"].tolist() == ["yes", "yes", "no"]
    assert table["evidence_id"].tolist()[:2] == ["p1", "p1"]


def test_town_and_county_units_count_too():
    towns = layer([{"town_id": "t1", "name": "甲镇", "geometry": square(0, 0)}])
    rows = facilities(facility("f", "school", "v0", 4), facility("g", "school", "v0", 4, town="乙镇"))
    ws = workspace({"towns": towns, "villages": villages("甲"), "facilities": rows})
    assert one("has", ws, {"kind": "school"}, unit="town")["value"] == 1
    assert one("has", ws, {"kind": "school"}, unit="county")["value"] == 2


# ---------- near ----------


@pytest.mark.parametrize(("x", "expected"), [(2499.0, "yes"), (2500.0, "yes"), (2500.01, "no"), (2501.0, "no")])
def test_near_bound_is_inclusive(x, expected):
    ws = workspace({"villages": villages("甲"), "facilities": facilities(facility("s", "bus_stop", None, x))})
    found = one("near", ws, BUS)
    assert found["measured"] == expected
    assert found["value"] == pytest.approx(x - 500, abs=0.001)
    assert (found["evidence_id"], found["unit"], found["threshold"]) == ("s", "m", 2000)


def test_near_from_representative_point_without_seat():
    frame = villages("甲", seat_x=[None], seat_y=[None])
    ws = workspace({"villages": frame, "facilities": facilities(facility("s", "bus_stop", None, 500))})
    assert one("near", ws, BUS)["value"] == 0.0


def test_near_seat_in_degrees_is_measured_in_metres():
    frame = villages("甲", seat_x=[114.0], seat_y=[24.4])
    ws = workspace({"villages": frame, "facilities": facilities(facility("s", "bus_stop", None, 500))})
    assert 1000 < one("near", ws, BUS)["value"] < 10_000


def test_near_unknown_status_can_only_make_unknown():
    rows = [facility("far", "bus_stop", None, 4000), facility("perhaps", "bus_stop", None, 600, status="unknown")]
    ws = workspace({"villages": villages("甲"), "facilities": facilities(*rows)})
    found = one("near", ws, BUS)
    assert (found["measured"], found["value"], found["evidence_id"]) == ("unknown", 3500.0, "far")


def test_near_in_a_partial_layer():
    rows = [facility("s", "bus_stop", None, 600), facility("t", "school", None, 9000)]
    ws = workspace(
        {"villages": villages("甲"), "facilities": facilities(*rows)}, facilities=source("facilities", partial=True)
    )
    assert one("near", ws, BUS)["measured"] == "yes"
    assert one("near", ws, {"kind": "school", "max_distance_m": 2000})["measured"] == "unknown"


def test_near_service_area_at_zero_distance():
    areas = layer([{"area_id": "a", "kind": "tv", "provider": None, "geometry": square(0, 0, 1500)}])
    ws = workspace({"villages": villages("甲", "乙", "丙"), "service_areas": areas})
    table = answers("near", ws, {"layer": "service_areas", "kind": "tv", "max_distance_m": 0})
    assert table["measured"].tolist() == ["yes", "yes", "no"]
    assert table["value"].tolist() == [0.0, 0.0, 1000.0]


def test_near_roads_leaves_out_duplicates_and_unknown_surfaces():
    roads = layer(
        [
            {"road_id": "r1", "surface": "asphalt", "is_duplicate": True, "geometry": line((0, 500), (900, 500))},
            {"road_id": "r2", "surface": "unknown", "is_duplicate": None, "geometry": line((0, 600), (900, 600))},
            {"road_id": "r3", "surface": "asphalt", "is_duplicate": None, "geometry": line((0, 900), (900, 900))},
        ],
        is_duplicate="boolean",
    )
    rule = {"layer": "roads", "where": {"surface": ["asphalt", "concrete"]}}
    ws = workspace({"villages": villages("甲"), "roads": roads})
    assert one("near", ws, rule | {"max_distance_m": 400})["evidence_id"] == "r3"
    assert one("near", ws, rule | {"max_distance_m": 400})["measured"] == "yes"
    assert one("near", ws, rule | {"max_distance_m": 100})["measured"] == "unknown"
    assert one("near", ws, rule | {"max_distance_m": 99})["measured"] == "no"


def test_near_counts_households_within_reach_and_shares():
    rows = homes(home("h1", "v0", 500), home("h2", "v0", 900), home("h3", "v0"), home("h4", "v1", 1500))
    stops = facilities(facility("s", "bus_stop", None, 0))
    ws = workspace({"villages": villages("甲", "乙"), "facilities": stops, "households": rows})
    rule = {"kind": "bus_stop", "max_distance_m": 800}
    table = answers("near", ws, rule)
    assert table[["households_within", "households_known", "households"]].to_numpy().tolist() == [[1, 2, 3], [0, 1, 1]]
    table = answers("near", ws, rule | {"of": "households", "min_share": 0.5})
    assert table["measured"].tolist() == ["unknown", "no"]
    table = answers("near", ws, rule | {"of": "households", "min_share": 0.3})
    assert table["measured"].tolist() == ["yes", "no"]


def test_near_with_terrain():
    ws = workspace({"villages": villages("甲"), "facilities": facilities(facility("s", "water_works", None, 600))})
    rule = {"kind": "water_works", "max_distance_m": 800, "max_vertical_m": 80}
    for height, expected in ((80.0, "yes"), (81.0, "no"), (np.nan, "yes")):
        context = Context(DAY, elevation_m=lambda xy, h=height: np.where(xy[:, 0] > 500_550, h, 0.0))
        assert one("near", ws, rule, context)["measured"] == expected
    assert "未检验高差" in one("near", ws, rule)["note"]


def test_near_by_road_uses_the_road_and_roads_must_be_whole():
    ws = workspace(
        {
            "villages": villages("甲"),
            "facilities": facilities(facility("s", "bus_stop", None, 1500)),
            "roads": layer([{"road_id": "r", "surface": "gravel", "geometry": line((0, 500), (2000, 500))}]),
        }
    )
    rule = BUS | {"by": "network"}

    def way(metres):
        return Context(DAY, by_road=lambda points, _: (np.zeros(len(points), np.int64), np.full(len(points), metres)))

    assert one("near", ws, rule, way(2000.0))["measured"] == "yes"
    assert one("near", ws, rule, way(2000.5))["measured"] == "no"
    assert one("near", ws, rule)["measured"] == "unknown"
    partial = workspace(ws.layers, roads=source("roads", partial=True))
    assert one("near", partial, rule, way(2000.5))["measured"] == "unknown"
    assert one("near", partial, rule | {"max_distance_m": 900}, way(2000.5))["measured"] == "no"


# ---------- share ----------


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([True, True], 1.0, "yes"),
        ([True, False], 1.0, "no"),
        ([True, False], 0.5, "yes"),
        ([True, None], 1.0, "unknown"),
        ([True, None], 0.5, "yes"),
        ([False, None], 0.6, "no"),
        ([False, None], 0.5, "unknown"),
        ([None, None], 0.5, "unknown"),
    ],
)
def test_share_with_unknowns(values, share, expected):
    rows = homes(*[home(f"h{i}", "v0", safe_water=value) for i, value in enumerate(values)])
    ws = workspace({"villages": villages("甲"), "households": rows})
    assert one("share", ws, WATER | {"min_share": share})["measured"] == expected


def test_share_names_the_worst_household_whatever_the_order_of_rows():
    rows = [home("h2", "v0", safe_water=False), home("h1", "v0", safe_water=False), home("h0", "v0", safe_water=True)]
    for held in (rows, rows[::-1]):
        ws = workspace({"villages": villages("甲"), "households": homes(*held)})
        found = one("share", ws, WATER)
        assert (found["evidence_id"], round(found["value"], 4)) == ("h1", 0.3333)


@pytest.mark.parametrize(
    ("total", "values", "share", "expected"),
    [
        (2, [True, True], 1.0, "yes"),
        (3, [True, True], 1.0, "unknown"),
        (3, [True, True], 0.6, "yes"),
        (3, [True, False], 1.0, "no"),
        (4, [False, False], 0.6, "no"),
        (None, [True, True], 0.1, "unknown"),
        (None, [True, False], 1.0, "no"),
        (None, [True, False], 0.5, "unknown"),
    ],
)
def test_share_in_a_partial_layer(total, values, share, expected):
    rows = homes(*[home(f"h{i}", "v0", safe_water=value) for i, value in enumerate(values)])
    ws = workspace(
        {"villages": villages("甲", households=[total]), "households": rows}, households=source("h", partial=True)
    )
    assert one("share", ws, WATER | {"min_share": share})["measured"] == expected


def test_share_without_members_or_layer_is_unknown():
    ws = workspace({"villages": villages("甲", "乙"), "households": homes(home("h", "v0", safe_water=True))})
    assert answers("share", ws, WATER)["measured"].tolist() == ["yes", "unknown"]
    assert one("share", workspace({"villages": villages("甲")}), WATER)["measured"] == "unknown"
    with pytest.raises(PolicyError, match="no_such"):
        one("share", ws, WATER | {"field": "no_such"})


# ---------- road ----------


def states(*rows):
    columns = ("state", "gap_km", "new_km", "segment_ids", "outlet", "is_due", "note")
    return pd.DataFrame([dict(zip(columns, row, strict=True)) for row in rows])


CONNECTED = ("connected", 0.0, 0.0, None, "o1", "yes", None)
HARDEN = ("harden", 1.5, 0.0, "r2;r3", "o1", "yes", None)
BUILD = ("build", 0.0, 2.5, None, None, "yes", None)
UNSURE = ("unknown", None, None, None, None, "yes", "路面不明")
ROADS = [{"road_id": "r", "surface": "gravel", "geometry": line((0, 500), (2000, 500))}]


def road_context(table):
    return Context(DAY, road_states=lambda units, snap_m: table.iloc[: len(units)].reset_index(drop=True))


def test_road_of_seats():
    ws = workspace({"villages": villages("甲", "乙", "丙", "丁"), "roads": layer(ROADS)})
    context = road_context(states(CONNECTED, HARDEN, BUILD, UNSURE))
    table = answers("road", ws, {"target": "seat"}, context)
    assert table["measured"].tolist() == ["yes", "no", "no", "unknown"]
    assert table["evidence_id"].tolist() == ["o1", "r2", "", ""]
    assert table["value"].tolist()[:3] == [0.0, 1.5, 2.5]
    assert table["note"].tolist() == ["", "", "没有路可通，须新建", "路面不明"]
    partial = workspace(ws.layers, roads=source("roads", partial=True))
    table = answers("road", partial, {"target": "seat"}, context)
    assert table["measured"].tolist() == ["yes", "unknown", "unknown", "unknown"]
    assert set(answers("road", workspace({"villages": villages("甲")}), {"target": "seat"})["measured"]) == {"unknown"}


def natural(*due_villages):
    return layer(
        [
            {"natural_village_id": f"n{i}", "name": f"n{i}", "village_id": v, "town": "甲镇", "population": 300.0}
            | {"geometry": at(i * 100, 500)}
            for i, v in enumerate(due_villages)
        ]
    )


def due(row, answer):
    return (*row[:5], answer, row[6])


@pytest.mark.parametrize(
    ("rows", "share", "expected"),
    [
        ([CONNECTED, CONNECTED], 1.0, "yes"),
        ([CONNECTED, HARDEN], 1.0, "no"),
        ([CONNECTED, HARDEN], 0.5, "yes"),
        ([CONNECTED, UNSURE], 1.0, "unknown"),
        ([CONNECTED, due(HARDEN, "no")], 1.0, "yes"),
        ([CONNECTED, due(HARDEN, "unknown")], 1.0, "unknown"),
        ([CONNECTED, due(CONNECTED, "unknown")], 1.0, "yes"),
        ([HARDEN, due(CONNECTED, "unknown")], 0.5, "unknown"),
        ([HARDEN, due(CONNECTED, "unknown")], 0.6, "no"),
        ([due(HARDEN, "no")], 1.0, "yes"),
        ([due(HARDEN, "unknown")], 1.0, "unknown"),
        ([], 1.0, "yes"),
    ],
)
def test_road_of_natural_villages(rows, share, expected):
    frame = natural(*["v0"] * len(rows), "v1")
    ws = workspace({"villages": villages("甲"), "natural_villages": frame, "roads": layer(ROADS)})
    context = road_context(states(*rows, HARDEN))
    found = one("road", ws, {"target": "natural_villages", "min_share": share}, context)
    assert found["measured"] == expected
    if rows == [CONNECTED, HARDEN]:
        assert found["evidence_id"] == "n1"


def test_road_of_natural_villages_in_a_partial_layer():
    layers = {"villages": villages("甲"), "natural_villages": natural("v0", "v0"), "roads": layer(ROADS)}
    ws = workspace(layers, natural_villages=source("natural_villages", partial=True))
    rule = {"target": "natural_villages", "min_share": 1.0}
    assert one("road", ws, rule, road_context(states(CONNECTED, CONNECTED)))["measured"] == "unknown"
    assert one("road", ws, rule, road_context(states(CONNECTED, HARDEN)))["measured"] == "no"


# ---------- flag, all ----------


def test_flag_reads_a_column_or_only_the_register():
    frame = villages("甲", "乙", "丙").assign(has_plan=pd.array([True, False, None], dtype="boolean"))
    ws = workspace({"villages": frame})
    assert answers("flag", ws, {"field": "has_plan"})["measured"].tolist() == ["yes", "no", "unknown"]
    assert answers("flag", ws, {})["measured"].tolist() == ["unknown"] * 3
    with pytest.raises(PolicyError, match="nothing"):
        answers("flag", ws, {"field": "nothing"})


def test_unknown_rule_kind_is_refused():
    with pytest.raises(PolicyError, match="有几个"):
        one("有几个", workspace({"villages": villages("甲")}), {})


@given(st.lists(st.sampled_from(["yes", "no", "unknown"]), min_size=1, max_size=7))
def test_all_of_is_kleene(words):
    expected = "no" if "no" in words else "unknown" if "unknown" in words else "yes"
    assert all_of([np.array([word], dtype=object) for word in words]).tolist() == [expected]


# ---------- laws ----------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["v0", "v1", None]),
            st.integers(0, 3000),
            st.sampled_from(["in_service", "unknown", "planned"]),
        ),
        min_size=0,
        max_size=6,
    ),
    st.booleans(),
)
def test_adding_a_facility_in_service_never_takes_a_yes_away(rows, partial):
    template = facilities(facility("f", "public_toilet", "v0", 0))
    built = [facility(f"f{i}", "public_toilet", v, x, status=s) for i, (v, x, s) in enumerate(rows)]
    more = [*built, facility("g", "public_toilet", "v0", 1200)]
    for kind, rule in (("has", TOILET), ("near", TOILET | {"max_distance_m": 700})):
        before, after = (
            answers(
                kind,
                workspace(
                    {"villages": villages("甲", "乙"), "facilities": facilities(*held) if held else template.iloc[:0]},
                    facilities=source("f", partial=partial),
                ),
                rule,
            )["measured"]
            for held in (built, more)
        )
        rank = {"no": 0, "unknown": 1, "yes": 2}
        assert all(rank[b] <= rank[a] for b, a in zip(before, after, strict=True))


@pytest.mark.parametrize("kind", ["has", "near", "share"])
def test_inputs_and_index_stay_as_they_are(kind):
    layers = {
        "villages": villages("甲", "乙"),
        "facilities": facilities(facility("f", "public_toilet", "v0", 400)),
        "households": homes(home("h1", "v0", 300, safe_water=True), home("h2", "v1", 1300)),
    }
    ws = workspace(layers)
    copies = {name: frame.copy() for name, frame in layers.items()}
    rule = WATER if kind == "share" else TOILET | {"max_distance_m": 500}
    table = answers(kind, ws, rule)
    assert table.index.equals(pd.RangeIndex(2))
    for name, frame in copies.items():
        pd.testing.assert_frame_equal(frame, ws.layers[name])


def test_day_before_a_fresh_layer_counts():
    ws = workspace(
        {"villages": villages("甲"), "facilities": facilities(facility("f", "clinic", "v0", 4))},
        facilities=source("facilities", as_of=date(2018, 7, 1)),
    )
    assert one("has", ws, TOILET)["measured"] == "no"


def test_towns_of_one_name_are_told_apart_by_their_villages():
    towns = layer([{"town_id": f"t{i}", "name": "城关镇", "geometry": square(i * 1000, 0)} for i in range(2)])
    frame = villages("甲", "乙").assign(town="城关镇", town_id=pd.Series(["t0", "t1"], dtype="str"))
    rows = [facility("f", "school", "v0", 4, town="城关镇"), facility("g", "clinic", None, 4, town="城关镇")]
    ws = workspace({"towns": towns, "villages": frame, "facilities": facilities(*rows)})
    assert answers("has", ws, {"kind": "school"}, unit="town")["measured"].tolist() == ["yes", "no"]
    assert answers("has", ws, {"kind": "clinic"}, unit="town")["measured"].tolist() == ["unknown", "unknown"]
