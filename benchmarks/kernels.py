"""Our kernels beside the library call a user would make, on the layers of a demo office; CPU seconds, medians of three.

    python -m benchmarks.kernels --size city

Every pair gives the same answer, which is checked on the way; "index kept" is a second question to the same layer.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import rasterio
import rasterio.features
import shapely

from analysis.surfaces import road_network
from benchmarks.stages import demo_office
from geo.nearest import containing, line_index, nearest_line, nearest_point
from geo.network import Network, shortest
from geo.raster import zonal
from layers.workspace import Workspace
from tracker.office import open_office

RUNS = 3


def seconds(function: Callable[[], Any], runs: int = RUNS) -> tuple[float, Any]:
    """Median CPU seconds of several runs, and the answer of the last."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        found = function()
        taken.append(time.process_time() - start)
    return round(statistics.median(taken), 4), found


def row(ours: float, theirs: float, what: str, **more: Any) -> dict[str, Any]:
    """Lay out one comparison."""
    return {"against": what, "ours": ours, "theirs": theirs, "ratio": round(theirs / max(ours, 1e-4), 1), **more}


def places(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """Rows that have a point, and their coordinates."""
    held = frame[["geometry"]][frame.geometry.notna() & ~frame.geometry.is_empty].reset_index(drop=True)
    return held, shapely.get_coordinates(held.geometry.to_numpy())


def households_in_villages(ws: Workspace) -> dict[str, Any]:
    """Which village covers each household: `containing` against `sjoin`."""
    homes, xy = places(ws.layers["households"])
    villages = ws.layers["villages"][["geometry"]]
    ours, found = seconds(lambda: containing(xy, villages.geometry.to_numpy()))
    theirs, joined = seconds(lambda: gpd.sjoin(homes, villages, predicate="intersects"))
    first = joined.groupby(level=0)["index_right"].min()
    assert (found[first.index] == first.to_numpy()).all()
    assert (found >= 0).sum() == len(first)
    return row(ours, theirs, "geopandas.sjoin", points=len(xy), polygons=len(villages))


def nearest_clinic(ws: Workspace) -> dict[str, Any]:
    """How far the nearest clinic is from each household: `nearest_point` against `sjoin_nearest`."""
    homes, xy = places(ws.layers["households"])
    facilities = ws.layers["facilities"]
    clinics, goals = places(facilities[facilities["kind"] == "clinic"])
    ours, (_, metres) = seconds(lambda: nearest_point(xy, goals))
    theirs, joined = seconds(lambda: gpd.sjoin_nearest(homes, clinics, distance_col="metres"), runs=1)
    assert np.allclose(joined[~joined.index.duplicated()]["metres"], metres, atol=1e-6)
    return row(ours, theirs, "geopandas.sjoin_nearest", points=len(xy), targets=len(goals))


def nearest_road(ws: Workspace) -> dict[str, Any]:
    """How far the nearest road is from each household: `nearest_line` against `sjoin_nearest`."""
    homes, xy = places(ws.layers["households"])
    roads = ws.layers["roads"][["geometry"]]
    lines = roads.geometry.to_numpy()
    nearest_line(xy[:10], lines[:10])  # compiled beforehand
    whole, (_, metres, _) = seconds(lambda: nearest_line(xy, lines))
    index = line_index(lines)
    kept, _ = seconds(lambda: nearest_line(xy, index))
    theirs, joined = seconds(lambda: gpd.sjoin_nearest(homes, roads, distance_col="metres"), runs=1)
    assert np.allclose(joined[~joined.index.duplicated()]["metres"], metres, atol=1e-6)
    ratio = round(theirs / kept, 1)
    return row(whole, theirs, "geopandas.sjoin_nearest", index_kept=kept, ratio_index_kept=ratio, points=len(xy))


def network_access(network: Network) -> dict[str, Any]:
    """Metres along the roads from every node to the nearest of 100 places: csgraph against networkx, both searches only."""
    sources = np.linspace(0, len(network.node_xy) - 1, 100).astype(np.int64)
    weight = network.edge_length_mm.astype(np.float64)
    ours, (reached, _, _) = seconds(lambda: shortest(network, weight_mm=weight, sources=sources))
    graph = nx.Graph()
    for u, v, mm in zip(network.edge_from.tolist(), network.edge_to.tolist(), weight.tolist(), strict=True):
        if not graph.has_edge(u, v) or mm < graph[u][v]["mm"]:
            graph.add_edge(u, v, mm=mm)
    start = set(sources.tolist())
    theirs, lengths = seconds(lambda: nx.multi_source_dijkstra_path_length(graph, start, weight="mm"), runs=1)
    nodes = np.fromiter(lengths, np.int64)
    assert (reached[nodes] == np.fromiter(lengths.values(), np.float64)).all()
    return row(ours, theirs, "networkx.multi_source_dijkstra", nodes=len(network.node_xy), edges=len(weight))


def noding(ws: Workspace) -> dict[str, Any]:
    """Road lines to a noded network: `build_network` against `union_all`, with and without a grid; pieces apart."""
    roads = ws.layers["roads"]
    road_network(roads.iloc[:50])  # compiled beforehand
    ours, network = seconds(lambda: road_network(roads))
    lines = roads.geometry.to_numpy()
    theirs, plain = seconds(lambda: shapely.union_all(lines), runs=1)
    grid, snapped = seconds(lambda: shapely.union_all(lines, grid_size=2.0), runs=1)
    ends = list(zip(network.edge_from.tolist(), network.edge_to.tolist(), strict=True))
    pieces = {"ours": nx.number_connected_components(nx.Graph(ends))}
    for name, merged in (("union_all", plain), ("union_all(grid_size=2)", snapped)):
        parts = shapely.get_parts(merged)
        first, last = (shapely.get_coordinates(shapely.get_point(parts, end)) for end in (0, -1))
        pairs = zip(map(tuple, first.tolist()), map(tuple, last.tolist()), strict=True)
        pieces[name] = nx.number_connected_components(nx.Graph(pairs))
    return row(ours, theirs, "shapely.union_all", grid_size_2=grid, connected_pieces=pieces)


def zonal_population(ws: Workspace, raster: Path) -> dict[str, Any]:
    """People in each village: `zonal` against rasterize and bincount."""
    villages = ws.layers["villages"]

    def user() -> np.ndarray:
        with rasterio.open(raster) as source:
            values = source.read(1, masked=True).filled(0).astype(float)
            shapes = villages.geometry.to_crs(source.crs)
            numbered = [(shape, number) for number, shape in enumerate(shapes, 1)]
            zones = rasterio.features.rasterize(numbered, out_shape=values.shape, transform=source.transform)
        return np.bincount(zones.ravel(), weights=values.ravel(), minlength=len(villages) + 1)[1:]

    ours, found = seconds(lambda: zonal(raster, villages, stat="sum"))
    theirs, expected = seconds(user)
    apart = float(np.abs(np.nan_to_num(found.to_numpy()) - expected).sum() / expected.sum())
    return row(ours, theirs, "rasterio.features.rasterize + bincount", zones=len(villages), share_apart=round(apart, 6))


def measure(office: Path) -> dict[str, Any]:
    """Run every comparison on one office."""
    desk = open_office(office)
    day: date = desk.default_day()
    ws = desk.workspace(day)
    report = {
        "households_in_villages": households_in_villages(ws),
        "nearest_point": nearest_clinic(ws),
        "nearest_line": nearest_road(ws),
        "noding": noding(ws),
        "network_access": network_access(road_network(ws.layers["roads"])),
    }
    raster = desk.rasters(day).get("population")
    return report | ({"zonal": zonal_population(ws, raster)} if raster else {})


def main() -> None:
    """Print the comparisons as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", "county", "city"], default="county")
    parser.add_argument("--office", type=Path)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.office or demo_office(asked.size)), indent=1))


if __name__ == "__main__":
    main()
