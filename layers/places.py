"""Which town and village everything lies in: by its own code, else by town and name, else by the polygon around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.nearest import containing
from layers.names import tie
from layers.problem import Problem, Severity

DETAIL_LIMIT = 1000
TOUCH_M = 1.0
PLACED = ("natural_villages", "households", "facilities", "roads", "bridges")
LABELS = {
    "villages": "村",
    "natural_villages": "自然村",
    "households": "户",
    "facilities": "设施",
    "roads": "路段",
    "bridges": "桥梁",
    "claims": "申报",
}


@dataclass(frozen=True)
class Placed:
    """A frame with its town and village columns settled, and what could not be."""

    frame: Any
    problems: list[Problem]


def inner_points(shapes: Any) -> NDArray[np.float64]:
    """Return a coordinate inside every shape (a point itself); NaN where there is none."""
    array = np.asarray(shapes, dtype=object)
    xy = np.full((len(array), 2), np.nan)
    kinds = shapely.get_type_id(array)
    points = kinds == 0
    xy[points] = np.column_stack([shapely.get_x(array[points]), shapely.get_y(array[points])])
    others = (kinds > 0) & ~shapely.is_empty(array)
    if others.any():
        inner = shapely.point_on_surface(array[others])
        xy[others] = np.column_stack([shapely.get_x(inner), shapely.get_y(inner)])
    return xy


def within(xy: NDArray[np.float64], polygons: Any) -> NDArray[np.int64]:
    """Return the polygon that covers each place, -1 where none does or the place is unknown."""
    index = np.full(len(xy), -1, dtype=np.int64)
    known = np.isfinite(xy).all(axis=1)
    if known.any() and len(polygons):
        index[known] = containing(xy[known], np.asarray(polygons, dtype=object))
    return index


def listed(
    layer: str,
    ids: Any,
    texts: list[str],
    *,
    field: str,
    kind: str,
    severity: Severity = "warning",
    limit: int | None = DETAIL_LIMIT,
) -> list[Problem]:
    """Return one problem a feature, and beyond `limit` one that counts the rest."""
    shown = texts if limit is None else texts[:limit]
    found = [
        Problem(layer, None, field, text, severity, kind, str(name)) for text, name in zip(shown, ids, strict=False)
    ]
    if len(shown) < len(texts):
        more = f"另有 {len(texts) - len(shown)} 个{LABELS.get(layer, '要素')}有同样的问题（{kind}）。"
        found.append(Problem(layer, None, field, more, severity, kind))
    return found


def place_features(layer: str, frame: Any, villages: Any, towns: Any, aliases: Mapping[str, str]) -> Placed:
    """Settle village_id and town of every feature of a layer; what cannot be settled stays blank and is listed.

    A code that exists wins; else the town and village written, which must mean one village only; else the village
    polygon that covers the point (a line's or polygon's representative point). A feature whose point lies outside
    the village its register names is listed, and stays where the register puts it.
    """
    out = frame.copy()
    ids = frame[frame.columns[0]].to_numpy(dtype=object)
    blank = pd.Series(np.nan, index=frame.index, dtype="str")
    given = frame["village_id"] if "village_id" in frame.columns else blank
    xy = inner_points(frame.geometry)
    if villages is None or not len(villages):
        _insert(out, given, frame["town"] if "town" in frame.columns else blank, xy, towns)
        return Placed(out, [])
    codes = villages["village_id"]
    problems: list[Problem] = []
    result = given.where(given.isin(codes))
    problems += _unknown_codes(layer, ids, given, result)
    result, untied = _by_names(layer, frame, ids, result, villages, aliases)
    around = within(xy, villages.geometry)
    claimed = result.notna().to_numpy()
    by_shape = ~claimed & (around >= 0)
    values = result.to_numpy(dtype=object).copy()
    values[by_shape] = codes.to_numpy(dtype=object)[around[by_shape]]
    result = pd.Series(values, index=frame.index, dtype="str")
    problems += untied
    problems += _outside(layer, ids, xy, claimed, result, around, villages)
    problems += _unplaced(layer, ids, frame, result)
    town = result.map(villages.set_index("village_id")["town"]).astype("str")
    if "town" in frame.columns:
        town = town.fillna(frame["town"])
    _insert(out, result, town, xy, towns)
    return Placed(out, problems)


def _insert(out: Any, village_id: Any, town: Any, xy: NDArray[np.float64], towns: Any) -> None:
    """Put village_id and town into a frame, before geometry where they are new; towns by polygon as a last resort."""
    if towns is not None and len(towns) and town.isna().any():
        blank = town.isna().to_numpy()
        around = within(np.where(blank[:, None], xy, np.nan), towns.geometry)
        values = town.to_numpy(dtype=object).copy()
        found = blank & (around >= 0)
        values[found] = towns["name"].to_numpy(dtype=object)[around[found]]
        town = pd.Series(values, index=town.index, dtype="str")
    for name, column in (("village_id", village_id), ("town", town)):
        if name in out.columns:
            out[name] = column.astype("str")
        else:
            out.insert(len(out.columns) - 1, name, column.astype("str"))


def _unknown_codes(layer: str, ids: Any, given: Any, result: Any) -> list[Problem]:
    at = np.flatnonzero((given.notna() & result.isna()).to_numpy())
    what = LABELS[layer]
    texts = [
        f"{what} {ids[row]} 登记的行政村代码 {given.iat[row]} 不在村图层里，已改按名称、位置判断。请核对代码。"
        for row in at
    ]
    return listed(layer, ids[at], texts, field="village_id", kind="unknown_village")


def _by_names(
    layer: str, frame: Any, ids: Any, result: Any, villages: Any, aliases: Mapping[str, str]
) -> tuple[Any, list[Problem]]:
    """Fill codes from the town and village written; list those that mean none or several."""
    if "village" not in frame.columns:
        return result, []
    ask = (result.isna() & frame["village"].notna()).to_numpy()
    if not ask.any():
        return result, []
    register = frame.loc[ask, ["town", "village"]]
    tied = tie(register, villages, aliases=aliases)
    result = result.copy()
    result[ask] = tied.village_id
    why = {
        "ambiguous": "有多个同名村，无法判断是哪一个",
        "no_village": "村图层里没有这个村",
        "no_town": "村图层里没有这个乡镇",
        "other_town": "这个乡镇里没有这个村，别的乡镇有",
    }
    untied = (tied.reason != "").to_numpy()
    bad = register[untied]
    names = ids[ask][untied]
    reasons, candidates = tied.reason[untied].to_numpy(), tied.candidates[untied].to_numpy()
    texts = [
        f"{LABELS[layer]} {name} 登记的“{_said(town)}{_said(village)}”对不上号：{why[reason]}"
        f"{'（' + maybe + '）' if maybe else ''}。请补填行政村代码，或在别名表中写明。"
        for name, town, village, reason, maybe in zip(
            names, bad["town"], bad["village"], reasons, candidates, strict=True
        )
    ]
    return result, listed(layer, names, texts, field="village", kind="untied")


def _said(text: Any) -> str:
    return text if isinstance(text, str) else ""


def _outside(layer: str, ids: Any, xy: Any, claimed: Any, result: Any, around: Any, villages: Any) -> list[Problem]:
    """List features whose point lies outside the village they name, with the distance to it."""
    if layer in {"roads", "bridges"}:
        return []
    position = pd.Series(np.arange(len(villages)), index=villages["village_id"])
    named = result.map(position).to_numpy(dtype=float)
    at = np.flatnonzero(claimed & np.isfinite(xy).all(axis=1) & np.isfinite(named) & (around != named))
    if not len(at):
        return []
    polygons = np.asarray(villages.geometry, dtype=object)
    away = shapely.distance(shapely.points(xy[at]), polygons[named[at].astype(np.int64)])
    far = away > TOUCH_M
    at, away = at[far], away[far]
    names = villages["name"].to_numpy(dtype=object)
    texts = [
        f"{LABELS[layer]} {ids[row]} 登记在{names[int(named[row])]}，点位却在"
        f"{names[around[row]] if around[row] >= 0 else '所有村的边界之外'}（离登记的村 {distance:.0f} 米）。请核对点位或所属村。"
        for row, distance in zip(at, away, strict=True)
    ]
    return listed(layer, ids[at], texts, field="village_id", kind="outside_village", limit=None)


def _unplaced(layer: str, ids: Any, frame: Any, result: Any) -> list[Problem]:
    if layer in {"roads", "bridges"}:
        return []
    silent = result.isna()
    if "village" in frame.columns:
        silent &= frame["village"].isna()
    at = np.flatnonzero(silent.to_numpy())
    texts = [
        f"{LABELS[layer]} {ids[row]} 不在任何村内，也没有登记所属村，不计入任何村。请补填行政村代码或核对坐标。"
        for row in at
    ]
    return listed(layer, ids[at], texts, field="village_id", kind="no_village")


def place_claims(claims: Any, frames: Mapping[str, Any], aliases: Mapping[str, str]) -> Placed:
    """Settle the unit of every claim: its code, else the village by town and name; the untied stay and are listed."""
    out = claims.copy()
    villages = frames.get("villages")
    units = [frames[layer].iloc[:, 0] for layer in ("villages", "natural_villages", "households") if layer in frames]
    given = claims["unit_id"]
    asked = list(given.dropna().unique())
    known = [ids[ids.isin(asked)] for ids in units]
    is_empty = not any(len(ids) and ids.notna().any() for ids in units)
    result = given if is_empty else given.where(given.isin(list(pd.concat(known))))
    labels = given.fillna(claims["town"].fillna("") + claims["village"].fillna("")).to_numpy(dtype=object)
    untied: list[Problem] = []
    if villages is not None and len(villages):
        result, untied = _by_names("claims", claims, labels, result, villages, aliases)
    lost = (result.isna() & given.notna() & claims["village"].isna()).to_numpy()
    texts = [
        f"申报的单位代码 {given.iat[row]} 不在任何图层里，这条申报对不上号。请核对代码。"
        for row in np.flatnonzero(lost)
    ]
    out["unit_id"] = result.astype("str")
    return Placed(out, untied + listed("claims", labels[lost], texts, field="unit_id", kind="unknown_unit"))
