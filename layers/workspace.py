"""Every layer in one metric CRS, with one digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pyproj import CRS

from layers.problem import Problem


@dataclass(frozen=True)
class Source:
    """Where a layer came from: which file, which digest, which day it describes."""

    layer: str
    digest: str
    file_name: str
    as_of: date
    is_partial: bool
    rows: int
    crs: str = ""
    encoding: str = ""


@dataclass(frozen=True)
class Workspace:
    """Checked layers in one metric CRS. Shared between sessions: never write to its frames."""

    layers: Mapping[str, Any]
    crs: CRS
    sources: Mapping[str, Source]
    problems: tuple[Problem, ...]
    digest: str

    def get(self, layer: str) -> pd.DataFrame | None:
        """Return the frame of a layer, None when the office does not hold it."""
        return self.layers.get(layer)
