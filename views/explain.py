"""Why a finding says what it says, in sentences: the rule, the figure, the clause, the proof, the claim."""

from typing import Any

import pandas as pd

from analysis.policy import Need, Policy
from views.labels import Language, label, number, percent, say


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
    text = say(language, f"rule_{kind}", threshold=figure(row.threshold, row.unit, kind, language))
    return kind if text == f"rule_{kind}" else text


def threshold_text(row: Any, kind: str, language: Language = "zh") -> str:
    """Write what a need asks for beside the figure: ≥ 1 处, ≤ 2,000 米, ≥ 95.0%; nothing asked in numbers is a dash.

    >>> from types import SimpleNamespace
    >>> threshold_text(SimpleNamespace(threshold=2000.0, unit="m"), "near")
    '≤ 2,000 米'
    """
    if not is_known(row.threshold):
        return "—"
    sign = "≤" if kind in {"near", "road"} else "≥"
    return f"{sign} {figure(row.threshold, row.unit, kind, language)}"


def evidence_sentence(row: Any, policy: Policy, language: Language = "zh") -> str:
    """Say which feature proves it, or that nothing was found and where was looked."""
    if not is_known(row.evidence_layer):
        return say(language, "evidence_none")
    if row.evidence_layer == "findings":
        names = [need.label for item in str(row.evidence_id).split(";") if (need := need_of(policy, item))]
        return say(language, "evidence_decided", needs="、".join(names))
    layer = label("layer", row.evidence_layer, language)
    if not is_known(row.evidence_id):
        return say(language, "evidence_nothing", layer=layer)
    need = need_of(policy, str(row.evidence_id)) if row.evidence_layer == "claims" else None
    return f"{layer} {need.label if need else row.evidence_id}"


def claim_sentence(row: Any, language: Language = "zh") -> str:
    """Say what the register claims beside what the map shows."""
    measured, claimed = label("answer", row.measured, language), label("answer", row.claimed, language)
    return say(language, "claim_and_map", measured=measured, claimed=claimed)


def clause_sentence(need: Need | None, row: Any, policy: Policy, language: Language = "zh") -> str:
    """Say which clause of which document asks for it, and how strictly."""
    strength = label("strength", row.strength, language)
    clause = row.reference if is_known(row.reference) else "—"
    owner = say(language, "clause_owner", owner=need.owner) if need and need.owner else ""
    return say(language, "clause", policy=policy.title, clause=clause, strength=strength) + owner


def explain(row: Any, policy: Policy, language: Language = "zh") -> list[tuple[str, str]]:
    """Explain one finding as (heading, sentence) pairs, in the order a planner asks."""
    need = need_of(policy, row.need)
    heads = [say(language, f"why_{key}_head") for key in ("rule", "figure", "evidence", "claim", "clause")]
    pairs = [
        (heads[0], rule_sentence(need, row, language)),
        (heads[1], figure(row.value, row.unit, need.kind if need else str(row.rule), language)),
        (heads[2], evidence_sentence(row, policy, language)),
        (heads[3], claim_sentence(row, language)),
        (heads[4], clause_sentence(need, row, policy, language)),
    ]
    if is_known(row.note):
        pairs.append((label("field", "note", language), str(row.note)))
    return pairs
