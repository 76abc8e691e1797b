"""Everything invented about a county, before any file is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from demo.facilities import Claims
from demo.faults import Planted
from demo.settlements import Settlements
from demo.sizes import AS_OF, NAME, Array, Size
from demo.terrain import Terrain

Delivery = tuple[str, Path, dict[str, Any]]
NOTE = f"填报单位：{NAME}　　填报日期：{AS_OF.isoformat()}　　虚构数据"
SIGNED = "填表人：某某　　审核人：某某　　（虚构数据）"


@dataclass(frozen=True)
class Plan:
    """Everything invented about a county, before any file is written."""

    size: Size
    terrain: Terrain
    places: Settlements
    roads: pd.DataFrame
    road_lines: Array
    households: pd.DataFrame
    people: pd.DataFrame
    facilities: pd.DataFrame
    claims: Claims
    bridges: pd.DataFrame
    lines: tuple[pd.DataFrame, Array]
    service_areas: tuple[pd.DataFrame, Array]
    hazards: tuple[pd.DataFrame, Array]
    planted: Planted
    rng: np.random.Generator

    def village(self, column: str) -> Array:
        """Return a column of the villages as plain values."""
        return np.asarray(self.places.villages[column].to_numpy(), dtype=object)

    @property
    def town_name(self) -> Array:
        """Return the town's name of each village row."""
        names = self.places.towns["name"].to_numpy().astype(object)
        return np.asarray(names[self.places.villages["town"].to_numpy()])
