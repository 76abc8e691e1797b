"""The pieces of the road network: the hardened core, hardened islands no outlet reaches, what never connects; and the outlets."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.hardened import HardCore
from analysis.roads import RoadPlan
from analysis.surfaces import HARDENED
from analysis.units import make_units
from geo.network import snap_to
from geo.paths import pieces_of
from layers.workspace import Workspace

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
KINDS = ("core", "unsure", "island")
COUNTED = ["length_km", "roads", "natural_villages", "people", "geometry"]
PIECE_COLUMNS = ["kind", "name", *COUNTED]
STRANDED_COLUMNS = ["piece", "name", *COUNTED]


def core_pieces(ws: Workspace, plan: RoadPlan) -> gpd.GeoDataFrame:
    """Show every connected piece of hardened road and whether it belongs to the core.

    Returns
    -------
    GeoDataFrame
        `kind` core (an outlet reaches it along hardened road), unsure (only if roads of unknown surface are hardened) or
        island (no outlet reaches it); the name of its longest road, kilometres, roads, and the natural villages that
        join the network on it with their people (blank populations as nobody). Core first, longest first.
    """
    core, states = plan.core, plan.states
    if core is None or states is None:
        return _blank(PIECE_COLUMNS, ws)
    is_hard = core.is_usable & (core.surface == HARDENED)
    masks = {"core": core.is_core, "unsure": core.is_core_high & ~core.is_core, "island": is_hard & ~core.is_core_high}
    joins = np.where(states.new_m == 0, states.node, -1)  # who must first build a road to it does not live on it
    parts = []
    for kind, mask in masks.items():
        held = np.append(_numbered(core, mask), -1)[states.origin]  # the last stands for a drawn line's new alignment
        at_node = np.full(len(states.network.node_xy) + 1, -1, np.int64)
        for end in (states.network.edge_to, states.network.edge_from):
            at_node[end[held >= 0]] = held[held >= 0]
        parts.append(_pieces(ws, plan, core, mask, at_node[joins]).assign(kind=kind))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=ws.crs)[PIECE_COLUMNS]


def stranded_pieces(ws: Workspace, plan: RoadPlan, *, snap_m: float) -> gpd.GeoDataFrame:
    """Show the pieces of the road network that never connect to the core, longest first.

    Returns
    -------
    GeoDataFrame
        piece (a running number), the name of its longest road, kilometres, roads, and the natural villages whose nearest
        road, at most `snap_m` away (inclusive), is one of it with their people (blank populations as nobody).
    """
    core = plan.core
    if core is None:
        return _blank(STRANDED_COLUMNS, ws)
    piece = pieces_of(core.network, core.is_usable)[core.network.edge_from]
    alone = core.is_usable & ~np.isin(piece, piece[core.is_core_high])
    near = snap_to(core.network, core.usable_index, make_units(ws, "natural_village").points, max_distance_m=snap_m)
    table = _pieces(ws, plan, core, alone, np.append(_numbered(core, alone), -1)[near.edge])
    return table.assign(piece=np.arange(1, len(table) + 1))[STRANDED_COLUMNS]


def _blank(columns: list[str], ws: Workspace) -> gpd.GeoDataFrame:
    held = {name: pd.Series(dtype="object") for name in columns[:-1]}
    return gpd.GeoDataFrame(held, geometry=[], crs=ws.crs)[columns]


def _numbered(core: HardCore, mask: Flags) -> Ints:
    """Number the connected pieces of a mask, for every edge of the core's network; -1 for edges outside the mask."""
    owner = np.full(len(mask), -1, np.int64)
    if mask.any():
        piece = pieces_of(core.network, mask)[core.network.edge_from[mask]]
        owner[mask] = np.unique(piece, return_inverse=True)[1].ravel()
    return owner


def _pieces(ws: Workspace, plan: RoadPlan, core: HardCore, mask: Flags, lives: Ints) -> gpd.GeoDataFrame:
    """Lay out one row a piece of the mask; `lives` is the piece of every natural village, -1 none."""
    network, edge = core.network, np.flatnonzero(mask)
    owner = _numbered(core, mask)[edge]
    count = int(owner.max(initial=-1)) + 1
    km = network.edge_length_mm[edge].astype(np.float64) / 1e6
    roads = pd.DataFrame({"owner": owner, "road": network.edge_road[edge], "km": km})
    roads = roads.groupby(["owner", "road"])["km"].sum().reset_index()
    first = roads.sort_values(["owner", "km", "road"], ascending=[True, False, True]).groupby("owner")["road"].first()
    people = np.nan_to_num(pd.to_numeric(plan.natural_villages["population"]).to_numpy(np.float64, na_value=np.nan))
    there, order = lives >= 0, np.argsort(owner, kind="stable")
    shapes: Any = []
    if count:
        shapes = shapely.line_merge(shapely.multilinestrings(network.edge_geometry[edge[order]], indices=owner[order]))
    frame = gpd.GeoDataFrame(
        {
            "name": pd.array([str(core.labels[road]) for road in first], dtype="str"),
            "length_km": np.bincount(owner, weights=km, minlength=count),
            "roads": roads.groupby("owner").size().to_numpy(np.int64),
            "natural_villages": np.bincount(lives[there], minlength=count),
            "people": np.bincount(lives[there], weights=people[there], minlength=count),
        },
        geometry=shapes,
        crs=ws.crs,
    )
    return frame.sort_values("length_km", ascending=False, kind="stable", ignore_index=True)


def outlet_places(ws: Workspace, basis: str) -> gpd.GeoDataFrame:
    """Give the places the core was grown from: outlets or town seats; none where it grew from main roads or its size."""
    outlets, towns = ws.get("outlets"), ws.get("towns")
    if basis == "出口图层" and outlets is not None:
        shapes = outlets.geometry.to_numpy()
        held = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        return gpd.GeoDataFrame(
            {"name": _names(outlets)[held]}, geometry=shapely.point_on_surface(shapes[held]), crs=ws.crs
        )
    if basis == "乡镇驻地" and towns is not None:
        xy = towns[["seat_x", "seat_y"]].to_numpy(np.float64, na_value=np.nan)
        inside = shapely.intersects_xy(towns.geometry.to_numpy(), *np.nan_to_num(xy, nan=np.inf).T)
        return gpd.GeoDataFrame({"name": _names(towns)[inside]}, geometry=gpd.points_from_xy(*xy[inside].T), crs=ws.crs)
    return gpd.GeoDataFrame({"name": []}, geometry=[], crs=ws.crs)


def _names(layer: pd.DataFrame) -> Any:
    return layer["name"].fillna("").astype(str).to_numpy() if "name" in layer else np.full(len(layer), "")
