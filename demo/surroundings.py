"""Bridges, pipes, lines, service areas and hazards around the roads and villages."""

import numpy as np
import pandas as pd
import shapely

from demo.roads import Roads
from demo.routes import CLASSES
from demo.settlements import Settlements
from demo.sizes import Array
from demo.terrain import Terrain

RATINGS = np.array(["一类", "二类", "三类", "四类", "五类", "未评级"], dtype=object)


def make_bridges(roads: Roads, codes: Array, classes: Array, rng: np.random.Generator) -> pd.DataFrame:
    """Put a bridge on most river crossings, wider on higher roads, longer over larger rivers, some in danger."""
    at = roads.river_crossings
    at = at[rng.random(len(at)) < 0.9].sort_values(["route", "x", "y"], kind="stable").reset_index(drop=True)
    n = len(at)
    route = at["route"].to_numpy()
    kind = classes[route]
    span = np.clip(5.0 + 2.4 * np.sqrt(at["drained_km2"].to_numpy()) * rng.uniform(0.7, 1.3, n), 5.0, 45.0)
    spans = 1 + rng.integers(0, 4, n)
    share = np.array([0.18, 0.42, 0.24, 0.09, 0.04, 0.03])
    rating = np.searchsorted(np.cumsum(share), rng.random(n), side="right").clip(0, 5)
    rank = at.groupby("route").cumcount().to_numpy() + 1
    width = np.array([12.0, 9.0, 8.5, 7.0, 5.5, 4.5])[kind] + rng.choice([-1.0, -0.5, 0.0, 0.0, 0.5, 1.0], n)
    return pd.DataFrame(
        {
            "桥梁代码": [f"{codes[r]}L{k:04d}" for r, k in zip(route, rank, strict=True)],
            "桥梁名称": [f"{codes[r][:4]}线{k}号桥" for r, k in zip(route, rank, strict=True)],
            "路线编号": codes[route],
            "技术状况评定等级": RATINGS[rating],
            "桥梁全长": np.round(span * spans + 4.0, 1),
            "单孔最大跨径": np.round(span, 1),
            "桥面净宽": width,
            "x": np.round(at["x"].to_numpy(), 2),
            "y": np.round(at["y"].to_numpy(), 2),
            "行政等级": CLASSES[kind],
        }
    )


def make_lines(
    places: Settlements, roads: Roads, facilities: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, Array]:
    """Lead pipes from water works to natural villages, power lines and fibre along the main roads."""
    hamlets = places.hamlets
    works = facilities[(facilities["kind"] == "water_works") & (facilities["status"] == "在用")]
    source = works.drop_duplicates("village").set_index("village")
    piped = hamlets[hamlets["village"].isin(source.index)].reset_index(drop=True)
    piped = piped[rng.random(len(piped)) < 0.7]
    start = source.loc[piped["village"], ["x", "y"]].to_numpy()
    end = piped[["x", "y"]].to_numpy()
    middle = (start + end) / 2 + rng.normal(0, 0.08, (len(piped), 2)) * np.hypot(*(end - start).T)[:, None]
    pipes = shapely.linestrings(np.round(np.stack([start, middle, end], axis=1), 2))
    is_main = (~roads.table["is_street"] & (roads.table["class"] <= 4)).to_numpy()
    along = np.flatnonzero(is_main)
    power = along[rng.random(along.size) < 0.9]
    fibre = along[rng.random(along.size) < 0.75]
    shift = shapely.transform(roads.lines[power], lambda xy: xy + 18.0)
    beside = shapely.transform(roads.lines[fibre], lambda xy: xy - 9.0)
    kind = np.repeat(np.array(["供水管", "10kV线路", "光缆"], dtype=object), [len(pipes), power.size, fibre.size])
    status = np.where(rng.random(kind.size) < 0.97, "在用", "损坏").astype(object)
    lines = np.concatenate([pipes, shift, beside])
    table = pd.DataFrame(
        {"管线编号": [f"GX{k:07d}" for k in range(1, kind.size + 1)], "管线类型": kind, "使用状态": status}
    )
    return table, lines


def make_service_areas(places: Settlements, rng: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Cover villages with water, 4G and television; an area never leaves its village's border by more than signal does."""
    villages = places.villages
    seats = shapely.points(villages[["seat_x", "seat_y"]].to_numpy())
    rows, shapes = [], []
    for kind, share, radius, provider in (
        ("供水", 0.70, 1500.0, "农村集中供水工程"),
        ("4G覆盖", 0.88, 2600.0, "通信运营商（虚构）"),
        ("广播电视", 0.94, 3600.0, "广电网络（虚构）"),
    ):
        chosen = np.flatnonzero(rng.random(len(villages)) < share)
        area = shapely.buffer(seats[chosen], radius * rng.uniform(0.7, 1.3, chosen.size), quad_segs=6)
        if kind == "供水":
            area = shapely.intersection(area, places.village_shapes[chosen])
        rows += [(kind, provider)] * chosen.size
        shapes.append(area)
    geometry = np.concatenate(shapes)
    table = pd.DataFrame(rows, columns=["服务类型", "服务单位"])
    table.insert(0, "范围编号", [f"FW{k:06d}" for k in range(1, len(table) + 1)])
    return table, shapely.set_precision(geometry, 0.01)


def make_hazards(terrain: Terrain, places: Settlements, rng: np.random.Generator) -> tuple[pd.DataFrame, Array, int]:
    """Mark slopes above houses, river banks and an old mine field; the last shape crosses itself on purpose."""
    hamlets = places.hamlets
    xy = hamlets[["x", "y"]].to_numpy()
    cell = terrain.cell(xy)
    steep = terrain.slope_percent.ravel()[cell] > 14.0
    wet = terrain.river_distance_m.ravel()[cell] < 260.0
    slide = np.flatnonzero(steep & (rng.random(xy.shape[0]) < 0.25))
    flood = np.flatnonzero(wet & (rng.random(xy.shape[0]) < 0.14))
    sink = rng.choice(xy.shape[0], size=max(1, xy.shape[0] // 600), replace=False)
    centre = np.concatenate([slide, flood, sink])
    kind = np.repeat(np.array(["滑坡", "洪水", "地面塌陷"], dtype=object), [slide.size, flood.size, sink.size])
    radius = np.where(kind == "洪水", 160.0, 90.0) * rng.uniform(0.6, 1.8, centre.size)
    shapes = _blobs(xy[centre] + rng.normal(0, 60.0, (centre.size, 2)), radius, rng)
    x, y = xy[0]
    bow = shapely.Polygon([(x, y), (x + 200, y + 200), (x + 200, y), (x, y + 180)])
    level = rng.choice(np.array(["高", "中", "低"], dtype=object), centre.size + 1)
    table = pd.DataFrame({"灾害类型": np.append(kind, "滑坡"), "风险等级": level})
    table.insert(0, "隐患点编号", [f"ZH{k:05d}" for k in range(1, len(table) + 1)])
    return table, np.append(shapes, bow), 1


def _blobs(centre: Array, radius: Array, rng: np.random.Generator) -> Array:
    """Draw rounded shapes that are not circles."""
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    reach = radius[:, None] * rng.uniform(0.7, 1.3, (radius.size, angle.size))
    x = centre[:, :1] + reach * np.cos(angle)
    y = centre[:, 1:] + reach * np.sin(angle)
    ring = np.round(np.stack([x, y], axis=2), 2)
    return np.asarray(shapely.polygons(np.concatenate([ring, ring[:, :1]], axis=1)))
