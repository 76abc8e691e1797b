"""七有 unit by unit: the status table, scope, claims, `all`, order and the laws."""

from datetime import date

import pandas as pd
import pytest

from analysis.coverage import FINDING_COLUMNS, cover
from geo.errors import PolicyError
from tests.drawn import DAY, claims, facilities, facility, need, policy, source, villages, workspace

TOILET = need("toilet", "has", {"kind": "public_toilet", "min_count": 1})
VENUE = need("venue", "has", {"kind": "cultural_venue"})
PLAN = need("plan", "flag", {})


def rows(table, *columns):
    return table[list(columns)].to_numpy().tolist()


@pytest.mark.parametrize(
    ("toilet", "partial", "claim", "status", "measured", "claimed"),
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
def test_status_table(toilet, partial, claim, status, measured, claimed):
    kind = "public_toilet" if toilet else "clinic"
    layers = {"villages": villages("甲"), "facilities": facilities(facility("f1", kind, "v0", 400))}
    if claim:
        layers["claims"] = claims(("v0", "toilet", claim, "2018-01-01"))
    ws = workspace(layers, facilities=source("facilities", partial=partial))
    found = cover(ws, policy(TOILET), DAY).iloc[0]
    assert (found["status"], found["measured"], found["claimed"]) == (status, measured, claimed)
    if measured == "unknown" and claimed != "unknown":
        assert (found["evidence_layer"], found["evidence_id"]) == ("claims", "贫困村台账")


def test_columns_and_order():
    ws = workspace({"villages": villages("甲", "乙").iloc[::-1].reset_index(drop=True)})
    table = cover(ws, policy(VENUE, TOILET), DAY)
    assert list(table.columns) == list(FINDING_COLUMNS)
    assert rows(table, "unit_id", "need") == [["v0", "venue"], ["v0", "toilet"], ["v1", "venue"], ["v1", "toilet"]]
    assert set(table["status"]) == {"unknown"}
    assert isinstance(table.index, pd.RangeIndex)
