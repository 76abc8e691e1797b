"""Invent hills, valleys and rivers on a lattice of cells."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from demo.sizes import CENTRE_X, CENTRE_Y, Array, Size

RELIEF_M = 950.0
LOWEST_M = 70.0
RIVER_KM2 = 6.0
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Terrain:
    """A lattice of square cells, north up: heights in metres, the county's mask, rivers and steepness in percent."""

    left_x: float
    top_y: float
    cell_m: float
    elevation: Array
    inside: Array
    river: Array
    river_distance_m: Array
    above_river_m: Array
    slope_percent: Array
    drained_km2: Array

    def xy(self, cells: Array) -> Array:
        """Give the centre of lattice cells (flat indices) as an (n, 2) array of metres."""
        rows, columns = np.divmod(cells, self.elevation.shape[1])
        return np.column_stack([self.left_x + (columns + 0.5) * self.cell_m, self.top_y - (rows + 0.5) * self.cell_m])

    def cell(self, xy: Array) -> Array:
        """Give the flat index of the lattice cell under each point, clipped to the lattice."""
        height, width = self.elevation.shape
        columns = np.clip(((xy[:, 0] - self.left_x) / self.cell_m).astype(np.int64), 0, width - 1)
        rows = np.clip(((self.top_y - xy[:, 1]) / self.cell_m).astype(np.int64), 0, height - 1)
        return np.asarray(rows * width + columns)


def noise(rng: np.random.Generator, shape: tuple[int, int], wave_cells: float, roughness: float) -> Array:
    """Draw smooth random hills with mean 0 and deviation 1; `wave_cells` is the longest wave."""
    white = rng.standard_normal(shape, dtype=np.float32)
    spectrum = np.fft.rfft2(white)
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(fx, fy)
    gain = (frequency**2 + (1.0 / wave_cells) ** 2) ** (-roughness / 2)
    gain[0, 0] = 0.0
    field = np.fft.irfft2(spectrum * gain, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)


def lattice_graph(cost: Array, cell_m: float, allowed: Array | None = None) -> sparse.csr_matrix:
    """Join each cell to its eight neighbours; an edge costs its length times the mean cost of its ends."""
    height, width = cost.shape
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    starts, ends, weights = [], [], []
    for down, right in STEPS:
        here = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(down, height), slice(max(0, right), width + min(0, right)))
        weight = (cost[here] + cost[there]) * (cell_m * np.hypot(down, right) / 2)
        keep = np.isfinite(weight)
        if allowed is not None:
            keep &= allowed[here] & allowed[there]
        starts.append(index[here][keep])
        ends.append(index[there][keep])
        weights.append(weight[keep])
    start, end, weight = np.concatenate(starts), np.concatenate(ends), np.concatenate(weights).astype(np.float64)
    n = height * width
    return sparse.csr_matrix(
        (np.concatenate([weight, weight]), (np.concatenate([start, end]), np.concatenate([end, start]))), shape=(n, n)
    )


def tree_levels(predecessor: Array) -> list[Array]:
    """Group the nodes of a forest by their depth, roots (predecessor below 0) first."""
    is_root = predecessor < 0
    above = np.where(is_root, np.arange(predecessor.size), predecessor)
    depth = np.where(is_root, 0, 1)
    while True:
        step = depth[above]
        if not step.any():
            break
        depth = depth + step
        above = above[above]
    order = np.argsort(depth, kind="stable")
    return np.split(order, np.cumsum(np.bincount(depth))[:-1])


def drain(elevation: Array, cell_m: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Lead every cell along low ground to an outlet; return cells drained and heights carved to fall downstream."""
    height, width = elevation.shape
    relative = (elevation - elevation.min()) / np.ptp(elevation)
    graph = lattice_graph((0.08 + relative) ** 3, cell_m)
    edge = np.zeros_like(elevation, dtype=bool)
    edge[0], edge[-1], edge[:, 0], edge[:, -1] = True, True, True, True
    rim = np.flatnonzero(edge)
    outlets = rim[np.argsort(elevation.ravel()[rim] + rng.random(rim.size), kind="stable")[:2]]
    _, predecessor, _ = csgraph.dijkstra(graph, indices=outlets, min_only=True, return_predecessors=True)
    levels = tree_levels(predecessor)
    drained = np.ones(height * width)
    carved = elevation.ravel().astype(np.float64)
    for nodes in reversed(levels[1:]):
        np.add.at(drained, predecessor[nodes], drained[nodes])
        np.minimum.at(carved, predecessor[nodes], carved[nodes] - 0.02)
    return drained.reshape(height, width), carved.reshape(height, width)


def outline(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Array:
    """Draw the county as one piece of about the given number of cells, with an irregular border."""
    rows, columns = np.indices(shape, dtype=np.float32)
    radius = np.hypot((rows - shape[0] / 2) / shape[0], (columns - shape[1] / 2) / shape[1])
    field = radius + 0.045 * noise(rng, shape, shape[0] / 3, 2.6)
    rim = np.minimum(np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns))
    field[rim < 3] = 9.0
    limit = np.partition(field.ravel(), cells)[cells]
    labels, count = ndimage.label(ndimage.binary_opening(field < limit, iterations=2))
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:])) if count else 0
    return np.asarray(ndimage.binary_fill_holes(labels == largest))


def make_terrain(size: Size, rng: np.random.Generator) -> Terrain:
    """Make the ground of a demo county: ridges, valleys falling to an outlet, rivers and the county outline."""
    side = int(1.35 * np.sqrt(size.area_m2) / size.lattice_m)
    shape = (side, side)
    wave = 9_000.0 / size.lattice_m
    ridges = 1.0 - np.abs(noise(rng, shape, wave, 2.1)) / 1.6
    plan = 0.55 * ridges + 0.28 * noise(rng, shape, wave * 3, 2.4) + 0.10 * noise(rng, shape, wave / 3, 2.0)
    plan = (plan - plan.min()) / np.ptp(plan)
    relief_m = RELIEF_M * min(1.0, side * size.lattice_m / 60_000) ** 0.6
    rough = LOWEST_M + relief_m * plan.astype(np.float64) ** 1.3
    drained, carved = drain(rough, size.lattice_m, rng)
    drained_km2 = drained * size.lattice_m**2 / 1e6
    river = drained_km2 > RIVER_KM2
    distance, nearest = ndimage.distance_transform_edt(~river, sampling=size.lattice_m, return_indices=True)
    floor = carved[nearest[0], nearest[1]]
    width = 120.0 + 60.0 * np.sqrt(np.minimum(drained_km2[nearest[0], nearest[1]], 60.0))
    rise = np.maximum(np.maximum(rough, carved) - floor, 0.0)
    elevation = floor + rise * (1.0 - np.exp(-((distance / width) ** 2))) + 0.004 * distance
    elevation = ndimage.gaussian_filter(elevation, 0.7)
    down, right = np.gradient(elevation, size.lattice_m)
    return Terrain(
        left_x=float(np.floor(CENTRE_X - side * size.lattice_m / 2)),
        top_y=float(np.floor(CENTRE_Y + side * size.lattice_m / 2)),
        cell_m=size.lattice_m,
        elevation=elevation.astype(np.float32),
        inside=outline(rng, shape, int(size.area_m2 / size.lattice_m**2)),
        river=river,
        river_distance_m=distance.astype(np.float32),
        above_river_m=(elevation - floor).astype(np.float32),
        slope_percent=(100 * np.hypot(down, right)).astype(np.float32),
        drained_km2=drained_km2.astype(np.float32),
    )


def fine_elevation(terrain: Terrain, cell_m: float, rng: np.random.Generator) -> Array:
    """Refine the lattice heights to smaller cells, in metres to one decimal, with a little roughness."""
    factor = terrain.cell_m / cell_m
    shape = tuple(int(n * factor) for n in terrain.elevation.shape)
    grid = ndimage.zoom(
        terrain.elevation,
        [n / m for n, m in zip(shape, terrain.elevation.shape, strict=True)],
        order=1,
        grid_mode=True,
        mode="nearest",
    )
    grain = ndimage.zoom(
        rng.standard_normal(terrain.elevation.shape).astype(np.float32),
        [n / m for n, m in zip(grid.shape, terrain.elevation.shape, strict=True)],
        order=1,
        grid_mode=True,
        mode="nearest",
    )
    return np.asarray(np.round(grid + 0.6 * grain, 1), dtype=np.float32)
