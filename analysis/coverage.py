"""七有 and every other need, unit by unit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.answers import NO, UNKNOWN, YES, Context, three_way
from analysis.policy import Need, Policy, resolve
from analysis.policy_format import RuleKind
from analysis.register import claimed_for, latest_claims
from analysis.rules import all_of, measure
from analysis.setting import Setting
from analysis.units import Units
from geo.errors import PolicyError
from layers.workspace import Workspace

MET, GAP, DISPUTED = "met", "gap", "disputed"
STATUSES = (MET, GAP, DISPUTED, UNKNOWN)
FINDING_COLUMNS = (
    *("unit_id", "unit_kind", "town", "need", "status", "measured", "claimed", "value", "unit", "threshold"),
    *("strength", "rule", "reference", "evidence_layer", "evidence_id", "note"),
)
REACH_COLUMNS = ("distance_m", "households_within", "households_known", "households")
_ORDER = "order"
Texts = npt.NDArray[Any]


def judge(measured: Texts, claimed: Texts) -> Texts:
    """Give the status of each finding from what was measured and what a register claims (contract's table).

    Examples
    --------
    >>> words = ["yes", "no", "unknown"]
    >>> pairs = [(m, c) for m in words for c in words]
    >>> measured, claimed = (np.array(side, dtype=object) for side in zip(*pairs))
    >>> judge(measured, claimed).reshape(3, 3).tolist()
    [['met', 'disputed', 'met'], ['disputed', 'gap', 'gap'], ['met', 'gap', 'unknown']]
    """
    said = np.where(measured == UNKNOWN, claimed, measured)
    result = np.full(len(said), UNKNOWN, dtype=object)
    result[said == YES], result[said == NO] = MET, GAP
    result[(measured != UNKNOWN) & (claimed != UNKNOWN) & (measured != claimed)] = DISPUTED
    return result


def cover(
    ws: Workspace, policy: Policy, day: date, *, max_age_days: int = 0, context: Context | None = None
) -> pd.DataFrame:
    """Judge every need of a policy for every unit in its scope.

    Parameters
    ----------
    ws
        The layers, in metres.
    day
        The day the policy's values and the registers are read for.
    max_age_days
        How old a layer may be for its absences to count (inclusive); ignored when a `context` is given.
    context
        What the rules may ask of the roads and the terrain; made here when missing.

    Returns
    -------
    DataFrame
        The contract's columns, sorted by unit_kind, unit_id and the order of needs in the policy. A unit outside a
        need's scope has no row; a village whose list is unknown keeps its row and a note.

    Raises
    ------
    PolicyError
        The policy has no value on the day, or asks for something the layers cannot hold.

    Examples
    --------
    >>> from pyproj import CRS
    >>> villages = pd.DataFrame({"village_id": ["v1"], "name": ["甲"], "town": ["乙镇"]})
    >>> ws = Workspace({"villages": villages}, CRS("EPSG:4547"), {}, (), "")
    >>> need = Need("clinic", "卫生站", "has", "facilities", {"kind": "clinic"}, "hard", "三(四)2")
    >>> cover(ws, Policy("p", "", "", {}, (need,)), date(2018, 1, 1))[["unit_id", "status", "note"]].values.tolist()
    [['v1', 'unknown', '没有设施图层']]
    """
    context = context or Setting(ws, policy, day, max_age_days=max_age_days).context()
    return cover_with_reach(ws, policy, day, context)[list(FINDING_COLUMNS)]


def cover_with_reach(ws: Workspace, policy: Policy, day: date, context: Context) -> pd.DataFrame:
    """Judge as `cover` does, and keep for each finding its distance and the households within reach."""
    claims = latest_claims(ws, day)
    labels = need_labels(policy)
    done: dict[str, pd.DataFrame] = {}
    for asked in _parts_first(policy.needs):
        need, parameters = _by_village(asked, resolve(policy, asked.parameters, day))
        units = _due(_in_scope(context.units(ws, need.unit), need, context), need, parameters, context)
        said = claimed_for(need, parameters, claims, units.frame["unit_id"])
        if need.kind == "all":
            done[need.id] = _whole(units, need, [done[part] for part in parameters["needs"]], said, labels)
        else:
            done[need.id] = _finding(units, need, measure(need.kind, units, ws, parameters, context), said)
    place = {need.id: number for number, need in enumerate(policy.needs)}
    return _sorted([done[need.id].assign(**{_ORDER: place[need.id]}) for need in policy.needs])


def _parts_first(needs: Sequence[Need]) -> list[Need]:
    """Order needs so that those an `all` is made of come before it."""
    waiting = list(needs)
    ordered: dict[str, Need] = {}
    while waiting:
        ready = [need for need in waiting if need.kind != "all" or set(need.parameters["needs"]) <= set(ordered)]
        if not ready:
            names = "、".join(need.id for need in waiting)
            raise PolicyError(f"政策条目 {names} 由不存在的条目或由自己组成；请改正 parameters.needs")
        ordered |= {need.id: need for need in ready}
        waiting = [need for need in waiting if need.id not in ordered]
    return list(ordered.values())


def _by_village(need: Need, parameters: dict[str, Any]) -> tuple[Need, dict[str, Any]]:
    """Ask a need of households as a share by village: single households are never listed as findings."""
    if need.unit != "household":
        return need, parameters
    kind: RuleKind = "share" if need.kind == "flag" else need.kind
    return replace(need, unit="village", kind=kind), {**parameters, "of": "households"}


def _due(units: Units, need: Need, parameters: Mapping[str, Any], context: Context) -> Units:
    """Leave out natural villages that are too small for a road of their own; an unknown size stays."""
    is_theirs = need.kind == "road" and parameters.get("target") == "natural_villages"
    if units.kind != "natural_village" or not is_theirs or context.road_states is None:
        return units
    due = three_way(context.road_states(units, parameters.get("snap_m"))["is_due"])
    return _keep(units, due != 0)


def _keep(units: Units, mask: Texts) -> Units:
    frame = units.frame[mask].reset_index(drop=True)
    return replace(units, frame=frame, points=units.points[mask], shapes=units.shapes[mask])


def _in_scope(units: Units, need: Need, context: Context) -> Units:
    """Keep the units of the lists a need is for; a unit whose list nobody knows stays."""
    if not need.scope or units.kind not in ("village", "natural_village"):
        return units
    key = ("scope", units.kind, need.scope)
    if key not in context.memo:
        kinds = units.frame["list_type"]
        context.memo[key] = _keep(units, (kinds.isin(need.scope) | kinds.isna()).to_numpy())
    held: Units = context.memo[key]
    return held


def _finding(units: Units, need: Need, measured: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    status = judge(measured["measured"].to_numpy(dtype=object), said["claimed"].to_numpy(dtype=object))
    by_claim = ((measured["measured"] == UNKNOWN) & (said["claimed"] != UNKNOWN)).to_numpy()
    return pd.DataFrame(
        {
            "unit_id": units.frame["unit_id"].astype("str"),
            "unit_kind": units.kind,
            "town": units.frame["town"].astype("str"),
            "need": need.id,
            "status": status,
            "measured": measured["measured"],
            "claimed": said["claimed"],
            "value": np.where(by_claim & measured["value"].isna(), said["amount"], measured["value"]),
            "unit": measured["unit"],
            "threshold": measured["threshold"],
            "strength": need.strength,
            "rule": need.kind,
            "reference": need.reference,
            "evidence_layer": measured["evidence_layer"].mask(by_claim, "claims"),
            "evidence_id": measured["evidence_id"].mask(by_claim & (said["source"] != ""), said["source"]),
            "note": _notes(units, need, measured, said, status == DISPUTED),
            **{name: measured[name] for name in REACH_COLUMNS},
        }
    )


def _notes(units: Units, need: Need, measured: pd.DataFrame, said: pd.DataFrame, is_disputed: Texts) -> Texts:
    notes: Texts = measured["note"].to_numpy(dtype=object).copy()
    who = said["source"] + np.where(said["by"] == "", "", "（" + said["by"] + "）") + " " + said["day"]
    told = ((said["claimed"] != UNKNOWN) & (who.str.strip() != "")).to_numpy()
    verb = np.where(said["claimed"] == YES, "说有", "说没有")
    _add(
        notes,
        told & (is_disputed | (measured["measured"] == UNKNOWN).to_numpy()),
        "台账 " + who.str.strip() + " " + verb,
    )
    _add(notes, (said["note"] != "").to_numpy(), said["note"])
    if need.scope and units.kind in ("village", "natural_village"):
        unlisted = units.frame["list_type"].isna().to_numpy()
        _add(notes, unlisted, pd.Series("名单类型不明，按在范围内列出", index=said.index))
    return notes


def _add(notes: Texts, mask: Texts, sentences: pd.Series) -> None:
    new = sentences.to_numpy(dtype=object)[mask]
    notes[mask] = np.where(notes[mask] == "", new, notes[mask] + "；" + new)


def _whole(
    units: Units, need: Need, parts: Sequence[pd.DataFrame], said: pd.DataFrame, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Combine the findings of the parts; a part that a unit is not asked for does not count."""
    ids = units.frame["unit_id"]
    mine = [part.drop_duplicates("unit_id").set_index("unit_id").reindex(ids) for part in parts]
    asked = [part["status"].notna().to_numpy() for part in mine]
    answers = {
        side: all_of([np.where(known, part[side].fillna(YES), YES) for part, known in zip(mine, asked, strict=True)])
        for side in ("measured", "claimed")
    }
    nothing = ~np.any(asked, axis=0)
    measured = np.where(nothing, UNKNOWN, answers["measured"])
    claimed = np.where(nothing | (answers["claimed"] == UNKNOWN), said["claimed"], answers["claimed"])
    met = np.sum([(part["status"] == MET).to_numpy() for part in mine], axis=0)
    table = pd.DataFrame(
        {
            "measured": measured,
            "value": met.astype(np.float64),
            "unit": "count",
            "threshold": np.sum(asked, axis=0).astype(np.float64),
            "evidence_layer": "findings",
            "evidence_id": "",
            "note": "",
            **dict.fromkeys(REACH_COLUMNS, np.nan),
        }
    )
    names = [(str(part["need"].dropna().iloc[0]) if part["need"].notna().any() else "") for part in mine]
    for status, words in ((GAP, "缺"), (DISPUTED, "有争议"), (UNKNOWN, "不明")):
        hits = [(part["status"] == status).to_numpy() for part in mine]
        table["note"] = _listed(table["note"], hits, [labels.get(name, name) for name in names], words)
    for part, name in zip(reversed(mine), reversed(names), strict=True):
        table["evidence_id"] = table["evidence_id"].mask((part["status"] == GAP).to_numpy(), name)
    return _finding(units, need, table, said.assign(claimed=claimed))


def _listed(notes: pd.Series, hits: Sequence[Texts], names: Sequence[str], words: str) -> Texts:
    listed = np.full(len(notes), "", dtype=object)
    for hit, name in zip(hits, names, strict=True):
        listed[hit] = np.where(listed[hit] == "", name, listed[hit] + "、" + name)
    result: Texts = notes.to_numpy(dtype=object).copy()
    _add(result, listed != "", pd.Series(words + "：" + listed, dtype="object"))
    return result


def _sorted(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = [*FINDING_COLUMNS, *REACH_COLUMNS]
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values(["unit_kind", "unit_id", _ORDER], kind="stable", ignore_index=True)
    return table[columns]


def need_labels(policy: Policy) -> Mapping[str, str]:
    """Give the Chinese name of every need.

    Examples
    --------
    >>> need_labels(Policy("p", "", "", {}, (Need("clinic", "卫生站", "has", "facilities", {}, "hard", ""),)))
    {'clinic': '卫生站'}
    """
    return {need.id: need.label for need in policy.needs}
