"""What a rule is given and what it answers: yes, no or unknown for every unit, with its number and evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.features import Features, absence
from analysis.units import Flags, Floats, Ints, Units, geometries, make_units, members, points_of
from layers.workspace import Workspace

YES, NO, UNKNOWN = "yes", "no", "unknown"
MEASURED_COLUMNS = (
    *("measured", "value", "unit", "threshold", "evidence_layer", "evidence_id", "note"),
    *("distance_m", "households_within", "households_known", "households"),
)
Way = Callable[[Floats, Features], tuple[Ints, Floats]]
Elevation = Callable[[Floats], Floats]
RoadStates = Callable[[Units, float | None], pd.DataFrame]


@dataclass(frozen=True)
class Context:
    """What a rule needs besides the layers. One run over one workspace.

    `by_road` gives the nearest feature and its metres over the roads (None: no network); `road_states` the road state
    of every unit's point (columns state, gap_km, new_km, segment_ids, outlet, is_due, note; None: not computed);
    `elevation_m` the height of places (None: no terrain). `memo` keeps what several rules ask for.
    """

    day: date
    max_age_days: int = 0
    by_road: Way | None = None
    road_states: RoadStates | None = None
    elevation_m: Elevation | None = None
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def absence(self, ws: Workspace, layer: str, kinds: Sequence[str] = ()) -> str:
        """Say why an absence in a layer proves nothing; empty when it proves that there is none."""
        return absence(ws, layer, kinds, self.day, self.max_age_days)

    def units(self, ws: Workspace, kind: str) -> Units:
        """Return the units of a kind, made once."""
        if ("units", kind) not in self.memo:
            self.memo["units", kind] = make_units(ws, kind)
        held: Units = self.memo["units", kind]
        return held

    def members(self, ws: Workspace, layer: str, units: Units) -> Ints:
        """Position of the unit that each row of a layer belongs to, -1 for none."""
        key = ("members", layer, id(units))
        if key not in self.memo:
            self.memo[key] = (units, members(ws, layer, units))
        held: Ints = self.memo[key][1]
        return held

    def points(self, ws: Workspace, layer: str) -> Floats:
        """Return one point per row of a layer, NaN without a place."""
        key = ("points", layer)
        if key not in self.memo:
            self.memo[key] = points_of(geometries(ws.get(layer)))
        held: Floats = self.memo[key]
        return held

    def order(self, ws: Workspace, layer: str, column: str) -> Ints:
        """Rank every row of a layer by its id, so that "the first" never depends on the order of rows."""
        key = ("order", layer)
        if key not in self.memo:
            ids = ws.layers[layer][column]
            rank = np.arange(len(ids), dtype=np.int64)
            if not ids.is_monotonic_increasing:
                rank[ids.to_numpy(dtype=object).astype(str).argsort(kind="stable")] = np.arange(len(ids))
            self.memo[key] = rank
        held: Ints = self.memo[key]
        return held


class Answer:
    """One answer a unit, filled by masks; a plain table at the end."""

    def __init__(self, size: int, *, unit: str, threshold: float, layer: str) -> None:
        self.measured = np.full(size, UNKNOWN, dtype=object)
        self.value = np.full(size, np.nan)
        self.unit, self.threshold = unit, threshold
        self.layer = np.full(size, layer, dtype=object)
        self.evidence = np.full(size, "", dtype=object)
        self.note = np.full(size, "", dtype=object)
        self.distance_m = np.full(size, np.nan)
        self.reach = np.full((size, 3), np.nan)

    def say(self, mask: Flags, note: str) -> None:
        """Add a sentence to the notes of some units."""
        if note and mask.any():
            said = self.note[mask]
            self.note[mask] = np.where(said == "", note, said + "；" + note)

    def table(self) -> pd.DataFrame:
        """Return `MEASURED_COLUMNS`, a RangeIndex in the order of the units."""
        held = {
            "measured": self.measured,
            "value": self.value,
            "unit": self.unit,
            "threshold": self.threshold,
            "evidence_layer": self.layer,
            "evidence_id": self.evidence,
            "note": self.note,
            "distance_m": self.distance_m,
            "households_within": self.reach[:, 0],
            "households_known": self.reach[:, 1],
            "households": self.reach[:, 2],
        }
        return pd.DataFrame(held, index=pd.RangeIndex(len(self.value)))


def kinds_of(parameters: Mapping[str, Any]) -> list[str]:
    """List the feature kinds a rule asks for.

    Examples
    --------
    >>> kinds_of({"kind": "clinic"}), kinds_of({"kind": ["a", "b"]}), kinds_of({})
    (['clinic'], ['a', 'b'], [])
    """
    kind = parameters.get("kind", [])
    return [kind] if isinstance(kind, str) else list(kind)


def count(of_unit: Ints, mask: Flags | None, size: int) -> Ints:
    """Count the members of each unit that a mask keeps; members of no unit (-1) are left out.

    Examples
    --------
    >>> count(np.array([0, 0, 2, -1]), np.array([True, False, True, True]), 3).tolist()
    [1, 0, 1]
    """
    held = of_unit >= 0 if mask is None else (of_unit >= 0) & mask
    return np.bincount(of_unit[held], minlength=size).astype(np.int64)


def first(of_unit: Ints, mask: Flags, rank: Ints, size: int) -> Ints:
    """Find the lowest-ranked member of each unit that a mask keeps, -1 where there is none.

    Examples
    --------
    >>> first(np.array([0, 0, 1]), np.array([True, True, False]), np.array([5, 2, 1]), 2).tolist()
    [1, -1]
    """
    rows = np.flatnonzero((of_unit >= 0) & mask)
    rows = rows[np.argsort(-rank[rows], kind="stable")]
    result = np.full(size, -1, dtype=np.int64)
    result[of_unit[rows]] = rows
    return result


def three_way(values: Any) -> npt.NDArray[np.int8]:
    """Read yes/no values as 1, 0 and -1 for unknown, whether they are booleans or words.

    Examples
    --------
    >>> three_way(["yes", "no", "unknown", True, False, None]).tolist()
    [1, 0, -1, 1, 0, -1]
    """
    held = pd.Series(np.asarray(values, dtype=object))
    result = np.full(len(held), -1, dtype=np.int8)
    result[held.isin([YES, True]).to_numpy()] = 1
    result[held.isin([NO, False]).to_numpy()] = 0
    return result
