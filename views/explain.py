"""Why a finding says what it says, in sentences: the rule, the figure, the clause, the proof, the claim."""

from typing import Any

import pandas as pd

from analysis.policy import Need, Policy
from views.labels import Language, label, number

RULES = {
    "has": ("村内须有至少 {threshold} 处在用的设施", "At least {threshold} in service in the village"),
    "near": ("距离不超过 {threshold} {unit}", "Within {threshold} {unit}"),
    "road": ("沿硬化路连通到干线", "Connected to the core by hardened road"),
    "share": ("达标比例不低于 {threshold}", "Share of at least {threshold}"),
    "flag": ("以登记为准", "As registered"),
    "all": ("所列各项全部达标", "Every item listed is met"),
}


def need_of(policy: Policy, need_id: str) -> Need | None:
    """Find a need of the policy by id."""
    return next((need for need in policy.needs if need.id == need_id), None)


def is_known(value: Any) -> bool:
    """Whether a cell holds something."""
    return value is not None and not pd.isna(value) and str(value) != ""


def amount(value: Any) -> str:
    """Write a number or text of a finding as a person reads it; unknown is a dash."""
    if not is_known(value):
        return "—"
    if isinstance(value, str):
        return value
    return number(float(value), 0 if float(value).is_integer() else 2)


def rule_sentence(need: Need | None, row: Any, language: Language = "zh") -> str:
    """Say which rule decided."""
    kind = need.kind if need else str(row.rule).split(":")[0]
    texts = RULES.get(kind, (str(row.rule), str(row.rule)))
    text = texts[0] if language == "zh" else texts[1]
    unit = row.unit if is_known(row.unit) else ""
    return text.format(threshold=amount(row.threshold), unit=unit)


def evidence_sentence(row: Any, language: Language = "zh") -> str:
    """Say which feature proves it, or that nothing was found and where was looked."""
    if not is_known(row.evidence_layer):
        return "没有可用的数据" if language == "zh" else "No data to prove it"
    layer = label("layer", row.evidence_layer, language)
    if not is_known(row.evidence_id):
        return f"在“{layer}”图层中未找到" if language == "zh" else f"Nothing found in layer “{layer}”"
    return f"{layer} {row.evidence_id}"


def clause_sentence(need: Need | None, row: Any, policy: Policy, language: Language = "zh") -> str:
    """Say which clause of which document asks for it, and how strictly."""
    strength = label("strength", row.strength, language)
    clause = row.reference if is_known(row.reference) else "—"
    owner = f"；责任单位：{need.owner}" if need and need.owner and language == "zh" else ""
    return f"《{policy.title}》{clause}（{strength}）{owner}"


def claim_sentence(row: Any, language: Language = "zh") -> str:
    """Say what the register claims beside what the map shows."""
    measured, claimed = label("answer", row.measured, language), label("answer", row.claimed, language)
    return f"实测：{measured}　台账：{claimed}" if language == "zh" else f"Map: {measured} · Register: {claimed}"


def explain(row: Any, policy: Policy, language: Language = "zh") -> list[tuple[str, str]]:
    """Explain one finding as (heading, sentence) pairs, in the order a planner asks."""
    need = need_of(policy, row.need)
    heads = (
        ("规则", "数值", "证据", "实测与台账", "依据")
        if language == "zh"
        else ("Rule", "Figure", "Evidence", "Map and register", "Clause")
    )
    unit = f" {row.unit}" if is_known(row.unit) else ""
    pairs = [
        (heads[0], rule_sentence(need, row, language)),
        (heads[1], f"{amount(row.value)}{unit}"),
        (heads[2], evidence_sentence(row, language)),
        (heads[3], claim_sentence(row, language)),
        (heads[4], clause_sentence(need, row, policy, language)),
    ]
    if is_known(row.note):
        pairs.append(("说明" if language == "zh" else "Note", str(row.note)))
    return pairs
