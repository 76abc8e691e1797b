"""An earlier list against what was built, and the upkeep money of roads that poor villages look after."""

from datetime import date

import numpy as np
import pandas as pd

from analysis.hardened import admin_classes, usable
from analysis.policy import Policy, value_on
from analysis.roads import RoadPlan
from geo.errors import InputError
from layers.workspace import Workspace

HINDCAST_COLUMNS = ["town", "listed", "connected", "not_connected", "unknown", "hit_rate_low", "hit_rate_high"]
UPKEEP_COLUMNS = ["village_id", "town", "length_km", "subsidy_cny", "note"]
VILLAGE_CLASSES = ("C", "W")


def hindcast(earlier: pd.DataFrame, now: RoadPlan) -> pd.DataFrame:
    """Say how much of an earlier list is on the hardened core today, by town and, last, for the whole.

    Parameters
    ----------
    earlier
        Column `natural_village_id`: what was listed then.
    now
        The road plan of today's layers.

    Returns
    -------
    DataFrame
        Villages listed, connected, not connected (still to harden or build) and unknown - also those that today's layer
        no longer has. hit_rate_low counts the unknown as not connected, hit_rate_high as connected.

    Raises
    ------
    InputError
        When the list has no column `natural_village_id`.
    """
    if "natural_village_id" not in earlier:
        raise InputError("旧清单缺少列 natural_village_id（自然村编号），请补上后再读入")
    names = list(dict.fromkeys(earlier["natural_village_id"].astype("object").astype(str)))
    held = now.natural_villages.set_index(now.natural_villages["natural_village_id"].astype("object").astype(str))
    found = held.reindex(names)
    state = found["state"].astype("object")
    counts = pd.DataFrame(
        {
            "town": found["town"].astype("object").where(found["town"].notna(), "（不明）"),
            "listed": 1,
            "connected": state.eq("connected").astype(int),
            "not_connected": state.isin(["harden", "build"]).astype(int),
        }
    )
    table = counts.groupby("town", sort=True).sum().reset_index()
    whole = pd.DataFrame([{"town": "合计", **counts.drop(columns="town").sum().to_dict()}])
    table = pd.concat([table, whole], ignore_index=True)
    table["unknown"] = table["listed"] - table["connected"] - table["not_connected"]
    with np.errstate(invalid="ignore"):
        table["hit_rate_low"] = table["connected"].to_numpy(np.float64) / table["listed"].to_numpy(np.float64)
        table["hit_rate_high"] = 1 - table["not_connected"].to_numpy(np.float64) / table["listed"].to_numpy(np.float64)
    return table[HINDCAST_COLUMNS]


def upkeep(ws: Workspace, policy: Policy, day: date) -> pd.DataFrame:
    """Reckon the upkeep money of village roads in poor villages, by village.

    Returns
    -------
    DataFrame
        Kilometres of usable road of class C and W whose `village_id` is a poor village, times `maintenance.cny_per_km`.
        The document does not say for how long; the note does. Empty where the policy has no such rate or the
        layers do not say which villages are poor.
    """
    roads, villages, rate = ws.get("roads"), ws.get("villages"), value_on(policy, "maintenance.cny_per_km", day)
    if roads is None or villages is None or rate is None or "village_id" not in roads:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in UPKEEP_COLUMNS})
    poor = villages.loc[villages["list_type"].eq("poor").fillna(False), ["village_id", "town"]]
    mine = usable(roads) & np.isin(admin_classes(roads), VILLAGE_CLASSES)
    km = (roads.geometry.length[mine] / 1000).groupby(roads["village_id"][mine]).sum()
    table = poor.assign(length_km=poor["village_id"].map(km).astype("float64").fillna(0.0))
    table["subsidy_cny"] = table["length_km"] * float(rate.amount)
    table["note"] = "文件没有写补助期限，此为一期金额"
    return table.sort_values("village_id", ignore_index=True)[UPKEEP_COLUMNS]
