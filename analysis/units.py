"""The places that needs are asked of: villages, natural villages, towns, the county."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """Units of one kind, in the order of their layer.

    `frame` has a RangeIndex and the columns unit_id, name, town, village_id, list_type, people; `points` is (n, 2) in
    metres (NaN where a unit has no place), `shapes` the polygons (None where a unit has none).
    """

    kind: str
    frame: pd.DataFrame
    points: Floats
    shapes: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.frame)
