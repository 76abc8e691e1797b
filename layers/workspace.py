"""Every layer in one metric CRS, with one digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
from pyproj import CRS

from layers.problem import Problem


@dataclass(frozen=True)
class Source:
    """Where a layer came from: which file, which digest, which day it describes.

    A layer made of several files (one a bureau) is one combined source: `as_of` is the oldest part's day, `is_partial`
    is true if any part is. `kinds` then says, for each facility, line, service-area or hazard kind that some file
    held, (day it describes, is partial). A kind that is not in `kinds` was never delivered: its absence is unknown,
    never a gap. Empty for layers without kinds.
    """

    layer: str
    digest: str
    file_name: str
    as_of: date
    is_partial: bool
    rows: int
    crs: str = ""
    encoding: str = ""
    kinds: Mapping[str, tuple[date, bool]] = field(default_factory=dict)


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
