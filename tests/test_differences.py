"""What changed between two assessments is named with its reason."""

import pandas as pd
import pytest

from views.differences import signed, status_changes, village_changes

BASE = {
    "unit_id": "v1", "unit_kind": "village", "town": "甲镇", "need": "clinic", "status": "met", "measured": "yes",
    "claimed": "unknown", "threshold": 1.0, "strength": "hard", "rule": "has", "reference": "一(二)2", "note": "",
}  # fmt: skip


def findings(*changes):
    return pd.DataFrame([{**BASE, **change} for change in changes])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "gap", "measured": "no"}, "data"),
        ({"status": "gap", "measured": "no", "threshold": 2.0}, "rule"),
        ({"status": "gap", "measured": "no", "reference": "三(四)1"}, "rule"),
        ({"status": "disputed", "claimed": "no"}, "claim"),
        ({"status": "unknown", "measured": "unknown"}, "data"),
    ],
)
def test_a_changed_status_has_a_reason(change, why) -> None:
    told = status_changes(findings({}), findings(change))
    assert told[["before", "after", "why"]].values.tolist() == [["met", change["status"], why]]


OLD = "设施图层（clinic）截至 2018-06-30，早于 2019-06-30"


def test_a_layer_too_old_is_the_reason_and_not_the_data() -> None:
    lost = {"status": "unknown", "measured": "unknown", "note": OLD}
    assert status_changes(findings({}), findings(lost))["why"].tolist() == ["stale"]
    assert status_changes(findings(lost), findings({}))["why"].tolist() == ["stale"]
    both = findings(lost), findings({**lost, "status": "met", "claimed": "yes"})
    assert status_changes(*both)["why"].tolist() == ["claim"], "stale on both sides explains nothing"
    known = {"status": "gap", "measured": "no", "note": OLD}
    assert status_changes(findings({}), findings(known))["why"].tolist() == ["data"], "what is known is not lost"


def test_a_whole_group_is_stale_when_its_parts_are() -> None:
    whole = {"need": "qiyou", "rule": "all"}
    before = findings({}, whole, {"need": "toilet"})
    old = {"status": "unknown", "measured": "unknown", "note": OLD}
    gone = {**whole, "status": "unknown", "measured": "unknown"}
    told = status_changes(before, findings(old, gone, {"need": "toilet"})).set_index("need")["why"]
    assert told.to_dict() == {"clinic": "stale", "qiyou": "stale"}
    mixed = findings(old, gone, {"need": "toilet", "status": "gap", "measured": "no"})
    assert status_changes(before, mixed).set_index("need")["why"].to_dict()["qiyou"] == "data"


def test_what_did_not_change_is_not_told() -> None:
    assert status_changes(findings({}), findings({"threshold": 2.0})).empty


def test_a_need_that_only_one_policy_asks_is_the_rule_and_a_new_village_is_data() -> None:
    told = status_changes(findings({}), findings({}, {"need": "toilet"}, {"unit_id": "v2"}))
    assert told[["unit_id", "need", "before", "after", "why"]].values.tolist() == [
        ["v1", "toilet", "none", "met", "rule"],
        ["v2", "clinic", "none", "met", "data"],
    ]
    assert told["town"].tolist() == ["甲镇", "甲镇"]


def rows(**changes):
    base = {"natural_village_id": "n", "town": "甲镇", "population": 200.0, "threshold": 200.0, "is_due": True, "state": "harden", "note": ""}  # fmt: skip
    return pd.DataFrame([{**base, **changes}]).astype({"is_due": "boolean"})


def test_natural_villages_tell_rule_from_data() -> None:
    lower = rows(threshold=100.0, is_due=True), rows(is_due=False)
    assert village_changes(*lower)[["before", "after", "why"]].values.tolist() == [["harden", "not_due", "rule"]]
    fewer = rows(), rows(population=199.0, is_due=False)
    assert village_changes(*fewer)["why"].tolist() == ["data"]
    built = rows(), rows(state="connected")
    assert village_changes(*built)[["after", "why"]].values.tolist() == [["connected", "data"]]
    old = rows(), rows(state="unknown", note="道路图层截至 2018-06-30，早于 2019-06-30，不能断定")
    assert village_changes(*old)[["after", "why"]].values.tolist() == [["unknown", "stale"]]
    assert village_changes(rows(is_due=False), rows(is_due=False, state="connected")).empty


def test_nobody_knows_is_not_the_same_as_not_due() -> None:
    told = village_changes(rows(is_due=None), rows(is_due=False))
    assert told["before"].tolist() == ["unknown"]


def test_differences_are_written_with_their_sign() -> None:
    assert [signed(value) for value in (312.0, -1.0, 0.0, -1200.4)] == ["+312", "−1", "±0", "−1,200"]
