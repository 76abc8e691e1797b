"""Natural villages to connect and the road segments that are missing; bridges, widening, safety works."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.adopt import adopt
from analysis.alternative import DrawnLine
from analysis.features import absence
from analysis.hardened import HardCore, States, Stretch, hard_core, missing_edges, point_states
from analysis.policy import Policy, value_on
from analysis.road_states import Notes, state_columns, straight_distances
from analysis.road_works import dangerous_bridges, narrow_roads, safety_works
from analysis.segments import make_segments
from analysis.surfaces import price
from analysis.units import make_units
from geo.network import Network
from layers.problem import Problem
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
VILLAGE_COLUMNS = [
    *("natural_village_id", "name", "village_id", "town", "population", "poor_population", "threshold", "is_due"),
    *("hardened_distance_m", "road_distance_m", "state", "gap_km", "new_km", "segment_ids", "shared_with", "outlet"),
    *("cost_cny10k", "subsidy_cny10k", "people_per_cny10k", "rank", "note"),
]
STATE_COLUMNS = ["state", "gap_km", "new_km", "segment_ids", "outlet", "is_due", "note"]


@dataclass(frozen=True)
class RoadPlan:
    """Every road table of the contract, and the network they were read from.

    `natural_villages` keeps the order of its layer; `candidates` are the rows that are due and not connected, with
    their point. `segments` are the stretches some candidate needs. `states`, `core` and `prices` are what `plan`
    goes on from; `core` and `states` are None without roads. `ground` is the table before anything was due or priced:
    what `at_threshold` goes on from. Never write to the frames.
    """

    natural_villages: pd.DataFrame
    candidates: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    widening: gpd.GeoDataFrame
    bridges: gpd.GeoDataFrame
    safety: gpd.GeoDataFrame
    network: Network | None
    problems: tuple[Problem, ...]
    core: HardCore | None = None
    states: States | None = None
    prices: Mapping[str, float] | None = None
    ground: pd.DataFrame | None = None


def natural_villages(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    dem: Any = None,
    max_age_days: int = 0,
    network: Network | None = None,
    new_road_m: Stretch | None = None,
    drawn: Sequence[DrawnLine] = (),
) -> RoadPlan:
    """Say of every natural village whether a hardened road reaches it, and if not what is missing.

    Parameters
    ----------
    dem
        Elevation for the slope of risky stretches: a raster path, or a function (n,2) places -> metres.
    max_age_days
        How much older than `day` a layer may be and still prove that something is absent.
    network
        The noded roads, when already made by `analysis.hardened.road_network`.
    new_road_m
        Function (from, to) -> metres for new alignments, such as least cost over terrain; without it the straight
        length times the policy's detour factor.
    drawn
        Lines somebody drew and chose; each takes the place of the computed way of its natural village.

    Returns
    -------
    RoadPlan
        Columns as in the contract. Without the layer `natural_villages` the tables are empty; without roads, or where
        the road layer is partial or older than the day, what would rest on the absence of a road is unknown.

    Raises
    ------
    PolicyError
        When the policy has no `hardening.surfaces` or `hardening.snap_m` on the day.

    Examples
    --------
    >>> from pyproj import CRS
    >>> nothing = Workspace({}, CRS("EPSG:4547"), {}, (), "")
    >>> len(natural_villages(nothing, Policy("", "", "", {}, ()), date(2018, 1, 1)).natural_villages)
    0

    """
    prices = {
        "hardening": price(policy, "cost.hardening_cny10k_per_km", day),
        "new_road": price(policy, "cost.new_road_cny10k_per_km", day),
        "subsidy": price(policy, "subsidy.road_cny10k_per_km", day),
    }
    core = hard_core(ws, policy, day, network=network)
    reason = absence(ws, "roads", (), day, max_age_days)
    units = make_units(ws, "natural_village")
    states = None if core is None else _states(core, units.points, policy, day, new_road_m)
    table = _table(ws, policy, day, units.points, core, states, reason)
    unused: tuple[Problem, ...] = ()
    if core is not None and states is not None and drawn:
        states, table, unused = adopt(core, states, table, units.points, drawn, prices, ws.crs)
    problems = [*(core.problems if core is not None else ()), *unused]
    widening, narrow = narrow_roads(ws, policy, day)
    bridges, unrated = dangerous_bridges(ws, policy, day)
    safety, unseen = safety_works(ws, policy, day, dem=dem)
    problems += [*narrow, *unrated, *unseen]
    made = core.network if core is not None else network
    asked = _asked(ws, policy, day, table, core, states, prices)
    return RoadPlan(*asked, widening, bridges, safety, made, tuple(problems), core, states, prices, table)


def at_threshold(plan: RoadPlan, ws: Workspace, policy: Policy, day: date) -> RoadPlan:
    """Ask the same roads for the population threshold of another policy (inclusive), in a tenth of the time.

    Parameters
    ----------
    plan
        `natural_villages` of the same workspace and day, under a policy that differs in `hardening.min_population` only.

    Returns
    -------
    RoadPlan
        To the byte what `natural_villages` gives under the other policy; bridges, widening, safety works, network and
        states are those of `plan`.

    Raises
    ------
    ValueError
        When the plan does not hold what it was made of, or the other policy has no threshold: a bug of the caller.
    """
    held = value_on(policy, "hardening.min_population", day)
    if plan.ground is None or held is None:
        raise ValueError("a plan with its ground and a policy with a threshold are needed")
    people = pd.to_numeric(plan.ground["population"]).astype("Float64")
    ground = plan.ground.assign(threshold=float(held.amount), is_due=(people >= float(held.amount)).astype("boolean"))
    prices = dict(plan.prices or {})
    table, candidates, segments = _asked(ws, policy, day, ground, plan.core, plan.states, prices)
    return replace(plan, natural_villages=table, candidates=candidates, segments=segments, ground=ground)


def _asked(
    ws: Workspace,
    policy: Policy,
    day: date,
    ground: pd.DataFrame,
    core: HardCore | None,
    states: States | None,
    prices: Mapping[str, float],
) -> tuple[pd.DataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Work out what those that are due need: the whole table, the candidates with their places, the segments."""
    is_candidate = (ground["is_due"].fillna(False) & ground["state"].isin(["harden", "build"])).to_numpy(bool)
    segments, table = make_segments(ws, core, states, ground, np.flatnonzero(is_candidate), prices)
    table = _priced(table, is_candidate, prices, policy, day)
    places = make_units(ws, "natural_village").points
    points = shapely.points(np.where(np.isfinite(places), places, np.nan)) if len(table) else []
    placed = gpd.GeoDataFrame(table, geometry=points, crs=ws.crs)
    return table, placed[is_candidate].reset_index(drop=True), segments


def _states(
    core: HardCore, points: Floats, policy: Policy, day: date, new_road_m: Stretch | None, snap_m: float | None = None
) -> States:
    detour = value_on(policy, "hardening.detour_factor", day)
    given = value_on(policy, "hardening.snap_m", day)
    reach = snap_m if snap_m is not None else float(given.amount) if given else 0.0
    return point_states(
        core,
        points,
        snap_m=reach,
        detour_factor=None if detour is None else float(detour.amount),
        new_road_m=new_road_m,
    )


def _table(
    ws: Workspace, policy: Policy, day: date, points: Floats, core: HardCore | None, states: States | None, reason: str
) -> pd.DataFrame:
    """Lay out one row a natural village: who lives there, whether it is due, how far roads are, its state."""
    frame = ws.get("natural_villages")
    if frame is None:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in VILLAGE_COLUMNS}).astype({"is_due": "boolean"})
    held = value_on(policy, "hardening.min_population", day)
    threshold = np.nan if held is None else float(held.amount)
    table = pd.DataFrame(index=pd.RangeIndex(len(frame)))
    for name in ("natural_village_id", "name", "village_id", "town", "population", "poor_population"):
        table[name] = frame[name].to_numpy() if name in frame else np.nan
    table["threshold"] = threshold
    people = pd.to_numeric(table["population"]).astype("Float64")
    table["is_due"] = (people >= threshold).astype("boolean") if held else pd.array([pd.NA] * len(table), "boolean")
    notes = Notes(len(table))
    notes.say(table["village_id"].isna(), "不在任何村界内")
    notes.say(people.isna(), "人口不明")
    if held is None:
        notes.say(np.ones(len(table), bool), "本政策没有规定人口下限")
    table = table.assign(**straight_distances(ws, policy, day, points, notes))
    table = table.assign(**state_columns(core, states, points, reason, notes))
    return table.assign(note=notes.text())


def _priced(
    table: pd.DataFrame, is_candidate: NDArray[np.bool_], prices: Mapping[str, float], policy: Policy, day: date
) -> pd.DataFrame:
    """Add cost, subsidy, people per money and rank to the candidates; a missing price leaves them open."""
    notes = Notes(len(table))
    gap, new = table["gap_km"].to_numpy(np.float64), table["new_km"].to_numpy(np.float64)
    parts = [np.where(km == 0, 0.0, km * prices[key]) for km, key in ((gap, "hardening"), (new, "new_road"))]
    cost = np.where(is_candidate, parts[0] + parts[1], np.nan)
    notes.say(is_candidate & np.isnan(cost) & np.isfinite(gap + new), "政策没有给出单位造价，费用待定")
    subsidy = np.where(is_candidate, (gap + new) * prices["subsidy"], np.nan)
    held = value_on(policy, "subsidy.road_cny10k_per_km", day)
    if held is not None and held.strength == "ceiling":
        notes.say(is_candidate, f"可争取补助至多每公里 {held.amount:g} 万元，不是已落实的资金，没有计入")
    widths = [value_on(policy, f"subsidy.road_min_{part}_m", day) for part in ("pavement", "subgrade")]
    if all(widths):
        terms = "、".join(
            f"{name}≥{width.amount:g} 米" for name, width in zip(("路面", "路基"), widths, strict=True) if width
        )
        notes.say(np.isfinite(subsidy), f"补助以建成后{terms}为条件")
    people = pd.to_numeric(table["population"]).to_numpy(np.float64, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_money = np.where(cost > 0, people / cost, np.nan)
        per_km = np.where(gap + new > 0, people / (gap + new), np.nan)
    ids = table["natural_village_id"].astype("object").to_numpy(dtype="U") if len(table) else np.empty(0, "U1")
    chosen = np.flatnonzero(is_candidate)
    keys = [ids[chosen], -people[chosen], -np.nan_to_num(per_km[chosen]), -np.nan_to_num(per_money[chosen])]
    rank = pd.array([pd.NA] * len(table), dtype="Int64")
    rank[chosen[np.lexsort(keys)]] = np.arange(1, len(chosen) + 1)
    said = ["；".join(part for part in pair if part) for pair in zip(table["note"], notes.text(), strict=True)]
    table = table.assign(
        cost_cny10k=cost,
        subsidy_cny10k=subsidy,
        people_per_cny10k=per_money,
        rank=rank,
        note=pd.array(said, dtype="str"),
    )
    return table[VILLAGE_COLUMNS]


def road_states(
    ws: Workspace, policy: Policy, day: date, plan: RoadPlan, *, max_age_days: int = 0
) -> Callable[[Any, float | None], pd.DataFrame]:
    """Return a function (units, snap_m) -> the road state of each unit's point, for the `road` rule.

    Natural villages at the policy's own distance are read from the plan; others are worked out.
    """
    held = value_on(policy, "hardening.snap_m", day)
    usual = float(held.amount) if held else None
    reason = absence(ws, "roads", (), day, max_age_days)
    known = plan.natural_villages.set_index("natural_village_id")

    def states_of(units: Any, snap_m: float | None) -> pd.DataFrame:
        if units.kind == "natural_village" and snap_m in (None, usual):
            return known.reindex(units.frame["unit_id"])[STATE_COLUMNS].reset_index(drop=True)
        return _state_table(ws, plan, units, policy, day, reason, snap_m)

    return states_of


def _state_table(
    ws: Workspace, plan: RoadPlan, units: Any, policy: Policy, day: date, reason: str, snap_m: float | None
) -> pd.DataFrame:
    notes = Notes(len(units))
    states = None if plan.core is None else _states(plan.core, units.points, policy, day, None, snap_m)
    columns = state_columns(plan.core, states, units.points, reason, notes)
    needed: list[list[str]] = [[] for _ in range(len(units))]
    if plan.core is not None and states is not None:
        road_ids = ws.layers["roads"]["road_id"].astype("object").to_numpy()
        position, edge = missing_edges(plan.core, states, np.arange(len(units)))
        for row, road_id in zip(position, road_ids[states.network.edge_road[edge]], strict=True):
            needed[row].append(str(road_id))
    is_due = pd.array([pd.NA] * len(units), dtype="boolean")
    if units.kind == "natural_village":
        due = plan.natural_villages.set_index("natural_village_id")["is_due"]
        is_due = due.reindex(units.frame["unit_id"]).array
    listed = pd.array([";".join(dict.fromkeys(roads)) for roads in needed], dtype="str")
    return pd.DataFrame({**columns, "segment_ids": listed, "is_due": is_due, "note": notes.text()})[STATE_COLUMNS]
