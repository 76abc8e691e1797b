"""A finding explains itself: rule, figure, evidence, claim, clause."""

from datetime import date
from types import SimpleNamespace

from analysis.policy import Need, Policy
from views.explain import explain, figure

NEED = Need(
    id="public_toilet", label="公共厕所", kind="has", layer="facilities", parameters={"kind": "public_toilet"},
    strength="hard", reference="一(二)2", owner="农业事务管理局",
)  # fmt: skip
POLICY = Policy(id="p", title="行动方案", digest="d", values={}, needs=(NEED,), issued=date(2016, 11, 8))


def row(**changed: object) -> SimpleNamespace:
    values = {
        "unit_id": "1", "need": "public_toilet", "status": "gap", "measured": "no", "claimed": "unknown", "value": 0.0, "unit": "count",
        "threshold": 1.0, "strength": "hard", "rule": "has", "reference": "一(二)2", "evidence_layer": "facilities", "evidence_id": "", "note": "",
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changed})


def test_every_question_is_answered() -> None:
    answers = dict(explain(row(), POLICY))
    assert answers["规则"] == "村内须有至少 1 处在用的设施"
    assert answers["数值"] == "0 处"
    assert answers["证据"] == "在“设施”图层中未找到"
    assert answers["地图与台账"] == "地图：无　台账：不明"
    assert answers["依据"] == "《行动方案》一(二)2（必须）；责任单位：农业事务管理局"
    assert "说明" not in answers


def test_the_proving_feature_is_named() -> None:
    assert dict(explain(row(evidence_id="F7", status="met", measured="yes"), POLICY))["证据"] == "设施 F7"


def test_no_data_is_said_and_unknown_is_a_dash() -> None:
    answers = dict(explain(row(evidence_layer="", value=float("nan"), measured="unknown"), POLICY))
    assert answers["证据"] == "没有可用的数据"
    assert answers["数值"].startswith("—")


def test_figures_read_as_people_write_them() -> None:
    nan = float("nan")
    pairs = [(3.0, "count"), (0.256, "share"), (None, "m"), ("6/7", None), (nan, "km"), (1.256, "km"), (2745.2, "m")]
    assert [figure(value, unit, "has") for value, unit in pairs] == [
        "3 处",
        "25.6%",
        "—",
        "6/7",
        "—",
        "1.26 公里",
        "2,745 米",
    ]


def test_a_whole_group_names_the_need_that_decides() -> None:
    found = row(evidence_layer="findings", evidence_id="public_toilet", rule="all")
    assert dict(explain(found, POLICY))["证据"] == "由这一项决定：公共厕所"


def test_english_has_every_answer_too() -> None:
    assert [heading for heading, _ in explain(row(), POLICY, "en")] == [
        "Rule",
        "Figure",
        "Evidence",
        "Map and register",
        "Clause",
    ]
