"""Nodes at snapped places: a network cut where points join it."""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.network import Network, Snaps
from geo.stretches import stretches

Ints = NDArray[np.int64]


def split(network: Network, snaps: Snaps) -> tuple[Network, Ints, Ints]:
    """Make a node of every snapped place.

    Returns
    -------
    network, node, origin
        The network with those edges cut (new edges and nodes come last; uncut edges keep their order), the node of
        every point (-1 where it did not snap) and, for every edge, the edge it was part of.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from geo.network import build_network, snap
    >>> street = build_network(gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (10, 0)])], crs="EPSG:4547"))
    >>> cut, node, origin = split(street, snap(street, [[4, 3], [10, 0]], max_distance_m=3))
    >>> cut.edge_length_mm.tolist(), node.tolist(), origin.tolist()
    ([4000, 6000], [2, 1], [0, 0])

    """
    node = np.full(len(snaps.edge), -1, np.int64)
    here = np.flatnonzero(snaps.edge >= 0)
    edge, length = snaps.edge[here], network.edge_length_mm[snaps.edge[here]].astype(np.int64)
    at = np.rint(snaps.fraction[here] * length).astype(np.int64)
    node[here[at <= 0]] = network.edge_from[edge[at <= 0]]
    node[here[at >= length]] = network.edge_to[edge[at >= length]]
    inner = np.flatnonzero((at > 0) & (at < length))
    places, inverse = np.unique(np.column_stack([edge[inner], at[inner]]), axis=0, return_inverse=True)
    new = len(network.node_xy) + np.arange(len(places))
    node[here[inner]] = new[inverse.ravel()]
    if len(places) == 0:
        return network, node, np.arange(len(network.edge_road))
    cut, origin = _cut_edges(network, places, new)
    return cut, node, origin


def _cut_edges(network: Network, places: Ints, new: Ints) -> tuple[Network, Ints]:
    """Cut edges at (edge, millimetre) places, sorted, into pieces whose lengths add up to the whole."""
    cut = np.unique(places[:, 0])
    length = network.edge_length_mm.astype(np.int64)
    edge = np.r_[cut, places[:, 0], cut]
    at = np.r_[np.zeros(len(cut), np.int64), places[:, 1], length[cut]]
    node = np.r_[network.edge_from[cut], new, network.edge_to[cut]]
    order = np.lexsort((at, edge))
    edge, at, node = edge[order], at[order], node[order]
    piece = np.flatnonzero(edge[1:] == edge[:-1])
    old = edge[piece]
    lines = network.edge_geometry[old]
    metres = shapely.length(lines)
    shapes = stretches(lines, at[piece] / length[old] * metres, at[piece + 1] / length[old] * metres)
    xy = shapely.line_interpolate_point(
        network.edge_geometry[places[:, 0]], places[:, 1] / length[places[:, 0]], normalized=True
    )
    keep = np.ones(len(length), bool)
    keep[cut] = False
    whole = Network(
        np.vstack([network.node_xy, shapely.get_coordinates(xy)]),
        np.r_[network.edge_from[keep], node[piece]],
        np.r_[network.edge_to[keep], node[piece + 1]],
        np.r_[network.edge_length_mm[keep], (at[piece + 1] - at[piece]).astype(np.uint32)],
        np.r_[network.edge_road[keep], network.edge_road[old]],
        np.r_[network.edge_geometry[keep], shapes],
        network.repairs,
    )
    return whole, np.r_[np.flatnonzero(keep), old]
