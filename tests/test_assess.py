"""The whole assessment: every table, what adds up, what never moves, what stays inside."""

import itertools
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio import Affine

from analysis.assess import STAGES, assess
from analysis.claims import CONTRADICTION_COLUMNS
from analysis.coverage import FINDING_COLUMNS
from analysis.housing import HOUSING_COLUMNS
from analysis.policy import Policy, Value
from analysis.setting import Setting
from layers.workspace import Workspace
from tests.drawn import DAY, claims, facility, source, workspace
from tests.drawn_county import RULES, county, county_layers

RANK = {"gap": 0, "disputed": 1, "unknown": 1, "met": 2}


def status(found, need):
    return found.findings[found.findings["need"] == need].set_index("unit_id")["status"].to_dict()


@pytest.fixture(scope="module")
def found():
    return assess(county(), RULES, DAY)


def test_every_need_is_answered(found):
    assert list(found.findings.columns) == list(FINDING_COLUMNS)
    assert status(found, "road") == {"v0": "met", "v1": "gap", "v2": "gap"}
    assert status(found, "toilet") == {"v0": "met", "v1": "disputed", "v2": "gap"}
    assert status(found, "pipe") == {"v0": "met", "v1": "met", "v2": "gap"}
    assert status(found, "plan") == {"v0": "met", "v1": "unknown", "v2": "unknown"}
    assert status(found, "bus") == {"v0": "met", "v1": "met", "v2": "gap"}
    assert status(found, "small") == {"v0": "met", "v1": "gap", "v2": "unknown"}
    assert status(found, "all") == {"v0": "met", "v1": "gap", "v2": "gap"}
    water = found.findings[found.findings["need"] == "water"]
    assert water["status"].tolist() == ["gap", "gap", "gap"]


def test_tables_have_the_contracts_columns(found):
    assert list(found.housing.columns) == list(HOUSING_COLUMNS)
    assert list(found.contradictions.columns) == list(CONTRADICTION_COLUMNS)
    assert set(found.roads) == {"candidates", "segments", "widening", "bridges", "safety"}
    assert found.natural_villages["natural_village_id"].tolist() == ["n0", "n1", "n2"]
    assert found.contradictions["need"].tolist() == ["toilet"]
    by_earth_road = found.housing["village_id"] == "v2"  # the policy gives no speed for it
    assert (found.housing["clinic_minutes"].isna() == by_earth_road).all()
    assert found.access["network_m"].notna().all()


def test_no_private_value_anywhere(found):
    for table in (found.findings, found.housing, found.access, found.contradictions, found.natural_villages):
        assert not table.astype(str).eq("张三").any(axis=None)


def test_summary_adds_up(found):
    counts = found.summary
    assert sum(entry["units"] for entry in counts["needs"]) == len(found.findings) == counts["findings"]
    assert counts["housing"]["rows"] == len(found.housing)
    assert counts["contradictions"]["rows"] == len(found.contradictions)
    assert counts["natural_villages"]["rows"] == len(found.natural_villages)
    assert counts["policy"]["digest"] == RULES.digest == found.policy_digest
    assert counts["layers"]["roads"]["digest"] == "digest-roads"
    bus = next(entry for entry in counts["needs"] if entry["need"] == "bus")
    assert bus["households"] == 12 >= bus["households_known"] >= bus["households_within"] > 0


def test_no_clock_unless_given():
    assert assess(county(), RULES, DAY).stage_seconds == {}
    ticks, heard = itertools.count(), []
    timed = assess(county(), RULES, DAY, timer=lambda: float(next(ticks)), on_stage=heard.append)
    assert timed.stage_seconds == dict.fromkeys(STAGES, 1.0)
    assert tuple(heard) == STAGES


def tables(one):
    held = [one.findings, one.coverage, one.natural_villages, one.housing, one.access, one.contradictions]
    return [table.reset_index(drop=True) for table in held]


@settings(max_examples=5, deadline=None)
@given(st.randoms())
def test_row_order_never_matters(random):
    layers = county_layers()
    turned = {}
    for name, frame in layers.items():
        order = list(range(len(frame)))
        random.shuffle(order)
        turned[name] = frame.iloc[order].reset_index(drop=True)
    for one, two in zip(
        tables(assess(workspace(layers), RULES, DAY)), tables(assess(workspace(turned), RULES, DAY)), strict=True
    ):
        key = one.columns[0]
        if "natural_village_id" in one.columns:
            one, two = (table.sort_values(key, ignore_index=True) for table in (one, two))
        pd.testing.assert_frame_equal(one, two)


def test_inputs_stay_as_they_are():
    ws = county()
    copies = {name: frame.copy() for name, frame in ws.layers.items()}
    assess(ws, RULES, DAY)
    assert set(copies) == set(ws.layers)
    for name, frame in copies.items():
        pd.testing.assert_frame_equal(frame, ws.layers[name])


@pytest.mark.parametrize("middle", ["gravel", "unknown", "earth"])
def test_hardening_a_road_never_lowers_coverage(middle):
    before, after = (assess(county(middle=kind), RULES, DAY).findings for kind in (middle, "concrete"))
    ranks = before["status"].map(RANK), after["status"].map(RANK)
    assert (before[["unit_id", "need"]] == after[["unit_id", "need"]]).all(axis=None)
    assert (ranks[0] <= ranks[1]).all()
    assert (ranks[0] < ranks[1]).any()


@pytest.mark.parametrize("kind", ["public_toilet", "bus_stop", "clinic"])
@pytest.mark.parametrize("village", ["v0", "v1", "v2"])
def test_adding_a_facility_never_makes_a_gap(kind, village):
    extra = facility("new", kind, village, 1000 * int(village[1]) + 500)
    before, after = (assess(county(extra=rows), RULES, DAY).findings for rows in ((), (extra,)))
    gaps = [set(map(tuple, t[t["status"] == "gap"][["unit_id", "need"]].to_numpy())) for t in (before, after)]
    assert gaps[1] <= gaps[0]


@pytest.mark.parametrize("name", ["roads", "facilities", "households", "natural_villages", "lines", "claims", "towns"])
def test_without_a_layer_nothing_becomes_a_gap(name):
    layers = county_layers()
    whole = assess(workspace(layers), RULES, DAY).findings
    less = assess(workspace({k: v for k, v in layers.items() if k != name}), RULES, DAY).findings
    both = whole.merge(less, on=["unit_id", "need"], suffixes=("", "_less"))
    became = both[(both["measured_less"] == "no") & (both["measured"] != "no")]
    assert became.empty


@pytest.mark.parametrize("name", ["roads", "facilities", "households", "natural_villages", "lines"])
def test_a_partial_layer_never_proves_an_absence(name):
    layers = county_layers()
    whole = assess(workspace(layers), RULES, DAY).findings
    ws = workspace(layers, **{name: source(name, partial=True)})
    part = assess(ws, RULES, DAY).findings
    both = whole.merge(part, on=["unit_id", "need"], suffixes=("", "_part"))
    assert (both["measured"] == both["measured_part"])[both["measured_part"] != "unknown"].all()
    used = {"roads": ["road", "small"], "facilities": ["toilet"], "lines": ["pipe"]}.get(name, [])
    assert (both[both["need"].isin(used)]["measured_part"] != "no").all()


def test_an_empty_workspace_is_assessed():
    found = assess(Workspace({}, county().crs, {}, (), ""), RULES, DAY)
    assert len(found.findings) == len(found.housing) == len(found.access) == len(found.contradictions) == 0
    assert found.summary["findings"] == 0


def test_claims_nobody_can_use_are_told():
    layers = county_layers()
    layers["claims"] = claims(
        ("v0", "heating", "yes", "2018-01-01"),
        ("v9", "toilet", "yes", "2018-01-01"),
        ("v0", "dangerous_houses", "1", "2018-01-01"),
    )
    told = [problem for problem in assess(workspace(layers), RULES, DAY).problems if problem.layer == "claims"]
    assert [(problem.kind, problem.subject) for problem in told] == [
        ("unused_claim", "heating"),
        ("unknown_unit", "toilet"),
    ]
    assert "v9" in told[1].message


def test_a_new_road_goes_round_a_ridge_and_is_longer_than_the_straight_line(tmp_path: Path) -> None:
    """Contract: new_km over the terrain by least cost where there is one, else straight times the detour factor."""
    heights = np.zeros((100, 100), dtype=np.float32)
    heights[20:, 48:52] = 300.0  # a wall with a way round in the north
    path = tmp_path / "dem.tif"
    shape = {"driver": "GTiff", "height": 100, "width": 100, "count": 1, "dtype": "float32", "crs": "EPSG:4547"}
    with rasterio.open(path, "w", **shape, transform=Affine(30, 0, 0, 0, -30, 3000)) as raster:
        raster.write(heights, 1)
    value = Value(date(2016, 1, 1), 9, "percent", "", unsourced=True)
    ws = Workspace({}, CRS("EPSG:4547"), {}, (), "")
    policy = Policy("p", "", "", {"road.max_grade_percent": (value,)}, ())
    setting = Setting(ws, policy, date(2018, 1, 1), dem=path)
    starts = np.array([[1215.0, 2205.0], [615.0, 615.0], [1215.0, 615.0], [0.0, -9000.0]])
    ends = np.array([[1815.0, 2205.0], [1215.0, 615.0], [1815.0, 615.0], [600.0, -9000.0]])
    round_the_end, flat, walled_in, off_the_map = setting.new_road_m(starts, ends)
    assert 660 < round_the_end < 2000
    assert flat == pytest.approx(600, abs=1)
    assert np.isnan([walled_in, off_the_map]).all()
    without = Setting(ws, Policy("p", "", "", {}, ()), date(2018, 1, 1), dem=path)
    assert np.isnan(without.new_road_m(np.array([[615.0, 615.0]]), np.array([[1215.0, 615.0]]))).all()
