"""Road lines -> noded graph; snapping points to it; shortest paths over it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Network:
    """A noded road network as arrays. Edge e runs from node edge_from[e] to edge_to[e]."""

    node_xy: NDArray[np.float64]
    edge_from: NDArray[np.int64]
    edge_to: NDArray[np.int64]
    edge_length_mm: NDArray[np.uint32]
    edge_road: NDArray[np.int64]
    edge_geometry: NDArray[Any]
    repairs: Any  # DataFrame: kind, road, other_road, x, y, distance_m, is_applied


@dataclass(frozen=True)
class Snaps:
    """Where points meet the network: edge (-1 none), fraction along it (0..1), straight distance (inf none)."""

    edge: NDArray[np.int64]
    fraction: NDArray[np.float64]
    distance_m: NDArray[np.float64]


def build_network(roads: Any, *, tolerance_m: float = 2.0, keep_apart: Any = None) -> Network:
    """Node road lines; keep_apart = (n,2) places whose repair is undone."""
    raise NotImplementedError


def snap(network: Network, points: Any, *, max_distance_m: float, edge_mask: Any = None) -> Snaps:
    """Find the nearest place on the network (inclusive bound) for every point."""
    raise NotImplementedError


def split(network: Network, snaps: Snaps) -> tuple[Network, NDArray[np.int64]]:
    """Make a node of every snapped place -> the network with them, and the node of each point (-1 none)."""
    raise NotImplementedError


def shortest(
    network: Network, *, weight_mm: Any, sources: Any
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Shortest way from the nearest source node to every node -> distance_mm (inf), predecessor, source (-1)."""
    raise NotImplementedError


def to_networkx(network: Network) -> Any:
    """Return the network as a networkx MultiGraph."""
    raise NotImplementedError
