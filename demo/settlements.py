"""Place towns, villages, natural villages and households in the valleys."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from rasterio import features
from rasterio.transform import Affine
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from demo import names
from demo.sizes import Array, Size
from demo.terrain import Terrain, lattice_graph

POOR_VILLAGE_SHARE = 0.30
KEY_VILLAGE_SHARE = 0.12


@dataclass(frozen=True)
class Settlements:
    """Plain tables of the county's places; `town`, `village` and `hamlet` columns are row positions, not ids."""

    towns: pd.DataFrame
    villages: pd.DataFrame
    hamlets: pd.DataFrame
    village_shapes: Array
    town_shapes: Array
    village_of_cell: Array


def _pleasantness(terrain: Terrain) -> Array:
    """Score cells for living: gentle, low, near a river but not in it, and inside the county (log scale)."""
    away = np.maximum(terrain.river_distance_m - 150.0, 0.0)
    score = -terrain.slope_percent / 9.0 - terrain.above_river_m / 70.0 - away / 900.0
    score = np.where(terrain.river | ~terrain.inside, -np.inf, score)
    return np.asarray(score, dtype=np.float64)


def _block_best(score: Array, block: int) -> Array:
    """Return the flat index of the best cell of each square block that has any finite score."""
    height, width = score.shape
    tall, wide = -(-height // block) * block, -(-width // block) * block
    padded = np.full((tall, wide), -np.inf)
    padded[:height, :width] = score
    tiles = padded.reshape(tall // block, block, wide // block, block).swapaxes(1, 2).reshape(-1, block * block)
    best = tiles.argmax(axis=1)
    finite = np.isfinite(tiles.max(axis=1))
    tile_row, tile_column = np.divmod(np.arange(tiles.shape[0]), wide // block)
    cells = (tile_row * block + best // block) * width + tile_column * block + best % block
    return np.asarray(cells[finite])


def _seats(terrain: Terrain, score: Array, size: Size, rng: np.random.Generator) -> Array:
    """Choose the cells of village seats: good ground, well spread."""
    spaced = score + rng.gumbel(size=score.shape) * 0.8
    block = max(2, int(np.sqrt(size.village_km2 * 1e6 / 1.9) / terrain.cell_m))
    cells = _block_best(spaced, block)
    order = np.argsort(-spaced.ravel()[cells], kind="stable")
    return np.sort(cells[order[: size.villages]])


def _allocate(terrain: Terrain, seats: Array) -> Array:
    """Give each cell to the seat it is easiest to reach from; -1 outside the county."""
    cost = 1.0 + (terrain.slope_percent / 18.0) ** 1.5 + terrain.above_river_m / 120.0
    graph = lattice_graph(np.where(terrain.inside, cost, np.inf).astype(np.float64), terrain.cell_m)
    _, _, source = csgraph.dijkstra(graph, indices=seats, min_only=True, return_predecessors=True)
    position = np.full(source.size, -1, dtype=np.int32)
    position[seats] = np.arange(seats.size, dtype=np.int32)
    owner = np.where(source >= 0, position[np.maximum(source, 0)], -1).reshape(terrain.inside.shape)
    return _one_piece(owner.astype(np.int32), seats)


def _one_piece(owner: Array, seats: Array) -> Array:
    """Hand cells that touch the rest of their village only at corners to the village beside them."""
    index = np.arange(owner.size).reshape(owner.shape)
    across, down = owner[:, :-1] == owner[:, 1:], owner[:-1] == owner[1:]
    start = np.concatenate([index[:, :-1][across], index[:-1][down]])
    end = np.concatenate([index[:, 1:][across], index[1:][down]])
    graph = sparse.csr_matrix((np.ones(start.size, dtype=np.int8), (start, end)), shape=(owner.size, owner.size))
    _, piece = csgraph.connected_components(graph, directed=False)
    main = piece[seats][np.maximum(owner.ravel(), 0)].reshape(owner.shape) == piece.reshape(owner.shape)
    stray = (owner >= 0) & ~main
    nearest = ndimage.distance_transform_edt(stray | (owner < 0), return_distances=False, return_indices=True)
    return np.where(stray, owner[nearest[0], nearest[1]], owner)


def _warp(terrain: Terrain, xy: Array) -> Array:
    """Bend coordinates a little, the same way wherever the same point occurs, so borders lose the lattice look."""
    reach = terrain.cell_m * 0.25
    u, v = xy[:, 0] / terrain.cell_m, xy[:, 1] / terrain.cell_m
    return np.round(
        np.column_stack([xy[:, 0] + reach * np.sin(1.7 * v + 0.9 * u), xy[:, 1] + reach * np.cos(1.3 * u - 1.1 * v)]),
        3,
    )


def _shapes(terrain: Terrain, owner: Array, count: int) -> Array:
    """Trace the cells of each owner into polygons that share their borders to the last digit."""
    place = Affine(terrain.cell_m, 0, terrain.left_x, 0, -terrain.cell_m, terrain.top_y)
    parts: list[list[shapely.Geometry]] = [[] for _ in range(count)]
    for shape, value in features.shapes(owner, mask=owner >= 0, connectivity=4, transform=place):
        rings = [np.asarray(ring) for ring in shape["coordinates"]]
        parts[int(value)].append(shapely.Polygon(rings[0], rings[1:]))
    whole = np.array([p[0] if len(p) == 1 else shapely.MultiPolygon(p) for p in parts], dtype=object)
    whole = shapely.segmentize(whole, terrain.cell_m * 1.01)
    smooth = shapely.coverage_simplify(whole, tolerance=terrain.cell_m * 1.1)
    bent = np.asarray(shapely.transform(smooth, lambda xy: _warp(terrain, xy)))
    return bent if shapely.is_valid(bent).all() else np.asarray(smooth)


def _group_towns(seat_xy: Array, owner: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Gather neighbouring villages into towns; return each village's group and the village each seat lies in."""
    n = seat_xy.shape[0]
    across = np.concatenate(
        [
            np.column_stack([owner[:, :-1].ravel(), owner[:, 1:].ravel()]),
            np.column_stack([owner[:-1].ravel(), owner[1:].ravel()]),
        ]
    )
    across = np.unique(across[(across[:, 0] != across[:, 1]) & (across >= 0).all(axis=1)], axis=0)
    length = np.hypot(*(seat_xy[across[:, 0]] - seat_xy[across[:, 1]]).T)
    graph = sparse.csr_matrix((length, (across[:, 0], across[:, 1])), shape=(n, n)).minimum(np.inf)
    graph = graph.maximum(graph.T)
    capitals = _spread(seat_xy, count, rng)
    _, _, source = csgraph.dijkstra(graph, indices=capitals, min_only=True, return_predecessors=True)
    position = np.full(n, -1, dtype=np.int64)
    position[capitals] = np.arange(capitals.size)
    group = np.where(source >= 0, position[np.maximum(source, 0)], 0)
    return np.asarray(group), capitals


def _spread(xy: Array, count: int, rng: np.random.Generator) -> Array:
    """Pick points far from one another, after a few rounds of moving to the middle of their neighbours."""
    chosen = xy[rng.choice(xy.shape[0], size=min(count, xy.shape[0]), replace=False)]
    for _ in range(12):
        nearest = cKDTree(chosen).query(xy)[1]
        weight = np.maximum(np.bincount(nearest, minlength=len(chosen)), 1)
        chosen = np.column_stack([np.bincount(nearest, xy[:, k], minlength=len(chosen)) / weight for k in (0, 1)])
    found = np.unique(cKDTree(xy).query(chosen)[1])
    return found[np.argsort(np.hypot(*(xy[found] - xy.mean(axis=0)).T), kind="stable")]


def _hamlet_cells(score: Array, owner: Array, size: Size, cell_m: float, rng: np.random.Generator) -> Array:
    """Choose the cells of natural villages, about as many in each village as its good ground allows."""
    rough = np.where(_deep(owner), score * 0.55, -np.inf) + rng.gumbel(size=score.shape)
    cells = _block_best(np.where(owner >= 0, rough, -np.inf), max(1, round(300.0 / cell_m)))
    village = owner.ravel()[cells]
    value = rough.ravel()[cells]
    share = rng.lognormal(0.0, 0.35, size.villages)
    wanted = np.maximum(2, np.round(share / share.sum() * size.natural_villages * 0.97)).astype(np.int64)
    order = np.lexsort((-value, village))
    _, first, members = np.unique(village[order], return_index=True, return_counts=True)
    rank = np.arange(order.size) - np.repeat(first, members)
    taken = rank < wanted[village[order]]
    chosen, rest = order[taken], order[~taken]
    missing = max(0, size.natural_villages - chosen.size)
    extra = rest[np.argsort(-value[rest], kind="stable")[:missing]]
    return np.sort(cells[np.concatenate([chosen, extra])[: size.natural_villages]])


def _deep(owner: Array) -> Array:
    """Tell which cells have only cells of their own village around them, so that smoothed borders cannot lose them."""
    same = owner >= 0
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            same = same & (np.roll(owner, step, axis) == owner)
    return np.asarray(same)


def make_settlements(terrain: Terrain, size: Size, rng: np.random.Generator) -> Settlements:
    """Place every town, village and natural village of a demo county."""
    score = _pleasantness(terrain)
    seats = _seats(terrain, score, size, rng)
    owner = _allocate(terrain, seats)
    seat_xy = np.round(terrain.xy(seats) + rng.uniform(-0.3, 0.3, (seats.size, 2)) * terrain.cell_m, 2)
    group, capitals = _group_towns(seat_xy, owner, size.towns, rng)
    shapes = _shapes(terrain, owner, seats.size)
    astray = ~shapely.contains_xy(shapes, seat_xy[:, 0], seat_xy[:, 1])
    seat_xy[astray] = shapely.get_coordinates(shapely.point_on_surface(shapes[astray])).round(2)
    seats = terrain.cell(seat_xy)
    towns = _town_table(seat_xy, group, capitals, size, rng)
    villages = _village_table(towns, seats, seat_xy, group, capitals, rng)
    cells = _hamlet_cells(score, owner, size, terrain.cell_m, rng)
    hamlets = _hamlet_table(terrain, villages, cells, owner.ravel()[cells], size, rng)
    return Settlements(
        towns=towns,
        villages=villages,
        hamlets=hamlets,
        village_shapes=shapes,
        town_shapes=_dissolve(shapes, group, len(towns)),
        village_of_cell=owner,
    )


def _dissolve(shapes: Array, group: Array, count: int) -> Array:
    """Merge the polygons of each group along their shared borders."""
    return np.array([shapely.coverage_union_all(shapes[group == g]) for g in range(count)], dtype=object)


def _town_table(seat_xy: Array, group: Array, capitals: Array, size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """List the towns with code, name and the row of the village that is their seat; the first is the county seat."""
    centre = seat_xy[capitals]
    county = _counties(centre, size.counties, rng)
    rank = pd.Series(county).groupby(county).cumcount().to_numpy()
    codes = _county_codes(size.counties)[county]
    town = names.town_names(rng, capitals.size, county)
    kind = np.where(rank == 0, "街道", np.where(rng.random(capitals.size) < 0.12, "乡", "镇"))
    number = np.where(kind == "街道", 1 + rank, np.where(kind == "镇", 100 + rank, 200 + rank))
    return pd.DataFrame(
        {
            "town_id": [f"{c}{k:03d}" for c, k in zip(codes, number, strict=True)],
            "name": town + kind.astype(object),
            "county": county,
            "county_code": codes,
            "seat": capitals,
            "villages": np.bincount(group, minlength=capitals.size),
        }
    )


def _county_codes(count: int) -> Array:
    """Make six-digit codes that no county has: 999901, 999902 … then 999801 …

    Examples
    --------
    >>> _county_codes(16)[[0, 14, 15]].tolist()
    ['999901', '999915', '999801']
    """
    return np.array([f"99{99 - k // 15:02d}{k % 15 + 1:02d}" for k in range(count)], dtype=object)


def _counties(centre: Array, count: int, rng: np.random.Generator) -> Array:
    """Gather towns into counties by nearness."""
    if count == 1:
        return np.zeros(centre.shape[0], dtype=np.int64)
    middles = centre[_spread(centre, count, rng)]
    return np.asarray(cKDTree(middles).query(centre)[1])


def _village_table(
    towns: pd.DataFrame, seats: Array, seat_xy: Array, group: Array, capitals: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """List the villages with code, name, kind and poverty list."""
    county = towns["county"].to_numpy()[group]
    is_seat = np.zeros(seats.size, dtype=bool)
    is_seat[capitals] = True
    urban = is_seat | (rng.random(seats.size) < 0.03)
    rank = pd.Series(group).groupby([group, urban]).cumcount().to_numpy()
    number = np.where(urban, 1 + rank, 200 + rank)
    draw = rng.permutation(seats.size) / seats.size
    listed = np.where(
        draw < POOR_VILLAGE_SHARE, "poor", np.where(draw < POOR_VILLAGE_SHARE + KEY_VILLAGE_SHARE, "key", "none")
    )
    short = names.village_names(rng, county, group)
    return pd.DataFrame(
        {
            "village_id": [f"{t}{k:03d}" for t, k in zip(towns["town_id"].to_numpy()[group], number, strict=True)],
            "short_name": short,
            "name": short + np.where(urban, "社区居委会", "村委会").astype(object),
            "town": group,
            "kind": np.where(urban, "community", "administrative"),
            "list_type": np.where(urban, "none", listed),
            "seat_x": seat_xy[:, 0],
            "seat_y": seat_xy[:, 1],
            "cell": seats,
        }
    )


def _hamlet_table(
    terrain: Terrain, villages: pd.DataFrame, cells: Array, village: Array, size: Size, rng: np.random.Generator
) -> pd.DataFrame:
    """List the natural villages with their houses; people are counted later from the houses."""
    count = cells.size
    xy = np.round(terrain.xy(cells) + rng.uniform(-0.3, 0.3, (count, 2)) * terrain.cell_m, 2)
    rank = pd.Series(village).groupby(village).cumcount().to_numpy()
    urban = villages["kind"].to_numpy()[village] == "community"
    share = rng.lognormal(0.0, 0.75, count) * np.where(urban, 2.2, 1.0)
    houses = np.maximum(4, np.floor(share / share.sum() * size.households)).astype(np.int64)
    gap = size.households - int(houses.sum())
    spare = np.argsort(-houses, kind="stable")[: abs(gap) % count]
    houses[spare] += np.sign(gap)
    houses += (abs(gap) // count) * np.sign(gap)
    return pd.DataFrame(
        {
            "natural_village_id": [
                f"{v}{k + 1:03d}" for v, k in zip(villages["village_id"].to_numpy()[village], rank, strict=True)
            ],
            "name": names.hamlet_names(rng, village),
            "village": village,
            "x": xy[:, 0],
            "y": xy[:, 1],
            "cell": cells,
            "houses": np.maximum(houses, 1),
        }
    )


def near_home(places: Settlements, village: Array, centre: Array, offset: Array) -> Array:
    """Place things around their centres, nearer to them where they would lie outside their village.

    `village` is a row position, `centre` and `offset` are (n, 2) metres; a centre lies inside its village.
    """
    shapely.prepare(places.village_shapes)
    xy = centre + offset
    for share in (0.3, 0.1, 0.0):
        away = ~shapely.contains_xy(places.village_shapes[village], xy[:, 0], xy[:, 1])
        if not away.any():
            break
        xy[away] = centre[away] + offset[away] * share
    return np.asarray(xy)
