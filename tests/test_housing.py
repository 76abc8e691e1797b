"""Dangerous housing: classes, exclusions, treatments, hazard, isolation, deadline; never a private column."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.housing import HOUSING_COLUMNS, assess_housing, dangerous
from tests.drawn import DAY, at, full_road, full_roads, layer, policy, source, square, workspace

CLASSES = [
    {"categories": ["wubao"], "priority": 1, "reference": "甲"},
    {"categories": ["registered"], "requires_sole_dwelling": True, "priority": 2, "reference": "乙"},
]
TREATMENTS = [
    {"categories": ["wubao"], "grades": ["C", "D"], "treatment": "养"},
    {"categories": ["dibao"], "has_labour": False, "treatment": "保"},
    {"grades": ["C"], "treatment": "固"},
    {"grades": ["D"], "treatment": "建"},
]
ISOLATION = {"isolation__min_road_m": 500, "isolation__neighbour_m": 200, "isolation__max_neighbours": 1}


def home(ident="h1", grade="C", x=500.0, **columns):
    row = {"household_id": ident, "village_id": "v0", "town": "甲镇", "category": "registered", "housing_grade": grade}
    row |= {"sole_dwelling": True, "has_labour": True, "house_area_m2": 60.0, "house_built_year": 1980.0}
    return row | columns | {"geometry": None if x is None else at(x, 500)}


def homes(*rows):
    return layer(list(rows), sole_dwelling="boolean", has_labour="boolean", category="str", village_id="str")


def rules(**table):
    values = {key: table.pop(key) for key in list(table) if "__" in key}
    return policy(tables={"housing": {"classes": CLASSES, "treatments": TREATMENTS} | table}, **values)


def one(*rows, day=DAY, table=None, layers=None, **sources):
    ws = workspace({"households": homes(*rows)} | (layers or {}), **sources)
    return assess_housing(ws, table or rules(), day).iloc[0]


@pytest.mark.parametrize(
    ("columns", "answer", "clause", "priority"),
    [
        ({"category": "wubao"}, "yes", "甲", 1),
        ({"category": "dibao;wubao"}, "yes", "甲", 1),
        ({"category": "wubao;registered"}, "yes", "甲", 1),
        ({"category": "registered"}, "yes", "乙", 2),
        ({"category": "registered", "sole_dwelling": False}, "no", "", None),
        ({"category": "registered", "sole_dwelling": None}, "unknown", "乙", None),
        ({"category": "other"}, "no", "", None),
        ({"category": "other_wubao"}, "no", "", None),
        ({"category": None, "sole_dwelling": False}, "unknown", "甲", None),
    ],
)
def test_eligibility_by_class(columns, answer, clause, priority):
    found = one(home(**columns))
    assert (found["is_eligible"], found["clause"]) == (answer, clause)
    assert found["priority"] == priority if priority else np.isnan(found["priority"])


def test_without_classes_nobody_can_say():
    found = one(home(), table=policy())
    assert (found["is_eligible"], found["note"]) == ("unknown", "政策没有写危房对象")


@pytest.mark.parametrize(
    ("area", "year", "answer"),
    [
        (80.0, 2016.0, "no"),
        (79.9, 2016.0, "yes"),
        (80.0, 2014.0, "yes"),
        (80.0, 2015.0, "unknown"),
        (None, 2016.0, "unknown"),
        (80.0, None, "unknown"),
        (None, 1980.0, "yes"),
        (60.0, None, "yes"),
    ],
)
def test_a_new_large_house_is_left_out(area, year, answer):
    rule = {"min_area_m2": 80, "within_years": 3, "reference": "丙"}
    found = one(home(house_area_m2=area, house_built_year=year), table=rules(exclusions=[rule]))
    assert found["is_eligible"] == answer
    assert (found["clause"] == "丙") == (answer != "yes")


def test_an_exception_that_no_column_holds_is_for_a_person():
    rule = {"min_area_m2": 80, "within_years": 3, "except_subsidised": True, "reference": "丙"}
    found = one(home(house_area_m2=90.0, house_built_year=2017.0), table=rules(exclusions=[rule]))
    assert (found["is_eligible"], found["clause"]) == ("unknown", "丙")
    assert "由人核定" in found["note"]
    found = one(home(house_area_m2=90.0, house_built_year=2017.0, category="other"), table=rules(exclusions=[rule]))
    assert found["is_eligible"] == "no"


@pytest.mark.parametrize(
    ("columns", "treatment"),
    [
        ({"category": "wubao", "grade": "D"}, "养"),
        ({"category": "registered", "grade": "C"}, "固"),
        ({"category": "registered", "grade": "D"}, "建"),
        ({"category": "registered;dibao", "has_labour": False}, "保"),
        ({"category": "registered;dibao", "has_labour": True}, "固"),
        ({"category": "registered;dibao", "has_labour": None}, "固"),
        ({"category": "other"}, ""),
    ],
)
def test_treatment_is_the_first_that_holds(columns, treatment):
    found = one(home(**columns))
    assert found["treatment"] == treatment
    assert ("处置方式待核" in found["note"]) == (columns.get("has_labour", True) is None)


def test_only_dangerous_grades_by_id_and_no_private_column():
    rows = [home("h3", "D"), home("h1", "C"), home("h2", "A"), home("h4", None)]
    frame = homes(*rows).assign(head_name="张三", id_number="440224199001011234", phone="138", address="甲")
    ws = workspace({"households": frame})
    table = assess_housing(ws, rules(), DAY)
    assert table["household_id"].tolist() == ["h1", "h3"]
    assert list(table.columns) == list(HOUSING_COLUMNS)
    assert not set(table.astype(str).to_numpy().ravel()) & {"张三", "440224199001011234", "138"}
    assert dangerous(ws, rules(grades=["A"])).tolist() == [2]


def test_no_dangerous_house_is_an_empty_table():
    for layers in ({}, {"households": homes(home(grade="A"))}):
        table = assess_housing(workspace(layers), rules(), DAY)
        assert (len(table), list(table.columns)) == (0, list(HOUSING_COLUMNS))


@pytest.mark.parametrize(("days", "status"), [(-1, "open"), (0, "open"), (1, "overdue")])
def test_the_deadline_day_itself_is_in_time(days, status):
    deadline = date(2018, 12, 31)
    assert one(home(), day=deadline + timedelta(days=days), table=rules(deadline=deadline))["status"] == status


@pytest.mark.parametrize(
    ("x", "partial", "hazard"),
    [
        (500.0, False, "flood;landslide"),
        (500.0, True, "flood;landslide"),
        (1000.0, False, "flood"),
        (9000.0, False, ""),
        (9000.0, True, "unknown"),
        (None, False, "unknown"),
    ],
)
def test_hazard_zones(x, partial, hazard):
    zones = layer(
        [
            {"hazard_id": "z1", "kind": "landslide", "level": None, "geometry": square(0, 0, 900)},
            {"hazard_id": "z2", "kind": "flood", "level": None, "geometry": square(0, 0, 1000)},
        ]
    )
    found = one(home(x=x), layers={"hazards": zones}, hazards=source("hazards", partial=partial))
    assert found["hazard"] == hazard
    assert ("隐患区" in found["note"]) == (";" in hazard or hazard == "flood")


def test_without_a_hazard_layer_nobody_can_say():
    assert one(home())["hazard"] == "unknown"


def roads(distance):
    return {"roads": full_roads(full_road("r", "gravel", (0, 500 + distance), (9000, 500 + distance)))}


@pytest.mark.parametrize(
    ("distance", "neighbours", "isolated"),
    [(501, 1, "yes"), (500, 1, "yes"), (499, 1, "no"), (500, 2, "no"), (900, 0, "yes")],
)
def test_isolated_is_far_from_roads_and_from_people(distance, neighbours, isolated):
    rows = [home("h1"), *[home(f"n{i}", "A", 500 + 200 * (-1) ** i) for i in range(neighbours)]]
    found = one(*rows, table=rules(**ISOLATION, relocation={"label": "插花搬迁"}), layers=roads(distance))
    assert (found["is_isolated"], found["road_distance_m"]) == (isolated, distance)
    assert ("插花搬迁候选" in found["note"]) == (isolated == "yes")


def test_isolation_needs_whole_layers_places_and_parameters():
    table = rules(**ISOLATION)
    assert one(home(), layers=roads(900))["is_isolated"] == "unknown"
    assert one(home(), table=table)["is_isolated"] == "unknown"
    assert one(home(x=None), table=table, layers=roads(900))["is_isolated"] == "unknown"
    assert one(home(), table=table, layers=roads(900), roads=source("r", partial=True))["is_isolated"] == "unknown"
    assert one(home(), table=table, layers=roads(100), roads=source("r", partial=True))["is_isolated"] == "no"
    lost = [home("n1", "A", None), home("n2", "A", None)]
    assert one(home(), *lost, table=table, layers=roads(900))["is_isolated"] == "unknown"
    assert one(home(), lost[0], table=table, layers=roads(900))["is_isolated"] == "yes"


def test_clinic_minutes_row_order_and_inputs():
    rows = [home("h2"), home("h1", "D", 700)]
    ws, turned = (workspace({"households": homes(*held)} | roads(10)) for held in (rows, rows[::-1]))
    copy = ws.layers["households"].copy()
    table = assess_housing(ws, rules(), DAY, clinic_minutes=np.array([7.0, np.nan]))
    assert table["clinic_minutes"].tolist()[0] == 7.0
    pd.testing.assert_frame_equal(table, assess_housing(turned, rules(), DAY, clinic_minutes=np.array([7.0, np.nan])))
    pd.testing.assert_frame_equal(copy, ws.layers["households"])
