"""What connecting a natural village is worth: people, poor people, kilometres spared, a clinic reached; and fair shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.features import choose, select
from analysis.hardened import edge_facts
from analysis.roads import RoadPlan
from analysis.schedule import Fair
from analysis.surfaces import HARDENED
from analysis.works_tree import WorksTree
from geo.errors import InputError
from geo.network import snap
from geo.paths import pieces_of
from layers.workspace import Workspace

Floats = NDArray[np.float64]
MEASURES = {
    "people": "人口",
    "poor_people": "贫困人口",
    "people_km": "少走未硬化路（人·公里）",
    "clinic_people": "全程硬化路可到卫生站的人口",
}


@dataclass(frozen=True)
class Weights:
    """What a year of a connected village counts for, and what is due to towns.

    Parameters
    ----------
    measures
        Worth of one unit of each of `MEASURES`; people alone when empty.
    years
        Weight of a year; years not named weigh 1.
    town_bonus
        How much more every person of a town counts, once, at the end, until the town has its fair share. 0: no shares.
    fair_share
        Share of each town's people on the list that is due to it, between 0 and 1; None: the share of all the money
        needed that there is.
    clinic_people
        From `clinic_people`, where that measure is weighed: a number for each candidate.
    """

    measures: Mapping[str, float] = field(default_factory=dict)
    years: Mapping[int, float] = field(default_factory=dict)
    town_bonus: float = 0.0
    fair_share: float | None = None
    clinic_people: Floats | None = None

    def check(self) -> None:
        """Refuse what is no weight."""
        numbers = [*self.measures.values(), *self.years.values(), self.town_bonus]
        if set(self.measures) - set(MEASURES) or any(not np.isfinite(number) or number < 0 for number in numbers):
            raise InputError(f"权重只能是 {'、'.join(MEASURES)} 的不小于零的数，得到 {dict(self.measures)}")
        if self.fair_share is not None and not 0 <= self.fair_share <= 1:
            raise InputError(f"各镇应得的份额应在 0 和 1 之间，得到 {self.fair_share}")
        if self.measures.get("clinic_people") and self.clinic_people is None:
            raise InputError("按“可到卫生站”加权需要设施图层，请先导入卫生站")

    @property
    def is_plain(self) -> bool:
        """Whether every person and year counts the same and towns have no share."""
        others = [weight for name, weight in self.measures.items() if name != "people"]
        years = any(weight != 1 for weight in self.years.values())
        return not any(others) and self.measures.get("people", 1.0) == 1.0 and not years and not self.town_bonus


def column_of(road_plan: RoadPlan, name: str) -> Floats:
    """Return a column of the candidates as numbers, blanks as nothing."""
    return np.asarray(
        np.nan_to_num(pd.to_numeric(road_plan.candidates[name]).to_numpy(np.float64, na_value=np.nan)), np.float64
    )


def by_work(tree: WorksTree, values: Floats) -> Floats:
    """Add up numbers of the candidates by work."""
    rows, work = tree.village_rows
    return np.bincount(work, weights=values[rows], minlength=len(tree.villages)).astype(np.float64)


def village_numbers(road_plan: RoadPlan, tree: WorksTree, column: str) -> Floats:
    """Add up a column of the candidates by work; blanks count as nothing."""
    return by_work(tree, column_of(road_plan, column))


def worth_of(road_plan: RoadPlan, tree: WorksTree, weights: Weights) -> Floats:
    """Return what a year of each work is worth."""
    weights.check()
    people = column_of(road_plan, "population")
    whole = np.zeros(len(people))
    for name, weight in (weights.measures or {"people": 1.0}).items():
        if weight == 0:
            continue
        if name == "people_km":
            measure = people * (column_of(road_plan, "gap_km") + column_of(road_plan, "new_km"))
        elif name == "clinic_people" and weights.clinic_people is not None:
            measure = weights.clinic_people
        else:
            measure = people if name == "people" else column_of(road_plan, "poor_population")
        whole = whole + weight * measure
    return by_work(tree, whole)


def year_weights(weights: Weights, years: list[int]) -> Floats | None:
    """Return the weight of every year, None when all are alike."""
    named = np.array([float(weights.years.get(year, 1.0)) for year in years], np.float64)
    return None if (named == 1).all() else named


def fair_shares(road_plan: RoadPlan, tree: WorksTree, weights: Weights, money: float) -> Fair | None:
    """Say what is due to every town; a work belongs to the town that has most of its people.

    A town's share is `fair_share` of its people among the candidates that can be planned. Villages of no known town
    have no share.
    """
    if weights.town_bonus <= 0 or len(tree.cost) == 0:
        return None
    names = road_plan.candidates["town"].astype("object")
    code, towns = pd.factorize(names, sort=True)
    people = column_of(road_plan, "population")
    town = np.full(len(tree.cost), -1, np.int64)
    for work, rows in enumerate(tree.villages):
        known = rows[code[rows] >= 0]
        if len(known):
            town[work] = int(np.bincount(code[known], weights=people[known]).argmax())
    served = by_work(tree, people)
    some = town >= 0
    whole = np.bincount(town[some], weights=served[some], minlength=len(towns))
    share = weights.fair_share
    if share is None:
        share = min(1.0, money / max(float(tree.cost.sum()), 1e-9))
    return Fair(town, served, np.asarray(share * whole, np.float64), weights.town_bonus)


def clinic_people(ws: Workspace, road_plan: RoadPlan, *, snap_m: float, service: str = "clinic") -> Floats | None:
    """Count, for every candidate, the people who get a hardened road all the way to a clinic in service.

    Returns
    -------
    ndarray or None
        The village's people where a clinic surely in service stands at the core (at most `snap_m` from it, inclusive)
        and none on the village's own piece of hardened road, else 0. None without roads or without clinics.
    """
    core, states = road_plan.core, road_plan.states
    chosen = choose(ws, "facilities", [service]) if ws.get("facilities") is not None else None
    if core is None or states is None or chosen is None or not len(road_plan.candidates):
        return None
    sure = select(chosen, chosen.is_sure)
    places = shapely.get_coordinates(shapely.point_on_surface(ws.layers["facilities"].geometry.to_numpy()[sure.rows]))
    is_usable, surface, is_core = edge_facts(core, states)
    is_hard = is_usable & (surface == HARDENED)
    near = snap(states.network, places, max_distance_m=snap_m, edge_mask=is_usable).edge
    near = near[near >= 0]
    near = near[is_hard[near]]
    piece = pieces_of(states.network, is_hard)
    served = np.unique(piece[states.network.edge_from[near]])
    people = column_of(road_plan, "population")
    if not is_core[near].any():
        return np.zeros(len(people))
    at = _rows(road_plan)
    node = states.node[at]
    has_one = np.isin(piece[np.maximum(node, 0)], served) & (node >= 0)
    return np.where(has_one, 0.0, people)


def _rows(road_plan: RoadPlan) -> Any:
    """Return where each candidate stands among the natural villages."""
    ids = road_plan.natural_villages["natural_village_id"]
    return pd.Index(ids).get_indexer(road_plan.candidates["natural_village_id"])


def told(weights: Weights) -> tuple[str, ...]:
    """Say in words what was weighed; nothing when every person and year counts the same."""
    if weights.is_plain:
        return ()
    parts = [
        f"{MEASURES[name]} ×{weight:g}" for name, weight in (weights.measures or {"people": 1.0}).items() if weight
    ]
    parts += [f"{year} 年 ×{weight:g}" for year, weight in sorted(weights.years.items()) if weight != 1]
    if weights.town_bonus:
        due = "按钱的比例" if weights.fair_share is None else f"{weights.fair_share:.0%}"
        parts.append(f"每镇应得份额（{due}）以内的人期末另计 ×{weights.town_bonus:g}")
    return (f"目标按权重合计，不是人数：{'，'.join(parts)}",)
