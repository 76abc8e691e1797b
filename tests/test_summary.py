"""Counts that add up, whatever the findings."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.summary import COVERAGE_COLUMNS, NO_TOWN, STATUSES, WHOLE, coverage_table, summarise

rows = st.lists(
    st.tuples(
        st.sampled_from(["甲镇", "乙镇", None, ""]),
        st.sampled_from(["village", "town"]),
        st.sampled_from(["clinic", "bus"]),
        st.sampled_from(STATUSES),
        st.one_of(st.none(), st.integers(0, 50)),
    ),
    min_size=1,
    max_size=40,
)


def frame(held):
    table = pd.DataFrame(held, columns=["town", "unit_kind", "need", "status", "households"])
    table["households"] = table["households"].astype("float64")
    return table.assign(households_within=table["households"] // 2, households_known=table["households"])


@settings(max_examples=60, deadline=None)
@given(rows)
def test_towns_add_up_to_the_whole_and_ranges_hold(held):
    findings = frame(held)
    table = coverage_table(findings)
    assert list(table.columns) == list(COVERAGE_COLUMNS)
    whole, towns = table[table["town"] == WHOLE], table[table["town"] != WHOLE]
    columns = [*STATUSES, "households", "households_within", "households_known"]
    sums = towns.groupby(["unit_kind", "need"])[columns].sum().sort_index()
    expected = whole.set_index(["unit_kind", "need"])[columns].fillna(0).sort_index()
    assert (sums == expected).all(axis=None)
    assert int(whole[list(STATUSES)].to_numpy().sum()) == len(findings)
    assert ((table["low"] >= 0) & (table["low"] <= table["high"]) & (table["high"] <= 1)).all()
    counts = summarise(findings, table, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    assert sum(entry["units"] for entry in counts["needs"]) == counts["findings"] == len(findings)
    for entry in counts["needs"]:
        assert entry["units"] == sum(entry[name] for name in STATUSES)


@settings(max_examples=20, deadline=None)
@given(rows, st.randoms())
def test_row_order_does_not_matter(held, random):
    table = coverage_table(frame(held))
    random.shuffle(held)
    pd.testing.assert_frame_equal(table, coverage_table(frame(held)))


def test_low_and_high_are_the_contracts():
    held = [("甲镇", "village", "clinic", status, None) for status in ["met", "gap", "disputed", "unknown", "gap"]]
    found = coverage_table(frame(held)).iloc[0]
    assert (found["met"], found["gap"], found["low"], found["high"]) == (1, 2, 0.2, pytest.approx(0.6))
    assert pd.isna(found["households_within"])


def test_order_of_towns_and_needs():
    held = [(town, "village", need, "met", None) for town in ["乙镇", None, "甲镇"] for need in ["clinic", "bus"]]
    table = coverage_table(frame(held), ["clinic", "bus"])
    assert table["town"].unique().tolist() == [WHOLE, "乙镇", "甲镇", NO_TOWN]
    assert table["need"].tolist()[:2] == ["clinic", "bus"]


def test_nothing_is_an_empty_table():
    table = coverage_table(pd.DataFrame())
    assert (len(table), list(table.columns)) == (0, list(COVERAGE_COLUMNS))


def test_natural_villages_and_houses_are_counted_whole():
    natural = pd.DataFrame(
        {
            "is_due": pd.array([True, True, False, None], dtype="boolean"),
            "state": ["connected", "harden", "build", "unknown"],
            "population": [300.0, 250.0, 10.0, None],
        }
    )
    houses = pd.DataFrame(
        {"grade": ["C", "D"], "is_eligible": ["yes", "unknown"], "treatment": ["固", "建"], "is_isolated": ["no", "no"]}
        | {"status": ["open", "open"], "hazard": ["flood", "unknown"]}
    )
    counts = summarise(pd.DataFrame(), pd.DataFrame(), natural, houses, pd.DataFrame({"need": ["a", "a"]}))
    assert counts["natural_villages"] == {
        "rows": 4,
        "is_due": {"no": 1, "unknown": 1, "yes": 2},
        "state": {"build": 1, "connected": 1, "harden": 1, "unknown": 1},
        "due_state": {"connected": 1, "harden": 1},
        "people_due_not_connected": 250,
    }
    assert counts["housing"]["rows"] == sum(counts["housing"]["grade"].values()) == 2
    assert (counts["housing"]["in_hazard"], counts["housing"]["hazard_unknown"]) == (1, 1)
    assert counts["contradictions"] == {"rows": 2, "by_need": {"a": 2}}
