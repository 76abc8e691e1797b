"""What to build in which year under a budget, with the optimality gap."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.roads import RoadPlan


@dataclass(frozen=True)
class Programme:
    """A programme by year, what it reaches and how far it can be from the best."""

    projects: Any  # DataFrame: project_id, year, road_ids, natural_village_ids, length_km, cost_cny10k, people, ...
    frontier: Any  # DataFrame: budget_cny10k, people, people_greedy, bound
    geometry: Any  # GeoDataFrame: the projects as lines
    objective: float
    bound: float
    gap: float
    seconds: float
    solver: str
    notes: tuple[str, ...]


def programme(
    road_plan: RoadPlan,
    *,
    budgets: Mapping[int, float],
    gap: float = 0.01,
    seconds: float = 10,
    locked_in: Collection[str] = (),
    locked_out: Collection[str] = (),
    weights: Mapping[str, float] | None = None,
) -> Programme:
    """Choose what to build in which year under yearly budgets (万元)."""
    raise NotImplementedError
