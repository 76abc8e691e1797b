"""What a careful user would write with geopandas and networkx to get the same answers from the same layers.

Not a straw man: it uses spatial joins, one Dijkstra per question and pandas grouping. It ends where `assess` ends: CSV
files with coverage, road gaps, dangerous houses and access.

    python benchmarks/naive.py OFFICE --out DIR
"""

import argparse
import json
import time
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd

SNAP_M = 500
HARD = {"asphalt", "concrete"}
SERVICES = ("clinic", "school", "bus_stop")


def newest(office: Path, layer: str) -> pd.DataFrame:
    """Read every file of a layer and stack them."""
    frames = []
    for path in sorted((office / "layers" / layer).glob("*.parquet")):
        try:
            frames.append(gpd.read_parquet(path))
        except ValueError:
            frames.append(pd.read_parquet(path))
    return pd.concat(frames, ignore_index=True)


def graph_of(roads: gpd.GeoDataFrame) -> nx.Graph:
    """Join road ends that coincide to the metre."""
    graph = nx.Graph()
    for row in roads.itertuples():
        for line in getattr(row.geometry, "geoms", [row.geometry]):
            start, end = line.coords[0], line.coords[-1]
            a = (round(start[0]), round(start[1]))
            b = (round(end[0]), round(end[1]))
            hard = row.surface in HARD
            graph.add_edge(a, b, length=line.length, gap=0.0 if hard else line.length, hard=hard, admin=row.admin_class)
    return graph


def road_gaps(natural: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, graph: nx.Graph) -> pd.DataFrame:
    """Give every natural village its least unhardened length to a trunk road."""
    nearest = gpd.sjoin_nearest(natural, roads[["road_id", "geometry"]], distance_col="road_distance_m")
    nearest = nearest[~nearest.index.duplicated()]
    outlets = {
        node
        for a, b, data in graph.edges(data=True)
        if data["hard"] and data["admin"] in {"G", "S", "X"}
        for node in (a, b)
    }
    gaps = nx.multi_source_dijkstra_path_length(graph, outlets, weight="gap")
    nodes = np.array(list(graph.nodes))
    tree = gpd.GeoDataFrame(
        {"node": range(len(nodes))}, geometry=gpd.points_from_xy(nodes[:, 0], nodes[:, 1]), crs=natural.crs
    )
    ends = gpd.sjoin_nearest(natural, tree, distance_col="node_m")
    ends = ends[~ends.index.duplicated()]
    gap = [gaps.get(tuple(nodes[int(node)]), np.nan) / 1000 for node in ends["node"]]
    return pd.DataFrame(
        {
            "natural_village_id": natural["natural_village_id"],
            "gap_km": gap,
            "road_distance_m": nearest["road_distance_m"],
        }
    )


def access(villages: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, graph: nx.Graph) -> pd.DataFrame:
    """Give every village its distance by road to the nearest facility of each service."""
    nodes = np.array(list(graph.nodes))
    tree = gpd.GeoDataFrame(
        {"node": range(len(nodes))}, geometry=gpd.points_from_xy(nodes[:, 0], nodes[:, 1]), crs=villages.crs
    )
    seats = villages.set_geometry(villages.representative_point())
    at = gpd.sjoin_nearest(seats[["village_id", "geometry"]], tree, distance_col="snap")
    at = at[~at.index.duplicated()]
    rows = []
    for service in SERVICES:
        some = facilities[facilities["kind"] == service]
        if some.empty:
            continue
        ends = gpd.sjoin_nearest(some[["facility_id", "geometry"]], tree, distance_col="snap")
        sources = {tuple(nodes[int(node)]) for node in ends["node"]}
        lengths = nx.multi_source_dijkstra_path_length(graph, sources, weight="length")
        for village, node, snap in zip(at["village_id"], at["node"], at["snap"], strict=True):
            rows.append((village, service, lengths.get(tuple(nodes[int(node)]), np.nan) + snap))
    return pd.DataFrame(rows, columns=["village_id", "service", "network_m"])


def coverage(villages: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, households: gpd.GeoDataFrame) -> pd.DataFrame:
    """Count facilities and households inside every village."""
    inside = gpd.sjoin(
        facilities, villages[["village_id", "geometry"]], predicate="within", lsuffix="own", rsuffix="in"
    )
    column = "village_id_in" if "village_id_in" in inside else "village_id"
    counts = inside.groupby([column, "kind"]).size().unstack(fill_value=0)
    homes = gpd.sjoin(
        households[households.geometry.notna()],
        villages[["village_id", "geometry"]],
        predicate="within",
        lsuffix="own",
        rsuffix="in",
    )
    column = "village_id_in" if "village_id_in" in homes else "village_id"
    water = homes.groupby(column)["safe_water"].agg(["mean", "size"])
    return (
        villages[["village_id"]]
        .merge(counts, left_on="village_id", right_index=True, how="left")
        .merge(water, left_on="village_id", right_index=True, how="left")
    )


def housing(households: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """List dangerous houses with their distance to a road."""
    danger = households[households["housing_grade"].isin(["C", "D"]) & households.geometry.notna()]
    near = gpd.sjoin_nearest(danger, roads[["road_id", "geometry"]], distance_col="road_m")
    return near[~near.index.duplicated()][["household_id", "housing_grade", "category", "road_m"]]


def main() -> None:
    """Run every step, print the seconds of each as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("office", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        seconds[name], clock = time.perf_counter() - clock, time.perf_counter()

    crs = "EPSG:4547"
    layers = {
        name: newest(asked.office, name)
        for name in ("villages", "natural_villages", "households", "roads", "facilities")
    }
    layers = {
        name: frame.to_crs(crs) if isinstance(frame, gpd.GeoDataFrame) else frame for name, frame in layers.items()
    }
    lap("read")
    coverage(layers["villages"], layers["facilities"], layers["households"]).to_csv(
        asked.out / "coverage.csv", index=False
    )
    lap("coverage")
    graph = graph_of(layers["roads"])
    lap("graph")
    natural = layers["natural_villages"][layers["natural_villages"].geometry.notna()].reset_index(drop=True)
    road_gaps(natural, layers["roads"], graph).to_csv(asked.out / "gaps.csv", index=False)
    lap("gaps")
    access(layers["villages"], layers["facilities"], graph).to_csv(asked.out / "access.csv", index=False)
    lap("access")
    housing(layers["households"], layers["roads"]).to_csv(asked.out / "housing.csv", index=False)
    lap("housing")
    print(json.dumps({"seconds": seconds, "total": sum(seconds.values())}, indent=1))


if __name__ == "__main__":
    main()
