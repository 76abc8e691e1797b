"""Plant a known number of the faults every real delivery has."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from demo.settlements import Settlements
from demo.sizes import Array


@dataclass
class Planted:
    """Faults by kind and their number, filled while the files are written."""

    count: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, number: int) -> None:
        """Remember that a number of faults of a kind were planted."""
        self.count[kind] = self.count.get(kind, 0) + int(number)


def some(rng: np.random.Generator, rows: int, per_thousand: float, least: int = 1) -> Array:
    """Pick rows for a fault: so many in a thousand, never fewer than `least`, never more than a tenth."""
    number = min(max(least, round(rows * per_thousand / 1000)), max(1, rows // 10))
    return np.sort(rng.choice(rows, size=number, replace=False))


def spoil_households(
    table: pd.DataFrame, places: Settlements, planted: Planted, rng: np.random.Generator
) -> pd.DataFrame:
    """Give a few families a place far away, none at all, an id that is taken, no head count, or a wrong identity number.

    The five sets of rows do not overlap, so each fault can be counted on its own.
    """
    table = table.copy()
    picks = some(rng, len(table), 0.75, 15)
    rng.shuffle(picks)
    away, lost, twice, blank, mistyped = np.array_split(picks, 5)
    table["lost"] = False
    villages = places.villages
    far = (table["village"].to_numpy()[away] + len(villages) // 2) % len(villages)
    table.loc[away, ["x", "y"]] = villages[["seat_x", "seat_y"]].to_numpy()[far]
    table.loc[lost, ["x", "y"]] = np.nan
    table.loc[lost, "lost"] = True
    former = np.where(twice > 0, twice - 1, twice + 1)
    table.loc[twice, "户编号"] = table["户编号"].to_numpy()[former]
    table["members"] = table["members"].astype("float64")
    table.loc[blank, "members"] = np.nan
    numbers = table.loc[mistyped, "身份证号"]
    table.loc[mistyped, "身份证号"] = numbers.str[:-1] + numbers.str[-1].map(lambda c: "0" if c != "0" else "1")
    planted.add("household_wrong_identity", mistyped.size)
    planted.add("household_outside_village", away.size if len(villages) > 1 else 0)
    planted.add("household_without_place", lost.size)
    planted.add("household_duplicate_id", twice.size)
    planted.add("household_blank_members", blank.size)
    return table
