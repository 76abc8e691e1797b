"""A finding explains itself: rule, figure, evidence, claim, clause."""

from datetime import date
from types import SimpleNamespace

from analysis.policy import Need, Policy
from views.explain import amount, explain

NEED = Need(
    id="public_toilet", label="公共厕所", kind="has", layer="facilities", parameters={"kind": "public_toilet"},
    strength="hard", reference="一(二)2", owner="农业事务管理局",
)  # fmt: skip
POLICY = Policy(id="p", title="行动方案", digest="d", values={}, needs=(NEED,), issued=date(2016, 11, 8))


def row(**changed: object) -> SimpleNamespace:
    values = {
        "unit_id": "1", "need": "public_toilet", "status": "gap", "measured": "no", "claimed": "unknown", "value": 0.0, "unit": "处",
        "threshold": 1.0, "strength": "hard", "rule": "has", "reference": "一(二)2", "evidence_layer": "facilities", "evidence_id": "", "note": "",
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changed})


def test_every_question_is_answered() -> None:
    answers = dict(explain(row(), POLICY))
    assert answers["规则"] == "村内须有至少 1 处在用的设施"
    assert answers["数值"] == "0 处"
    assert answers["证据"] == "在“设施”图层中未找到"
    assert answers["实测与台账"] == "实测：无　台账：不明"
    assert answers["依据"] == "《行动方案》一(二)2（必须）；责任单位：农业事务管理局"
    assert "说明" not in answers


def test_the_proving_feature_is_named() -> None:
    assert dict(explain(row(evidence_id="F7", status="met", measured="yes"), POLICY))["证据"] == "设施 F7"


def test_no_data_is_said_and_unknown_is_a_dash() -> None:
    answers = dict(explain(row(evidence_layer="", value=float("nan"), measured="unknown"), POLICY))
    assert answers["证据"] == "没有可用的数据"
    assert answers["数值"].startswith("—")


def test_amounts_read_as_people_write_them() -> None:
    assert [amount(value) for value in (3.0, 0.256, None, "6/7", float("nan"))] == ["3", "0.26", "—", "6/7", "—"]


def test_english_has_every_answer_too() -> None:
    assert [heading for heading, _ in explain(row(), POLICY, "en")] == [
        "Rule",
        "Figure",
        "Evidence",
        "Map and register",
        "Clause",
    ]
