"""What the road records say: which roads count, which surface is hardened, which class and what a kilometre costs."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.policy import Policy, amount, value_on
from geo.network import Network, build_network

Flags = NDArray[np.bool_]
HARDENED, UNHARDENED, UNKNOWN = 1, 0, -1
ABANDONED = ("abandoned", "废弃", "已废弃")


def road_network(roads: pd.DataFrame, *, tolerance_m: float = 2.0, keep_apart: Any = None) -> Network:
    """Node the roads of a workspace; where no level is given, expressways pass over the roads they cross.

    `keep_apart` are (n,2) places of `repairs` that a person has undone. Pass the result to `natural_villages`.
    """
    is_fast = roads["technical_grade"].eq("expressway").fillna(False) if "technical_grade" in roads else None
    given = {"level", "layer", "bridge", "tunnel"} & set(roads.columns)
    if is_fast is None or given or not is_fast.any():
        return build_network(roads, tolerance_m=tolerance_m, keep_apart=keep_apart)
    levelled = roads.assign(level=np.where(is_fast, 1.0, 0.0))
    return build_network(levelled, tolerance_m=tolerance_m, keep_apart=keep_apart)


def usable(roads: pd.DataFrame) -> Flags:
    """Say which roads count: neither duplicate nor abandoned, with a shape."""
    good = ~(roads.geometry.isna() | roads.geometry.is_empty).to_numpy()
    if "is_duplicate" in roads:
        good &= ~roads["is_duplicate"].astype("boolean").fillna(False).to_numpy(bool)
    if "status" in roads:
        good &= ~roads["status"].isin(ABANDONED).to_numpy(bool)
    return np.asarray(good, bool)


def surfaces(roads: pd.DataFrame, policy: Policy, day: date) -> NDArray[np.int8]:
    """Say of every road whether its surface is hardened (1), not (0) or unknown (-1), by the policy's list."""
    surface = roads["surface"].astype("object").where(roads["surface"].notna(), "unknown")
    is_hard = surface.isin(list(amount(policy, "hardening.surfaces", day))).to_numpy()
    return np.where(surface.eq("unknown").to_numpy(), UNKNOWN, np.where(is_hard, HARDENED, UNHARDENED)).astype(np.int8)


def admin_classes(frame: pd.DataFrame) -> NDArray[Any]:
    """Return the administrative class of every row: as given, else the first letter of its route code, else blank."""
    result = frame["admin_class"].to_numpy(dtype=object).copy()
    blank = np.flatnonzero(pd.isna(result))
    codes = frame["route_code"].to_numpy(dtype=object)[blank]
    letters = [str(code).strip()[:1].upper() if pd.notna(code) else "" for code in codes]
    result[blank] = [letter if letter in "GSXYCZW" else "" for letter in letters]
    return np.asarray(result, dtype=object)


def price(policy: Policy, key: str, day: date) -> float:
    """Return an amount of the policy, NaN where it gives none or only a ceiling that nobody has promised."""
    value = value_on(policy, key, day)
    if value is None or value.strength == "ceiling":
        return float("nan")
    return float(value.amount)
