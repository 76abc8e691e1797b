"""七有 unit by unit: the status table, scope, claims, `all`, order and the laws."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import FINDING_COLUMNS, cover, judge
from geo.crs import measurement_crs
from geo.errors import PolicyError
from tests.drawn import (
    DAY,
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
)

TOILET = need("toilet", "has", {"kind": "public_toilet", "min_count": 1}, label="公共厕所")
VENUE = need("venue", "has", {"kind": "cultural_venue"}, label="文化活动场所")
PLAN = need("plan", "flag", {})
BOTH = need("both", "all", {"needs": ["toilet", "venue"]})


def rows(table, *columns):
    return table[list(columns)].to_numpy().tolist()


def status(table, ident):
    return table[table["need"] == ident]["status"].tolist()


@pytest.mark.parametrize(
    ("toilet", "partial", "claim", "expected", "measured", "claimed"),
    [
        (True, False, None, "met", "yes", "unknown"),
        (True, False, "yes", "met", "yes", "yes"),
        (True, False, "no", "disputed", "yes", "no"),
        (False, False, None, "gap", "no", "unknown"),
        (False, False, "no", "gap", "no", "no"),
        (False, False, "yes", "disputed", "no", "yes"),
        (False, True, None, "unknown", "unknown", "unknown"),
        (False, True, "yes", "met", "unknown", "yes"),
        (False, True, "no", "gap", "unknown", "no"),
        (True, True, None, "met", "yes", "unknown"),
        (True, True, "no", "disputed", "yes", "no"),
    ],
)
def test_status_table(toilet, partial, claim, expected, measured, claimed):
    kind = "public_toilet" if toilet else "clinic"
    layers = {"villages": villages("甲"), "facilities": facilities(facility("f1", kind, "v0", 400))}
    if claim:
        layers["claims"] = claims(("v0", "toilet", claim, "2018-01-01"))
    ws = workspace(layers, facilities=source("facilities", partial=partial))
    found = cover(ws, policy(TOILET), DAY).iloc[0]
    assert (found["status"], found["measured"], found["claimed"]) == (expected, measured, claimed)
    if measured == "unknown" and claimed != "unknown":
        assert (found["evidence_layer"], found["evidence_id"]) == ("claims", "贫困村台账")
    else:
        assert found["evidence_layer"] == "facilities"


@given(st.sampled_from(["yes", "no", "unknown"]), st.sampled_from(["yes", "no", "unknown"]))
def test_unknown_never_becomes_no(measured, claimed):
    found = judge(np.array([measured], dtype=object), np.array([claimed], dtype=object))[0]
    assert (found == "gap") == ("no" in (measured, claimed) and "yes" not in (measured, claimed))
    assert (found == "unknown") == (measured == claimed == "unknown")


def test_columns_and_order():
    ws = workspace({"villages": villages("甲", "乙").iloc[::-1].reset_index(drop=True)})
    table = cover(ws, policy(VENUE, TOILET), DAY)
    assert list(table.columns) == list(FINDING_COLUMNS)
    assert rows(table, "unit_id", "need") == [["v0", "venue"], ["v0", "toilet"], ["v1", "venue"], ["v1", "toilet"]]
    assert set(table["status"]) == {"unknown"}
    assert isinstance(table.index, pd.RangeIndex)
    found = table.iloc[0]
    assert (found["strength"], found["rule"], found["reference"], found["town"]) == ("hard", "has", "三(七)1", "甲镇")


def test_empty_layers_and_policies():
    assert len(cover(workspace({}), policy(TOILET), DAY)) == 0
    assert len(cover(workspace({"villages": villages("甲")}), policy(), DAY)) == 0
    assert len(cover(workspace({"villages": villages("甲").iloc[:0]}), policy(TOILET, BOTH, VENUE), DAY)) == 0


def test_scope_keeps_the_unknown_and_says_so():
    frame = villages("甲", "乙", "丙", "丁", list_type=["poor", "key", "none", None])
    table = cover(workspace({"villages": frame}), policy(need("toilet", "has", {"kind": "x"}, scope=("poor",))), DAY)
    assert table["unit_id"].tolist() == ["v0", "v3"]
    assert "名单类型不明" in table["note"].tolist()[1]
    assert "名单" not in table["note"].tolist()[0]
    both = policy(need("toilet", "has", {"kind": "x"}, scope=("poor", "key")))
    assert cover(workspace({"villages": frame}), both, DAY)["unit_id"].tolist() == ["v0", "v1", "v3"]


def test_natural_villages_follow_their_village_into_scope():
    natural = layer(
        [
            {"natural_village_id": f"n{i}", "name": f"n{i}", "village_id": v, "town": "甲镇", "population": 9.0}
            | {"geometry": at(i * 1000 + 500, 500)}
            for i, v in enumerate(["v0", "v1", None])
        ],
        village_id="str",
    )
    ws = workspace({"villages": villages("甲", "乙", list_type=["poor", "none"]), "natural_villages": natural})
    rule = need("bus", "near", {"kind": "bus_stop", "max_distance_m": 9}, unit="natural_village", scope=("poor",))
    assert rows(cover(ws, policy(rule), DAY), "unit_id", "unit_kind") == [
        ["n0", "natural_village"],
        ["n2", "natural_village"],
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("2018-01-01", "yes"), ("2018-02-01", "no")], "gap"),
        ([("2018-02-01", "no"), ("2018-01-01", "yes")], "gap"),
        ([("2018-06-30", "yes")], "met"),
        ([("2018-07-01", "yes")], "unknown"),
        ([("2018-01-01", "yes"), ("2018-07-01", "no")], "met"),
        ([("2018-01-01", "yes"), ("2018-01-01", "no")], "unknown"),
        ([("2018-01-01", "yes"), ("2018-01-01", "yes")], "met"),
        ([("2017-01-01", "yes"), ("2018-01-01", "yes"), ("2018-01-01", "no")], "unknown"),
        ([("", "yes"), ("2017-01-01", "no")], "gap"),
        ([("2018-01-01", "大概")], "unknown"),
        ([("2018-01-01", "1")], "met"),
        ([("2018-01-01", "0")], "gap"),
    ],
)
def test_the_latest_claim_on_the_day_counts(told, expected):
    said = claims(*[("v0", "plan", value, day) for day, value in told])
    found = cover(workspace({"villages": villages("甲"), "claims": said}), policy(PLAN), DAY).iloc[0]
    assert found["status"] == expected
    if told[0] == ("2018-01-01", "大概"):
        assert "读不懂" in found["note"]
    if len(told) > 1 and told[-1][0] == told[-2][0] and told[-1][1] != told[-2][1]:
        assert "说法不一" in found["note"]


@pytest.mark.parametrize(
    ("rule", "number", "claimed"),
    [
        (need("n", "has", {"kind": "clinic", "min_count": 2}), "2", "yes"),
        (need("n", "has", {"kind": "clinic", "min_count": 2}), "1", "no"),
        (need("n", "share", {"of": "households", "field": "safe_water", "min_share": 0.9}), "0.9", "yes"),
        (need("n", "share", {"of": "households", "field": "safe_water", "min_share": 0.9}), "89", "no"),
        (need("n", "near", {"kind": "bus_stop", "max_distance_m": 2000}), "1", "unknown"),
        (need("n", "road", {"target": "seat"}), "3.5", "unknown"),
    ],
)
def test_a_number_is_read_only_where_its_meaning_is_plain(rule, number, claimed):
    ws = workspace({"villages": villages("甲"), "claims": claims(("v0", "n", number, "2018-01-01"))})
    found = cover(ws, policy(rule), DAY).iloc[0]
    assert found["claimed"] == claimed
    assert ("不能读成" in found["note"]) == (claimed == "unknown")


def qiyou(toilet, venue, said, partial=()):
    held = [facility("t", "public_toilet", "v0", 4)] * toilet + [facility("c", "cultural_venue", "v0", 4)] * venue
    layers = {"villages": villages("甲"), "facilities": facilities(*held, facility("x", "clinic", "v0", 4))}
    kinds = {kind: (DAY, kind in partial) for kind in ("public_toilet", "cultural_venue", "clinic")}
    if said:
        layers["claims"] = claims(*[("v0", name, value, "2018-01-01") for name, value in said.items()])
    ws = workspace(layers, facilities=source("facilities", kinds=kinds))
    table = cover(ws, policy(BOTH, TOILET, VENUE), DAY)
    return table[table["need"] == "both"].iloc[0]


@pytest.mark.parametrize(
    ("toilet", "venue", "said", "partial", "expected", "value"),
    [
        (1, 1, {}, (), "met", 2),
        (1, 0, {}, (), "gap", 1),
        (1, 0, {}, ("cultural_venue",), "unknown", 1),
        (0, 0, {}, ("cultural_venue",), "gap", 0),
        (1, 0, {"toilet": "yes", "venue": "yes"}, (), "disputed", 1),
        (1, 1, {"venue": "no"}, (), "disputed", 1),
        (0, 0, {"toilet": "yes", "venue": "yes"}, ("public_toilet", "cultural_venue"), "met", 2),
        (1, 0, {"both": "yes"}, ("cultural_venue",), "met", 1),
    ],
)
def test_all_combines_measured_and_claimed_apart(toilet, venue, said, partial, expected, value):
    found = qiyou(toilet, venue, said, partial)
    assert (found["status"], found["value"], found["threshold"]) == (expected, value, 2)


def test_all_names_what_is_missing():
    found = qiyou(1, 0, {})
    assert (found["note"], found["evidence_id"], found["evidence_layer"]) == ("缺：文化活动场所", "venue", "findings")


def test_all_of_nothing_or_itself_is_refused():
    ws = workspace({"villages": villages("甲")})
    with pytest.raises(PolicyError, match="both"):
        cover(ws, policy(BOTH), DAY)
    with pytest.raises(PolicyError, match="self"):
        cover(ws, policy(need("self", "all", {"needs": ["self"]})), DAY)


def test_all_leaves_out_parts_a_village_is_not_asked_for():
    frame = villages("甲", "乙", list_type=["poor", "none"])
    rows_ = facilities(facility("t", "public_toilet", "v0", 4), facility("u", "public_toilet", "v1", 4))
    poor = need("venue", "has", {"kind": "cultural_venue"}, scope=("poor",))
    table = cover(workspace({"villages": frame, "facilities": rows_}), policy(TOILET, poor, BOTH), DAY)
    assert status(table, "both") == ["gap", "met"]


def test_household_needs_are_shares_by_village():
    homes = layer(
        [
            {"household_id": f"h{i}", "village_id": "v0", "safe_water": flag, "geometry": at(i, 0)}
            for i, flag in enumerate([True, True, False])
        ],
        safe_water="boolean",
    )
    rule = need("water", "flag", {"field": "safe_water", "min_share": 0.6}, unit="household")
    found = cover(workspace({"villages": villages("甲"), "households": homes}), policy(rule), DAY).iloc[0]
    assert (found["unit_kind"], found["status"], round(found["value"], 3)) == ("village", "met", 0.667)


ROAD = need("road", "road", {"target": "seat", "snap_m": 500})
HARD = {"hardening__surfaces": ["asphalt", "concrete"], "hardening__snap_m": 500, "hardening__min_population": 200}


def roads(*surfaces, partial=False):
    """One road a village from west to east, the first a state road that is hardened."""
    parts = [
        full_road(f"r{i}", surface, (i * 1000, 400), (i * 1000 + 1000, 400), admin_class="S" if i == 0 else "C")
        for i, surface in enumerate(surfaces)
    ]
    layers = {"villages": villages(*"甲乙丙丁"[: len(surfaces)]), "roads": full_roads(*parts)}
    return workspace(layers, roads=source("r", partial=partial))


def test_road_needs_are_judged_by_the_hardened_core():
    table = cover(roads("asphalt", "concrete", "gravel", "concrete"), policy(ROAD, **HARD), DAY)
    assert table["status"].tolist() == ["met", "met", "gap", "gap"]
    assert table["evidence_id"].tolist()[2] == "r2"
    table = cover(roads("asphalt", "unknown", "concrete"), policy(ROAD, **HARD), DAY)
    assert table["status"].tolist() == ["met", "unknown", "unknown"]
    table = cover(roads("asphalt", "gravel", partial=True), policy(ROAD, **HARD), DAY)
    assert table["status"].tolist() == ["met", "unknown"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["concrete", "gravel", "unknown"]), min_size=4, max_size=4), st.integers(0, 3))
def test_hardening_a_road_never_lowers_coverage(surfaces, place):
    rank = {"gap": 0, "unknown": 1, "met": 2}
    better = [*surfaces[:place], "concrete", *surfaces[place + 1 :]]
    before, after = (
        cover(roads("asphalt", *held[1:]), policy(ROAD, **HARD), DAY)["status"].map(rank).tolist()
        for held in (surfaces, better)
    )
    assert all(b <= a for b, a in zip(before, after, strict=True))


def test_row_order_does_not_matter_and_inputs_stay():
    layers = {
        "villages": villages("甲", "乙", "丙"),
        "facilities": facilities(*[facility(f"f{i}", "public_toilet", f"v{i % 2}", i * 300) for i in range(6)]),
        "claims": claims(("v0", "plan", "yes", "2018-01-01"), ("v1", "plan", "no", "2018-01-01")),
    }
    ws = workspace(layers)
    copies = {name: frame.copy() for name, frame in layers.items()}
    table = cover(ws, policy(TOILET, PLAN), DAY)
    turned = workspace({name: frame.iloc[::-1].reset_index(drop=True) for name, frame in layers.items()})
    pd.testing.assert_frame_equal(table, cover(turned, policy(TOILET, PLAN), DAY))
    for name, frame in copies.items():
        pd.testing.assert_frame_equal(frame, ws.layers[name])


def test_a_policy_value_before_its_day_stops_the_work():
    rule = need("bus", "near", {"kind": "bus_stop", "max_distance_m": "@bus.max_distance_m"})
    with pytest.raises(PolicyError, match=r"bus\.max_distance_m"):
        cover(workspace({"villages": villages("甲")}), policy(rule), DAY)


@pytest.mark.real
@pytest.mark.parametrize(("metres", "lacking"), [(3000, 228), (5000, 179)])
def test_leh_habitations_far_from_a_school(real, metres, lacking):
    crs = measurement_crs(77.6, 34.2)
    habitations = gpd.read_file(real / "leh" / "leh_Habitation.zip").to_crs(crs)
    schools = gpd.read_file(real / "leh" / "leh_Facilities.zip").to_crs(crs)
    schools = schools[schools["FAC_CATEGO"] == "Education"].reset_index(drop=True)
    people = {"natural_village_id": habitations["HAB_ID"].astype(str), "name": habitations["HAB_NAME"]}
    natural = gpd.GeoDataFrame(people, geometry=habitations.geometry, crs=crs)
    held = gpd.GeoDataFrame(
        {"facility_id": schools.index.astype(str), "kind": "school", "status": "in_service"},
        geometry=schools.geometry,
        crs=crs,
    )
    ws = workspace({"natural_villages": natural, "facilities": held})
    rule = need("school", "near", {"kind": "school", "max_distance_m": metres}, unit="natural_village")
    table = cover(ws, policy(rule), DAY)
    assert len(table) == 346
    assert (table["status"] == "gap").sum() == pytest.approx(lacking, rel=0.01)
    assert set(table["status"]) == {"met", "gap"}
