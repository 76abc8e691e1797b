"""An earlier list against what was built, and the upkeep money of roads that poor villages look after."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.policy import Policy, value_on
from analysis.roads import RoadPlan
from analysis.surfaces import HARDENED, UNHARDENED, UNKNOWN, admin_classes, surfaces, usable
from geo.crs import require_same_crs
from geo.errors import InputError
from layers.workspace import Workspace

HINDCAST_COLUMNS = ["town", "listed", "connected", "not_connected", "unknown", "hit_rate_low", "hit_rate_high"]
PROJECT_COLUMNS = [
    *("town", "projects", "declared_km", "drawn_km", "built", "not_built", "unknown", "hit_rate_low", "hit_rate_high"),
]
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


def judge_projects(
    listed: gpd.GeoDataFrame,
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    reach_m: float = 15.0,
    min_share: float = 0.9,
) -> gpd.GeoDataFrame:
    """Say of every project of an earlier list how much of it is hardened road today.

    Parameters
    ----------
    listed
        Lines in metres with `project_id`, `town` and `declared_km`; a project may have many rows that all repeat its
        whole declared length, which is counted once (the greatest, should they differ). Where there is a column `road`
        (the position of the road of today's layer a row lies on, -1 none), that road's own surface decides.
    reach_m, min_share
        How far a listed line may be from a road of today's layer - a short one at most a quarter of its length, else the
        hardened road it starts from would count - and how much of it must lie so near to count as built (inclusive);
        reading aids, no policy figures.

    Returns
    -------
    GeoDataFrame
        One row a project: `status` built, not_built or unknown (built only when roads of unknown surface count, too; or
        without a line), and the shares (0-1) of its drawn length that are hardened surely and at most.

    Raises
    ------
    InputError
        When a column is missing.
    """
    lacking = {"project_id", "town", "declared_km"} - set(listed.columns)
    if lacking:
        raise InputError(f"旧项目清单缺少列 {'、'.join(sorted(lacking))}，请补上后再读入")
    require_same_crs(listed, ws, what="旧项目清单")
    drawn = listed.geometry.groupby(listed["project_id"], sort=True).apply(
        lambda rows: shapely.union_all(rows.to_numpy())
    )
    first = listed.groupby("project_id", sort=True)
    if "road" in listed:
        shares = _own_shares(listed, drawn.index, ws, policy, day)
    else:
        shares = _built_shares(drawn.to_numpy(), ws, policy, day, reach_m)
    is_nowhere = shapely.is_empty(drawn.to_numpy())  # what has no place on the map says nothing
    shares = np.where(is_nowhere, 0.0, shares[0]), np.where(is_nowhere, 1.0, shares[1])
    is_built, may_be = (share >= min_share for share in shares)
    table = pd.DataFrame(
        {
            "town": first["town"].first().astype("object").fillna("（不明）"),
            "declared_km": first["declared_km"].max(),
            "drawn_km": shapely.length(drawn.to_numpy()) / 1000,
            "status": np.where(is_built, "built", np.where(may_be, "unknown", "not_built")),
            "share_low": shares[0],
            "share_high": shares[1],
        }
    )
    return gpd.GeoDataFrame(table, geometry=drawn.to_numpy(), crs=listed.crs).rename_axis("project_id").reset_index()


def hindcast_projects(
    listed: gpd.GeoDataFrame,
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    reach_m: float = 15.0,
    min_share: float = 0.9,
) -> pd.DataFrame:
    """Say how much of an earlier list of road projects is hardened road today, by town and, last, for the whole.

    Parameters and errors are those of `judge_projects`.

    Returns
    -------
    DataFrame
        Projects, declared and drawn kilometres, and projects built, not built and unknown. hit_rate_low counts the
        unknown as not built, hit_rate_high as built.
    """
    return count_projects(judge_projects(listed, ws, policy, day, reach_m=reach_m, min_share=min_share))


def count_projects(judged: pd.DataFrame) -> pd.DataFrame:
    """Sum judged projects up by town and, last, for the whole."""
    counts = {name: judged["status"].eq(name).astype(int) for name in ("built", "not_built", "unknown")}
    table = pd.DataFrame(judged[["town", "declared_km", "drawn_km"]]).assign(projects=1, **counts)
    summed = pd.concat(
        [part.groupby("town", sort=True).sum().reset_index() for part in (table, table.assign(town="合计"))],
        ignore_index=True,
    )
    summed["hit_rate_low"] = summed["built"] / summed["projects"]
    summed["hit_rate_high"] = (summed["built"] + summed["unknown"]) / summed["projects"]
    return summed[PROJECT_COLUMNS]


def _built_shares(drawn: Any, ws: Workspace, policy: Policy, day: date, reach_m: float) -> tuple[Any, Any]:
    """Return the share of every line that lies near hardened road, and near road hardened or of unknown surface."""
    roads = ws.get("roads")
    if roads is None or not len(roads):
        return np.zeros(len(drawn)), np.ones(len(drawn))
    surface, good, lines = surfaces(roads, policy, day), usable(roads), roads.geometry.to_numpy()
    reach = np.minimum(reach_m, shapely.length(drawn) / 4)
    found = []
    for mask in (good & (surface == HARDENED), good & (surface != UNHARDENED)):
        tree = shapely.STRtree(lines[mask])
        line, road = tree.query(drawn, predicate="dwithin", distance=reach)
        held = [shapely.union_all(lines[mask][road[line == row]]) for row in range(len(drawn))]
        near = shapely.length(shapely.intersection(drawn, shapely.buffer(held, reach)))
        found.append(near / np.maximum(shapely.length(drawn), 1e-9))
    return found[0], found[1]


def _own_shares(
    listed: gpd.GeoDataFrame, projects: pd.Index, ws: Workspace, policy: Policy, day: date
) -> tuple[Any, Any]:
    """Return the share of every project's length that lies on roads hardened today, surely and at most."""
    roads = ws.layers["roads"]
    road = listed["road"].to_numpy(np.int64)
    surface = np.append(np.where(usable(roads), surfaces(roads, policy, day), UNHARDENED), UNKNOWN)[road]
    length = pd.Series(shapely.length(listed.geometry.to_numpy()), index=listed["project_id"].to_numpy())
    whole = length.groupby(level=0).sum().reindex(projects).to_numpy()
    shares = [
        length.where(mask, 0.0).groupby(level=0).sum().reindex(projects).to_numpy() / np.maximum(whole, 1e-9)
        for mask in (surface == HARDENED, surface != UNHARDENED)
    ]
    return shares[0], shares[1]


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
