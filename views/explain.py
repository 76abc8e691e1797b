"""Why a finding says what it says, in sentences: the rule, the figure, the clause, the proof, the claim."""

from typing import Any

import pandas as pd

from analysis.policy import Need, Policy
from views.labels import Language, label, number, percent

RULES = {
    "has": ("村内须有至少 {threshold}在用的设施", "At least {threshold} in service in the village"),
    "near": ("距离不超过 {threshold}（含）", "Within {threshold}, inclusive"),
    "road": ("沿硬化路连通到干线", "Connected to the core by hardened road"),
    "share": ("达标比例不低于 {threshold}（含）", "Share of at least {threshold}, inclusive"),
    "flag": ("以登记为准", "As registered"),
    "all": ("所列 {threshold}全部达标", "All of {threshold} are met"),
}


def need_of(policy: Policy, need_id: str) -> Need | None:
    """Find a need of the policy by id."""
    return next((need for need in policy.needs if need.id == need_id), None)


def is_known(value: Any) -> bool:
    """Whether a cell holds something."""
    return value is not None and not pd.isna(value) and str(value) != ""


def figure(value: Any, unit: Any, kind: str, language: Language = "zh") -> str:
    """Write a finding's figure with its unit: 0 处, 2,745 米, 85.0%, 3 项.

    >>> figure(2745.2, "m", "near"), figure(0.85, "share", "share"), figure(3.0, "count", "all")
    ('2,745 米', '85.0%', '3 项')
    """
    if not is_known(value):
        return "—"
    if isinstance(value, str):
        return value
    if unit == "share":
        return percent(float(value))
    key = "item" if unit == "count" and kind == "all" else unit
    decimals = 2 if unit == "km" else 0
    text = number(float(value), 0 if float(value).is_integer() else decimals)
    return f"{text} {label('unit', key, language)}" if is_known(unit) else text


def rule_sentence(need: Need | None, row: Any, language: Language = "zh") -> str:
    """Say which rule decided."""
    kind = need.kind if need else str(row.rule)
    texts = RULES.get(kind, (str(row.rule), str(row.rule)))
    text = texts[0] if language == "zh" else texts[1]
    return text.format(threshold=figure(row.threshold, row.unit, kind, language))


def evidence_sentence(row: Any, policy: Policy, language: Language = "zh") -> str:
    """Say which feature proves it, or that nothing was found and where was looked."""
    if not is_known(row.evidence_layer):
        return "没有可用的数据" if language == "zh" else "No data to prove it"
    if row.evidence_layer == "findings":
        names = [need.label for item in str(row.evidence_id).split(";") if (need := need_of(policy, item))]
        return ("由这一项决定：" if language == "zh" else "Decided by: ") + "、".join(names)
    layer = label("layer", row.evidence_layer, language)
    if not is_known(row.evidence_id):
        return f"在“{layer}”图层中未找到" if language == "zh" else f"Nothing found in layer “{layer}”"
    return f"{layer} {row.evidence_id}"


def claim_sentence(row: Any, language: Language = "zh") -> str:
    """Say what the register claims beside what the map shows."""
    measured, claimed = label("answer", row.measured, language), label("answer", row.claimed, language)
    return f"地图：{measured}　台账：{claimed}" if language == "zh" else f"Map: {measured} · Register: {claimed}"


def clause_sentence(need: Need | None, row: Any, policy: Policy, language: Language = "zh") -> str:
    """Say which clause of which document asks for it, and how strictly."""
    strength = label("strength", row.strength, language)
    clause = row.reference if is_known(row.reference) else "—"
    owner = f"；责任单位：{need.owner}" if need and need.owner and language == "zh" else ""
    return f"《{policy.title}》{clause}（{strength}）{owner}"


def explain(row: Any, policy: Policy, language: Language = "zh") -> list[tuple[str, str]]:
    """Explain one finding as (heading, sentence) pairs, in the order a planner asks."""
    need = need_of(policy, row.need)
    heads = (
        ("规则", "数值", "证据", "地图与台账", "依据")
        if language == "zh"
        else ("Rule", "Figure", "Evidence", "Map and register", "Clause")
    )
    pairs = [
        (heads[0], rule_sentence(need, row, language)),
        (heads[1], figure(row.value, row.unit, need.kind if need else str(row.rule), language)),
        (heads[2], evidence_sentence(row, policy, language)),
        (heads[3], claim_sentence(row, language)),
        (heads[4], clause_sentence(need, row, policy, language)),
    ]
    if is_known(row.note):
        pairs.append(("说明" if language == "zh" else "Note", str(row.note)))
    return pairs
