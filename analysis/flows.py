"""Who uses which road: people over every segment on their way to a service, and who depends on one."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.features import choose, select
from analysis.hardened import HardCore
from analysis.roads import RoadPlan
from analysis.surfaces import HARDENED, UNKNOWN
from analysis.units import make_units
from geo.network import Network, snap
from geo.paths import Ways, walk, ways
from geo.splits import split
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRACE_COLUMNS = ["road_id", "surface", "is_hardened", "length_km", "people", "natural_villages", "geometry"]


def flow(found: Ways, node: Ints, amount: Floats) -> tuple[Floats, int]:
    """Add up what passes over every edge when each node sends its amount along its way to the source.

    Returns
    -------
    over_node, lost
        For every node what passes over the edge that leads from it towards its source; and how many of the nodes
        reach no source.
    """
    over = np.zeros(len(found.first_mm))
    reached = (node >= 0) & np.isfinite(found.first_mm[node])
    np.add.at(over, node[reached], amount[reached])
    order = np.lexsort((found.then_mm, found.first_mm))[::-1]
    for here in order[found.before[order] >= 0].tolist():  # farthest first
        over[found.before[here]] += over[here]
    return over, int((~reached).sum())


def people_of(ws: Workspace) -> Floats:
    """Return the people of every natural village, blanks as nobody."""
    frame = ws.layers["natural_villages"]
    return np.asarray(np.nan_to_num(pd.to_numeric(frame["population"]).to_numpy(np.float64, na_value=np.nan)))


def to_service(
    ws: Workspace, plan: RoadPlan, service: str, *, snap_m: float
) -> tuple[Network, Ints, Ways, Ints] | None:
    """Find every natural village's shortest way to a service.

    Returns
    -------
    tuple or None
        The network with villages and facilities as nodes, the node of every village (-1 none), the ways, and the edge of
        the core's network that each edge is part of; None without roads, villages or facilities surely in service.
    """
    points = make_units(ws, "natural_village").points
    chosen = choose(ws, "facilities", [service]) if ws.get("facilities") is not None else None
    if plan.core is None or chosen is None or len(points) == 0:
        return None
    sure = select(chosen, chosen.is_sure)
    goals = shapely.get_coordinates(shapely.point_on_surface(ws.layers["facilities"].geometry.to_numpy()[sure.rows]))
    both = snap(plan.core.network, np.vstack([points, goals]), max_distance_m=snap_m, edge_mask=plan.core.is_usable)
    network, node, origin = split(plan.core.network, both)
    length = np.where(plan.core.is_usable[origin], network.edge_length_mm, np.inf)
    home, work = node[: len(points)], node[len(points) :]
    return network, home, ways(network, first_mm=length, then_mm=length, sources=work[work >= 0]), origin


def trace(ws: Workspace, plan: RoadPlan, service: str, *, snap_m: float) -> gpd.GeoDataFrame:
    """Show how many people pass over each road on their shortest way to a service.

    Parameters
    ----------
    service
        A facility kind; only facilities surely in service count.
    snap_m
        How far a village or facility may be from its road (inclusive).

    Returns
    -------
    GeoDataFrame
        One row a stretch of one road with the same people, most people first; `is_hardened` is blank where the
        surface is unknown. Villages that reach no such facility are in `attrs["not_reached"]`. A village of unknown
        population counts as a village without people.
    """
    held = to_service(ws, plan, service, snap_m=snap_m)
    if held is None or plan.core is None:
        return _blank(TRACE_COLUMNS, ws)
    network, home, found, origin = held
    people, lost = flow(found, home, people_of(ws))
    heads, _ = flow(found, home, np.ones(len(home)))
    here = np.flatnonzero((heads > 0) & (found.edge >= 0))
    table = _drawn(ws, plan.core, network, found.edge[here], people[here], heads[here], origin)
    table.attrs["not_reached"] = lost
    return table


def dependents(
    ws: Workspace, plan: RoadPlan, service: str, *, road_id: str, people: float, natural_villages: int, snap_m: float
) -> Ints:
    """List who depends on a row of `trace`: the natural villages, by position, whose way leads over it.

    Parameters
    ----------
    road_id, people, natural_villages
        As in the row.
    """
    held = to_service(ws, plan, service, snap_m=snap_m)
    if held is None or plan.core is None:
        return np.empty(0, np.int64)
    network, home, found, _ = held
    over, _ = flow(found, home, people_of(ws))
    heads, _ = flow(found, home, np.ones(len(home)))
    is_road = np.append(plan.core.road_ids[network.edge_road] == road_id, False)[found.edge]
    wanted = np.zeros(len(network.edge_road), bool)
    wanted[found.edge[is_road & (over == people) & (heads == natural_villages)]] = True
    position, edge = walk(found, home)
    return np.unique(position[wanted[edge]])


def _drawn(
    ws: Workspace, core: HardCore, network: Network, edge: Ints, people: Floats, heads: Floats, origin: Ints
) -> gpd.GeoDataFrame:
    """Merge edges of one road that carry the same people into one row."""
    if len(edge) == 0:
        return _blank(TRACE_COLUMNS, ws)
    frame = pd.DataFrame({"road": network.edge_road[edge], "people": people, "heads": heads})
    owner = frame.groupby(["road", "people", "heads"], sort=False).ngroup().to_numpy()
    order = np.argsort(owner, kind="stable")
    first = np.unique(owner, return_index=True)[1]
    road = frame["road"].to_numpy()[first]
    surface = core.surface[origin[edge]][first]
    shapes = shapely.line_merge(shapely.multilinestrings(network.edge_geometry[edge[order]], indices=owner[order]))
    table = pd.DataFrame(
        {
            "road_id": pd.array(core.road_ids[road], dtype="str"),
            "surface": ws.layers["roads"]["surface"].to_numpy()[road],
            "is_hardened": pd.array(surface == HARDENED, dtype="boolean"),
            "length_km": np.bincount(owner, weights=network.edge_length_mm[edge].astype(np.float64)) / 1e6,
            "people": people[first],
            "natural_villages": heads[first].astype(np.int64),
        }
    )
    table.loc[surface == UNKNOWN, "is_hardened"] = pd.NA
    table = gpd.GeoDataFrame(table, geometry=shapes, crs=ws.crs)
    return table.sort_values(["people", "road_id"], ascending=[False, True], kind="stable", ignore_index=True)


def _blank(columns: list[str], ws: Workspace) -> gpd.GeoDataFrame:
    held = {name: pd.Series(dtype="object") for name in columns[:-1]}
    return gpd.GeoDataFrame(held, geometry=[], crs=ws.crs)[columns]
