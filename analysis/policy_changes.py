"""What differs between two sets of rules, and an old period scored under both."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from analysis.policy import Need, Policy, Target, value_on
from analysis.progress import progress

CHANGE_COLUMNS = ("kind", "key", "label", "old", "new", "since", "reference")
TARGET_COLUMNS = (
    *("target_id", "label", "unit", "old_due", "new_due", "old_target", "new_target", "old_actual", "new_actual"),
    *("old_status", "new_status", "is_changed", "reason"),
)
NEED_COLUMNS = (
    "need",
    "label",
    "old_met",
    "new_met",
    "old_gap",
    "new_gap",
    "old_unknown",
    "new_unknown",
    "is_changed",
    "reason",
)
_EARLIEST = date(1949, 10, 1)


def in_force(policy: Policy, day: date) -> Policy:
    """Return a policy with the values in force on a day, as if they had always held: the rules of that day.

    A parameter without a value on the day keeps its dated values.

    Examples
    --------
    >>> from analysis.policy import load_policy, amount
    >>> rules = in_force(load_policy("policies/zhanjiang-edz-2016.toml"), date(2018, 1, 1))
    >>> amount(rules, "hardening.min_population", date(2000, 1, 1))
    200
    """
    values = {}
    for key, dated in policy.values.items():
        held = value_on(policy, key, day)
        values[key] = dated if held is None else (replace(held, since=_EARLIEST),)
    return replace(policy, values=values, digest=f"{policy.digest}@{day.isoformat()}")


def policy_changes(old: Policy, new: Policy, *, old_day: date, new_day: date) -> pd.DataFrame:
    """List what differs between the rules of one day and those of another.

    Parameters
    ----------
    old, new
        Two versions of a policy; the same twice asks only for dated values that changed.
    old_day, new_day
        The days on which each is in force.

    Returns
    -------
    DataFrame
        One row per difference, columns `CHANGE_COLUMNS`: `kind` is parameter, target or need; `old` and `new` are texts, ""
        where it is not in that version; `since` and `reference` are those of the new rule.

    Examples
    --------
    >>> from analysis.policy import load_policy
    >>> policy = load_policy("policies/renhua-2016.toml")
    >>> len(policy_changes(policy, policy, old_day=date(2018, 1, 1), new_day=date(2018, 12, 31)))
    0
    """
    rows = [
        *_parameter_changes(old, new, old_day, new_day),
        *_listed_changes("target", {t.id: t for t in old.targets}, {t.id: t for t in new.targets}, _said_target),
        *_listed_changes("need", {n.id: n for n in old.needs}, {n.id: n for n in new.needs}, _said_need),
    ]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS)).astype("str")


def rescored_targets(
    old: Policy, new: Policy, day: date, old_seen: pd.DataFrame, new_seen: pd.DataFrame, changes: pd.DataFrame
) -> pd.DataFrame:
    """Score every target on a day under the old rules and under the new, side by side.

    Parameters
    ----------
    old_seen, new_seen
        Observations (see `progress`) as each set of rules counts them.
    changes
        From `policy_changes`; the reason of a row is taken from it.

    Returns
    -------
    DataFrame
        One row per target of either, columns `TARGET_COLUMNS`. A target that only one of them has is blank on the other
        side, never 0.
    """
    left, right = (
        progress(policy, day, seen).set_index("target_id", drop=False)
        for policy, seen in ((old, old_seen), (new, new_seen))
    )
    measures = {target.id: target.need for target in (*old.targets, *new.targets)}
    rows = []
    for key in dict.fromkeys([*left.index, *right.index]):
        one, two = (dict(side.loc[key]) if key in side.index else {} for side in (left, right))
        known = two or one
        pairs = [(one.get(name), two.get(name)) for name in ("due", "target", "actual", "status")]
        (due, due2), (goal, goal2), (value, value2), (state, state2) = pairs
        is_changed = any(not _same(before, after) for before, after in pairs)
        why = _reason(changes, {key, measures.get(key, "")}) if is_changed else ""
        rows.append(
            (key, known["label"], known["unit"], due, due2, goal, goal2, value, value2, state, state2, is_changed, why)
        )
    return pd.DataFrame(rows, columns=list(TARGET_COLUMNS))


def rescored_needs(
    old: Policy, new: Policy, old_findings: pd.DataFrame, new_findings: pd.DataFrame, changes: pd.DataFrame
) -> pd.DataFrame:
    """Count every need under the old rules and under the new, side by side; `unknown` holds the disputed too.

    Returns
    -------
    DataFrame
        One row per need of either, columns `NEED_COLUMNS`; blank where a side does not ask for the need.
    """
    counted = [_counted(frame) for frame in (old_findings, new_findings)]
    parameters = {need.id: need.parameters for need in (*old.needs, *new.needs)}
    labels = {need.id: need.label for need in (*old.needs, *new.needs)}
    rows = []
    for key in labels:
        one, two = (side.get(key, (None, None, None)) for side in counted)
        is_changed = one != two
        keys = {key, *_keys_used(parameters[key])}
        why = _reason(changes, keys) if is_changed else ""
        rows.append((key, labels[key], *(x for pair in zip(one, two, strict=True) for x in pair), is_changed, why))
    frame = pd.DataFrame(rows, columns=list(NEED_COLUMNS))
    counts = [name for name in NEED_COLUMNS if name.startswith(("old_", "new_"))]
    return frame.astype(dict.fromkeys(counts, "float64"))


def _counted(findings: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    table = findings.groupby(["need", "status"]).size().unstack(fill_value=0)
    found = {}
    for need, row in table.iterrows():
        met, gap = int(row.get("met", 0)), int(row.get("gap", 0))
        found[str(need)] = (met, gap, int(row.sum()) - met - gap)
    return found


def _parameter_changes(old: Policy, new: Policy, old_day: date, new_day: date) -> list[tuple[str, ...]]:
    rows = []
    for key in dict.fromkeys([*old.values, *new.values]):
        before, after = value_on(old, key, old_day), value_on(new, key, new_day)
        texts = ["" if value is None else f"{_plain(value.amount)} {value.unit}".strip() for value in (before, after)]
        if texts[0] != texts[1]:
            label = new.labels.get(key) or old.labels.get(key, key)
            since = "" if after is None else after.since.isoformat()
            rows.append(("parameter", key, label, *texts, since, "" if after is None else after.reference))
    return rows


def _listed_changes(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], said: Any) -> list[tuple[str, ...]]:
    """Name every target or need that differs, by the parts that do; "有" stands for one that the other side has not."""
    rows = []
    for key in dict.fromkeys([*old, *new]):
        one, two = (said(side[key]) if key in side else None for side in (old, new))
        if one == two:
            continue
        item = new[key] if key in new else old[key]
        both = {**(one or {}), **(two or {})}
        parts = [name for name in both if (one or {}).get(name) != (two or {}).get(name)]
        texts = ["" if side is None else _parts(side, parts) if one and two else "有" for side in (one, two)]
        rows.append((kind, key, item.label, *texts, "", item.reference if key in new else ""))
    return rows


def _parts(said: Mapping[str, str], names: list[str]) -> str:
    return "；".join(f"{name} {said[name]}" for name in names if name in said) or "—"


def _said_target(target: Target) -> dict[str, str]:
    value = f"{target.value:.4g}" if target.unit != "share" else f"{target.value * 100:.4g}%"
    bound = "不少于" if target.bound == "at_least" else "不多于"
    return {"期限": target.day.isoformat(), "目标值": f"{bound} {value}", "单位": target.unit, "力度": target.strength}


def _said_need(need: Need) -> dict[str, str]:
    own = {
        "规则": need.kind,
        "图层": need.layer,
        "单元": need.unit,
        "范围": "、".join(need.scope) or "全部",
        "力度": need.strength,
    }
    return {**own, **{key: _plain(value) for key, value in need.parameters.items()}}


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "、".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _keys_used(part: Any) -> set[str]:
    """Return the policy parameters that the parameters of a need name ("@key")."""
    if isinstance(part, str):
        return {part[1:]} if part.startswith("@") else set()
    items = part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
    return set().union(*(_keys_used(item) for item in items))


def _reason(changes: pd.DataFrame, keys: set[str]) -> str:
    own = changes[changes["key"].isin(keys)]
    rows = own if len(own) else changes[changes["kind"] == "parameter"]
    texts = [
        f"{row.label}：{row.old or '没有'} → {row.new or '取消'}" + (f"（{row.reference}）" if row.reference else "")
        for row in rows.itertuples()
    ]
    return "；".join(texts)


def _same(before: Any, after: Any) -> bool:
    is_blank = [value is None or value != value for value in (before, after)]
    return all(is_blank) or (not any(is_blank) and before == after)
