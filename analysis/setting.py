"""What a rule may ask of the roads, worked out once and only when asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.access import RoadGraph, Ways, arrive, make_graph, ways_to
from analysis.answers import Context
from analysis.features import Features
from analysis.policy import Policy
from analysis.roads import RoadPlan, natural_villages
from analysis.units import Floats, Ints, Units, make_units
from geo.network import Network
from geo.raster import sample
from layers.workspace import Source, Workspace

STATE_COLUMNS = ("state", "gap_km", "new_km", "segment_ids", "outlet", "is_due", "note")


class Setting:
    """The road plan, the state of the seats and the search graph of one workspace, under one policy, on one day."""

    def __init__(
        self, ws: Workspace, policy: Policy, day: date, *, max_age_days: int = 0, dem: Path | None = None
    ) -> None:
        self.ws, self.policy, self.day, self.max_age_days, self.dem = ws, policy, day, max_age_days, dem
        self._ways: dict[Any, Ways] = {}

    @cached_property
    def plan(self) -> RoadPlan:
        """Say which natural villages reach the hardened core, and what is missing."""
        return natural_villages(self.ws, self.policy, self.day, dem=self.dem, max_age_days=self.max_age_days)

    @cached_property
    def seats(self) -> pd.DataFrame:
        """Judge the seats of villages just as natural villages are judged, by village_id."""
        units = make_units(self.ws, "village")
        placed = np.flatnonzero(np.isfinite(units.points).all(axis=1))
        ws = _with_places(self.ws, units, placed, self.day)
        plan = natural_villages(ws, self.policy, self.day, max_age_days=self.max_age_days, network=self.network)
        table: pd.DataFrame = plan.natural_villages.set_index("natural_village_id")
        return table[~table.index.duplicated()]

    @cached_property
    def network(self) -> Network | None:
        """Return the noded roads."""
        return self.plan.network

    @cached_property
    def graph(self) -> RoadGraph | None:
        """Return the roads, ready for searches."""
        return make_graph(self.ws, self.policy, self.day, network=self.network)

    def states(self, units: Units, _snap_m: float | None) -> pd.DataFrame:
        """Give the road state of each unit's point, in the order of the units."""
        if units.kind == "natural_village":
            table = self.plan.natural_villages.set_index("natural_village_id")
            table = table[~table.index.duplicated()]
        else:
            table = self.seats
        found = table.reindex(units.frame["unit_id"]).reset_index(drop=True)
        return found[list(STATE_COLUMNS)].assign(state=found["state"].fillna("unknown"))

    def ways(self, features: Features) -> Ways | None:
        """Search from some features along the roads, once."""
        key = (features.layer, features.rows.tobytes())
        if self.graph is None:
            return None
        if key not in self._ways:
            self._ways[key] = ways_to(self.graph, features)
        return self._ways[key]

    def by_road(self, points: Floats, features: Features) -> tuple[Ints, Floats]:
        """Find the nearest feature of places along the roads: index (-1 none) and metres (inf none)."""
        ways = self.ways(features)
        if self.graph is None or ways is None:
            return np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.inf)
        index, metres, _ = arrive(self.graph, ways, self.graph.snap(points))
        return index, metres

    def elevation_m(self, points: Floats) -> Floats:
        """Read the height of places, (n, 2) in metres, from the terrain: metres, NaN outside it."""
        places = gpd.GeoSeries(gpd.points_from_xy(points[:, 0], points[:, 1]), crs=self.ws.crs)
        return sample(str(self.dem), places)

    def context(self) -> Context:
        """Offer all this to the rules."""
        has_roads = self.ws.get("roads") is not None
        return Context(
            self.day,
            self.max_age_days,
            by_road=self.by_road if has_roads else None,
            road_states=self.states if has_roads else None,
            elevation_m=self.elevation_m if self.dem else None,
        )


def _with_places(ws: Workspace, units: Units, rows: Ints, day: date) -> Workspace:
    """Return a workspace whose natural villages are the units' points."""
    held = units.frame.iloc[rows].reset_index(drop=True)
    frame = gpd.GeoDataFrame(
        {
            "natural_village_id": held["unit_id"],
            "name": held["name"],
            "village_id": held["unit_id"],
            "population": held["population"],
            "households": held["households"],
            "poor_population": np.full(len(held), np.nan),
            "town": held["town"],
        },
        geometry=shapely.points(units.points[rows]),
        crs=ws.crs,
    )
    layers: Mapping[str, Any] = {**ws.layers, "natural_villages": frame}
    source = Source("natural_villages", "", "", day, False, len(frame))
    return replace(ws, layers=layers, sources={**ws.sources, "natural_villages": source})
