"""Natural villages to connect and the road segments that are missing; bridges, widening, safety works."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from analysis.policy import Policy
from geo.network import Network
from layers.problem import Problem
from layers.workspace import Workspace


@dataclass(frozen=True)
class RoadPlan:
    """Every road table of the contract."""

    natural_villages: Any  # DataFrame, contract columns, one row a natural village, same order and index as the layer
    candidates: Any  # GeoDataFrame: rows that are due and not connected
    segments: (
        Any  # GeoDataFrame: segment_id, road_id, length_km, surface, people, poor_people, natural_village_ids, ...
    )
    widening: Any  # GeoDataFrame
    bridges: Any  # GeoDataFrame
    safety: Any  # GeoDataFrame
    network: Network | None
    problems: tuple[Problem, ...]


def natural_villages(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    dem: Any = None,
    max_age_days: int = 0,
    network: Network | None = None,
    new_road_m: Callable[[Any, Any], Any] | None = None,
) -> RoadPlan:
    """Assess every natural village; dem = raster path or function (n,2) -> elevation_m; new_road_m(from, to) -> m."""
    raise NotImplementedError
