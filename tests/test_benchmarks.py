"""The script a user would write gives the answers of `assess`: an independent check of the whole analysis.

Where the two node the roads differently (ends moved by up to the tolerance), kilometres may differ by metres, and a
place between two roads may be given the other one; everything else must be the same.
"""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks import kernels, naive, stages
from cli import cli

TEXT = (
    "segment_ids",
    "segment_roads",
    "unit_id",
    "household_id",
    "natural_village_id",
    "village_id",
    "facility_id",
    "claimed",
    "measured",
)

DETOUR = 1.3
CELL_KM = 0.045  # a terrain cell across, from its corner to the middle


def read(folder, name):
    frame = pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(TEXT, "object"), encoding="utf-8-sig")
    for column in frame.columns:
        if frame[column].dtype != np.float64:
            frame[column] = frame[column].astype("object").fillna("").astype(str)
    return frame


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    done = CliRunner().invoke(cli, ["demo", "--size", "tiny", "--seed", "2", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder / "office"


@pytest.fixture(scope="module")
def both(office, tmp_path_factory):
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    done = CliRunner().invoke(cli, ["assess", str(office), "--out", str(ours)])
    assert done.exit_code == 0, done.output
    naive.run(office, theirs)

    def pair(name, *keys):
        left, right = read(ours, name), read(theirs, name)
        merged = left.merge(right, on=list(keys), suffixes=("", "_theirs"), how="outer", indicator=True)
        assert (merged["_merge"] == "both").all()
        assert len(merged) == len(left) == len(right) > 0
        return merged

    return pair


def apart(table, column):
    """Difference of a number; a number against a blank counts as infinite."""
    one, two = (pd.to_numeric(table[name]).to_numpy(np.float64) for name in (column, f"{column}_theirs"))
    return np.where(np.isnan(one) & np.isnan(two), 0.0, np.nan_to_num(np.abs(one - two), nan=np.inf))


def test_every_finding_is_the_same(both):
    table = both("findings", "unit_id", "unit_kind", "need")
    for column in ("status", "measured", "claimed", "town"):
        assert table[column].tolist() == table[f"{column}_theirs"].tolist(), column
    assert set(table["status"]) >= {"met", "gap", "disputed"}
    by_road = table["rule"] == "road"
    assert apart(table[~by_road], "value").max() < 1e-3
    assert apart(table[by_road], "value").max() < 0.05


def test_coverage_adds_up_to_the_same_counts_and_households(both):
    table = both("coverage", "town", "unit_kind", "need")
    for column in ("met", "gap", "disputed", "unknown", "low", "high", "households_within", "households"):
        assert apart(table, column).max() < 1e-6, column
    assert pd.to_numeric(table["households_within"]).max() > 0


def test_natural_villages_have_the_same_state_gap_and_roads(both):
    table = both("natural_villages", "natural_village_id")
    for column in ("village_id", "town", "is_due", "state"):
        assert table[column].tolist() == table[f"{column}_theirs"].tolist(), column
    for column in ("road_distance_m", "hardened_distance_m"):
        assert apart(table, column).max() < 1e-6, column
    assert apart(table, "gap_km").max() < 0.02
    ours, theirs = (pd.to_numeric(table[name]).to_numpy(np.float64) for name in ("new_km", "new_km_theirs"))
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    ours, theirs = np.nan_to_num(ours), np.nan_to_num(theirs)
    assert ((ours > 0) == (theirs > 0)).all()
    assert (ours > 0).any()
    straight = theirs / DETOUR  # they multiply the straight line; ours is laid over the terrain and cannot be shorter
    assert (ours >= straight - CELL_KM).all()
    assert (ours <= theirs * 4 + CELL_KM).all()
    needed = table["segment_ids"].map(lambda text: {part.split("#")[0] for part in text.split(";") if part})
    theirs = table["segment_roads"].map(lambda text: {part for part in text.split(";") if part})
    assert (needed == theirs).mean() > 0.97
    assert (needed.map(len) > 0).any()


def test_ways_to_services_agree_within_the_noding(both):
    table = both("access", "unit_id", "unit_kind", "service")
    assert apart(table, "straight_m").max() <= 0.0005 + 1e-9
    assert (table["facility_id"] == table["facility_id_theirs"]).mean() > 0.995
    far = pd.to_numeric(table["network_m"]).fillna(0).to_numpy(np.float64)
    assert (apart(table, "network_m") <= np.maximum(5.0, 0.01 * far)).mean() > 0.995
    assert (apart(table, "minutes") <= 0.5).mean() > 0.99


def test_dangerous_houses_are_judged_the_same(both):
    table = both("housing", "household_id")
    for column in ("village_id", "is_eligible", "clause", "treatment", "hazard", "is_isolated", "status"):
        assert table[column].tolist() == table[f"{column}_theirs"].tolist(), column
    assert apart(table, "road_distance_m").max() <= 0.0005 + 1e-9
    assert (apart(table, "clinic_minutes") <= 0.5).mean() > 0.98


def test_the_same_contradictions_are_found(both):
    table = both("contradictions", "unit_id", "need")
    assert "location" in set(table["need"])
    assert apart(table, "distance_m").max() <= 0.001


def test_a_measurement_names_its_stages_and_stays_in_this_process(office):
    report = stages.ours(office, passes=1)
    assert set(report) >= {"open", "assess", "write", "stages", "total", "peak_mb"}
    assert report["stages"].keys() >= {"roads", "coverage", "access", "housing"}
    assert json.loads(json.dumps(report)) == report
    assert 0 < report["assess"] <= report["total"]


def test_every_kernel_gives_the_answer_of_the_library_call_it_is_measured_against(office):
    report = kernels.measure(office)
    assert set(report) >= {
        "households_in_villages",
        "nearest_point",
        "nearest_line",
        "noding",
        "network_access",
        "zonal",
    }
    assert report["zonal"]["share_apart"] < 1e-6
    pieces = report["noding"]["connected_pieces"]
    assert pieces["ours"] < pieces["union_all"]
