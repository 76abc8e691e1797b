"""What a rule may ask of the roads, worked out once and only when asked."""

from contextlib import suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from analysis.access import RoadGraph, Ways, arrive, make_graph, ways_to
from analysis.answers import Context, RoadStates
from analysis.choices import NOTHING, RoadChoices, chosen_network
from analysis.features import Features
from analysis.policy import Policy, value_on
from analysis.roads import RoadPlan, natural_villages, road_states
from analysis.units import Floats, Ints
from geo.errors import CRSError, InputError
from geo.leastcost import least_cost
from geo.network import Network
from geo.raster import sample
from layers.workspace import Workspace


class Setting:
    """The road plan, the state of the seats and the search graph of one workspace, under one policy, on one day."""

    def __init__(
        self,
        ws: Workspace,
        policy: Policy,
        day: date,
        *,
        max_age_days: int = 0,
        dem: Path | None = None,
        choices: RoadChoices = NOTHING,
    ) -> None:
        self.ws, self.policy, self.day, self.max_age_days, self.dem = ws, policy, day, max_age_days, dem
        self.choices = choices
        self._ways: dict[Any, Ways] = {}

    @cached_property
    def plan(self) -> RoadPlan:
        """Say which natural villages reach the hardened core, and what is missing."""
        dem, laid = (self.elevation_m, self.new_road_m) if self.dem else (None, None)
        return natural_villages(
            self.ws,
            self.policy,
            self.day,
            dem=dem,
            max_age_days=self.max_age_days,
            network=chosen_network(self.ws, self.choices),
            new_road_m=laid,
            drawn=self.choices.drawn,
        )

    @cached_property
    def network(self) -> Network | None:
        """Return the noded roads."""
        return self.plan.network

    @cached_property
    def graph(self) -> RoadGraph | None:
        """Return the roads, ready for searches."""
        return make_graph(self.ws, self.policy, self.day, network=self.network)

    @cached_property
    def states(self) -> RoadStates:
        """Judge any unit's point just as natural villages are judged."""
        return road_states(self.ws, self.policy, self.day, self.plan, max_age_days=self.max_age_days)

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
        return sample(str(self.dem), points, crs=self.ws.crs)

    def new_road_m(self, starts: Floats, ends: Floats) -> Floats:
        """Lay new roads over the terrain within the policy's grade: metres, NaN where the terrain cannot tell.

        Without a grade in the policy, or with heights in another coordinate system, nothing is laid and the straight
        length times the detour factor counts.
        """
        limit = value_on(self.policy, "road.max_grade_percent", self.day)
        length = np.full(len(starts), np.nan)
        if limit is None:
            return length
        for place in range(len(starts)):
            pair = starts[place : place + 1], ends[place : place + 1]
            with suppress(InputError, CRSError):  # too far apart, or heights elsewhere: the straight line counts
                found = least_cost(str(self.dem), *pair, crs=self.ws.crs, max_grade_percent=float(limit.amount))
                length[place] = found.length_m[0] if found.is_feasible[0] else np.nan
        return length

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
