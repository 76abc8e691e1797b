"""What the registers say against what the map shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely

from analysis.answers import NO, YES
from analysis.features import ID_OF, known
from analysis.policy import Policy, value_on
from analysis.register import latest_claims
from analysis.units import COUNTY, Units, geometries, make_units, members, points_of
from layers.workspace import Workspace

CONTRADICTION_COLUMNS = ("unit_id", "need", "claimed", "measured", "people", "distance_m", "why", "rank")
MARGIN = 0.05
_KEPT = CONTRADICTION_COLUMNS[:-1]


def contradictions(ws: Workspace, policy: Policy, day: date, findings: pd.DataFrame) -> pd.DataFrame:
    """List claims the map contradicts, counts that cannot both be true, and households outside their village.

    Parameters
    ----------
    findings
        As `coverage.cover` (distances are given where it kept them).

    Returns
    -------
    DataFrame
        Columns `CONTRADICTION_COLUMNS`, by people affected (most first, unknown last), then distance, unit and need.
        `need` is the policy's need, or "counts", "location" (a household's place) or "hardened" (a road's surface).
        Whole needs ("all") are listed only where none of their parts is.

    Examples
    --------
    >>> from pyproj import CRS
    >>> villages = pd.DataFrame({"village_id": ["v1"], "name": ["甲"], "town": ["乙镇"], "households": [1.0]})
    >>> houses = pd.DataFrame({"household_id": ["1", "2"], "village_id": ["v1", "v1"], "housing_grade": ["C", "D"]})
    >>> ws = Workspace({"villages": villages, "households": houses}, CRS("EPSG:4547"), {}, (), "")
    >>> none = pd.DataFrame(columns=["unit_id", "unit_kind", "need", "status", "rule", "measured", "claimed", "note"])
    >>> contradictions(ws, Policy("", "", "", {}, ()), date(2018, 1, 1), none)["why"].tolist()[0]
    '危房 2 户，多于全村 1 户'
    """
    parts = [
        _disputes(ws, policy, findings),
        _impossible(ws, day),
        _astray(ws),
        _surfaces(ws, policy, day),
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in CONTRADICTION_COLUMNS})
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values(
        ["people", "distance_m", "unit_id", "need", "why"], ascending=[False, False, True, True, True], kind="stable"
    )
    table = table.reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    return table[list(CONTRADICTION_COLUMNS)]


def _rows(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)[list(_KEPT)]


def _disputes(ws: Workspace, policy: Policy, findings: pd.DataFrame) -> pd.DataFrame:
    held = findings[findings["status"] == "disputed"]
    if not len(held):
        return pd.DataFrame(columns=list(_KEPT))
    parts = {need.id: list(need.parameters["needs"]) for need in policy.needs if need.kind == "all"}
    simple = set(zip(held["unit_id"], held["need"], strict=True))
    told = [
        rule == "all" and any((unit, part) in simple for part in parts.get(need, []))
        for unit, need, rule in zip(held["unit_id"], held["need"], held["rule"], strict=True)
    ]
    held = held[~np.array(told, dtype=bool)]
    people = _people(ws, held)
    labels = {need.id: need.label for need in policy.needs}
    verb = {YES: "有", NO: "没有"}
    why = [
        f"{labels.get(need, need)}：台账说{verb[claimed]}，图上{verb[measured]}" + (f"（{note}）" if note else "")
        for need, claimed, measured, note in zip(
            held["need"], held["claimed"], held["measured"], held["note"], strict=True
        )
    ]
    distance = held["distance_m"].to_numpy(dtype=np.float64) if "distance_m" in held else np.nan
    return _rows(
        unit_id=held["unit_id"].to_numpy(),
        need=held["need"].to_numpy(),
        claimed=held["claimed"].to_numpy(),
        measured=held["measured"].to_numpy(),
        people=people,
        distance_m=distance,
        why=why,
    )


def _people(ws: Workspace, held: pd.DataFrame) -> Any:
    people = np.full(len(held), np.nan)
    for kind in held["unit_kind"].unique():
        if kind == COUNTY:
            continue
        frame = make_units(ws, kind).frame.drop_duplicates("unit_id").set_index("unit_id")
        mine = (held["unit_kind"] == kind).to_numpy()
        people[mine] = frame["people"].reindex(held["unit_id"][mine]).to_numpy(dtype=np.float64)
    return people


def _impossible(ws: Workspace, day: date) -> pd.DataFrame:
    """Counts that cannot both be true, village by village and natural village by natural village."""
    villages = make_units(ws, "village")
    tables = [_larger(make_units(ws, "natural_village"), *_poor(ws), "贫困人口 {:.0f} 人，多于总人口 {:.0f} 人")]
    if len(villages):
        houses, size = villages.frame["households"], villages.frame["population"]
        tables += [
            _larger(villages, _dangerous(ws, villages), houses, "危房 {:.0f} 户，多于全村 {:.0f} 户"),
            _larger(
                villages, _summed(ws, villages, "poor_population"), size, "贫困人口 {:.0f} 人，多于总人口 {:.0f} 人"
            ),
            _larger(
                villages,
                _summed(ws, villages, "population"),
                size,
                "各自然村人口合计 {:.0f} 人，多于全村 {:.0f} 人",
                margin=MARGIN,
            ),
            _larger(
                villages,
                _summed(ws, villages, "households"),
                houses,
                "各自然村户数合计 {:.0f} 户，多于全村 {:.0f} 户",
                margin=MARGIN,
            ),
        ]
        said = latest_claims(ws, day)
        for need, limit, words in (
            ("dangerous_houses", houses, "台账报危房 {:.0f} 户，多于全村 {:.0f} 户"),
            ("poor_households", houses, "台账报贫困户 {:.0f} 户，多于全村 {:.0f} 户"),
            ("poor_population", size, "台账报贫困人口 {:.0f} 人，多于总人口 {:.0f} 人"),
        ):
            tables.append(_larger(villages, _told(said, need, villages), limit, words))
    return pd.concat(tables, ignore_index=True)


def _larger(units: Units, part: Any, whole: Any, words: str, *, margin: float = 0.0) -> pd.DataFrame:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    bad = np.flatnonzero(part > whole * (1.0 + margin))
    return _rows(
        unit_id=units.frame["unit_id"].to_numpy()[bad],
        need="counts",
        claimed=[f"{number:.0f}" for number in part[bad]],
        measured=[f"{number:.0f}" for number in whole[bad]],
        people=units.frame["people"].to_numpy(dtype=np.float64)[bad],
        distance_m=np.full(len(bad), np.nan),
        why=[words.format(one, two) for one, two in zip(part[bad], whole[bad], strict=True)],
    )


def _poor(ws: Workspace) -> tuple[Any, Any]:
    frame = ws.get("natural_villages")
    if frame is None or "poor_population" not in frame or "population" not in frame:
        blank = np.full(0 if frame is None else len(frame), np.nan)
        return blank, blank
    return frame["poor_population"], frame["population"]


def _dangerous(ws: Workspace, villages: Units) -> Any:
    frame = ws.get("households")
    if frame is None or "housing_grade" not in frame:
        return np.full(len(villages), np.nan)
    owner = members(ws, "households", villages)
    bad = (owner >= 0) & frame["housing_grade"].isin(["C", "D"]).to_numpy()
    return np.bincount(owner[bad], minlength=len(villages))


def _summed(ws: Workspace, villages: Units, column: str) -> Any:
    frame = ws.get("natural_villages")
    if frame is None or column not in frame:
        return np.full(len(villages), np.nan)
    owner = members(ws, "natural_villages", villages)
    number = frame[column].to_numpy(dtype=np.float64)
    held = (owner >= 0) & np.isfinite(number)
    return np.bincount(owner[held], weights=number[held], minlength=len(villages))


def _told(said: pd.DataFrame, need: str, villages: Units) -> Any:
    mine = said[said["need"] == need].set_index("unit_id")["amount"]
    return mine.reindex(villages.frame["unit_id"]).to_numpy(dtype=np.float64)


def _astray(ws: Workspace) -> pd.DataFrame:
    """Households whose point lies outside the village they are registered in (the border is inside)."""
    frame, villages = ws.get("households"), make_units(ws, "village")
    if frame is None or not len(villages):
        return pd.DataFrame(columns=list(_KEPT))
    owner, points = members(ws, "households", villages), points_of(geometries(frame))
    asked = (owner >= 0) & np.isfinite(points).all(axis=1)
    asked &= ~shapely.is_missing(villages.shapes)[np.maximum(owner, 0)]
    rows = np.flatnonzero(asked)
    rows = rows[np.argsort(owner[rows], kind="stable")]
    outside = [
        group[~_inside(villages.shapes[owner[group[0]]], points[group])]
        for group in np.split(rows, np.flatnonzero(np.diff(owner[rows])) + 1)
        if len(group)
    ]
    far = np.concatenate([*outside, np.empty(0, dtype=np.int64)]).astype(np.int64)
    tree, ids = shapely.STRtree(villages.shapes), villages.frame["unit_id"].to_numpy(dtype=object)
    found = np.full(len(far), "", dtype=object)
    row, place = tree.query(shapely.points(points[far]), predicate="intersects")
    order = np.argsort(-place, kind="stable")
    found[row[order]] = ids[place[order]]
    metres = np.round(shapely.distance(shapely.points(points[far]), villages.shapes[owner[far]]), 3)
    claimed = ids[owner[far]]
    why = [
        f"登记在 {theirs}，位置在 {there or '所有村界之外'}，离登记的村界 {metre:.0f} 米"
        for theirs, there, metre in zip(claimed, found, metres, strict=True)
    ]
    people = frame["members"].to_numpy(dtype=np.float64)[far] if "members" in frame else np.nan
    unit = frame[ID_OF["households"]].to_numpy()[far]
    return _rows(
        unit_id=unit, need="location", claimed=claimed, measured=found, people=people, distance_m=metres, why=why
    )


def _inside(shape: Any, points: Any) -> Any:
    shapely.prepare(shape)
    return shapely.intersects_xy(shape, points)


def _surfaces(ws: Workspace, policy: Policy, day: date) -> pd.DataFrame:
    """Claims that a road is hardened (need "hardened", unit a road_id) against its surface."""
    roads, said, held = ws.get("roads"), latest_claims(ws, day), value_on(policy, "hardening.surfaces", day)
    said = said[(said["need"] == "hardened") & said["claimed"].isin([YES, NO])] if len(said) else said
    if roads is None or held is None or not len(said):
        return pd.DataFrame(columns=list(_KEPT))
    frame = roads[known(roads["surface"])].drop_duplicates("road_id").set_index("road_id")
    said = said[said["unit_id"].isin(frame.index)]
    surface = frame["surface"].reindex(said["unit_id"]).to_numpy(dtype=object)
    measured = np.where(np.isin(surface, list(held.amount)), YES, NO)
    wrong = measured != said["claimed"].to_numpy(dtype=object)
    told = said[wrong]
    why = [
        f"登记为{'已' if claimed == YES else '未'}硬化，路面却是 {what}"
        for claimed, what in zip(told["claimed"], surface[wrong], strict=True)
    ]
    metres = shapely.length(geometries(frame.reindex(told["unit_id"]).reset_index()))
    return _rows(
        unit_id=told["unit_id"].to_numpy(),
        need="hardened",
        claimed=told["claimed"].to_numpy(),
        measured=measured[wrong],
        people=np.nan,
        distance_m=np.round(metres, 3),
        why=why,
    )


def count_by_need(table: pd.DataFrame) -> Mapping[str, int]:
    """Count contradictions by need.

    Examples
    --------
    >>> count_by_need(pd.DataFrame({"need": ["clinic", "counts", "clinic"]}))
    {'clinic': 2, 'counts': 1}
    """
    counts = table["need"].value_counts() if len(table) else pd.Series(dtype="int64")
    names: Sequence[str] = sorted(counts.index)
    return {name: int(counts[name]) for name in names}
