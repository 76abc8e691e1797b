"""Place public facilities with the gaps, breakdowns and blanks of a real county, and say what a register claims."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from demo.roads import SURFACES, Roads
from demo.settlements import Settlements, near_home
from demo.sizes import Array

STATUSES = np.array(["在用", "在建", "损坏", "未知"], dtype=object)
IN_SERVICE, PLANNED, BROKEN, UNKNOWN = range(4)


@dataclass(frozen=True)
class Kind:
    """How common a facility is: share of villages that have it (poor, others), how many, how far from the seat."""

    kind: str
    label: str
    code: str
    poor: float
    other: float
    most: int
    spread_m: float
    status: tuple[float, float, float, float] = (0.93, 0.02, 0.03, 0.02)
    by_hamlet: float = 0.0


KINDS = (
    Kind("clinic", "卫生站", "WS", 0.80, 0.92, 1, 180, (0.95, 0.02, 0.01, 0.02)),
    Kind("public_toilet", "公共厕所", "GC", 0.66, 0.82, 3, 320, (0.88, 0.03, 0.07, 0.02)),
    Kind("cultural_venue", "文化活动中心", "WH", 0.72, 0.86, 1, 150),
    Kind("garbage_point", "垃圾收集点", "LJ", 0.84, 0.93, 2, 250, (0.94, 0.01, 0.04, 0.01), 0.35),
    Kind("water_works", "集中供水工程", "SC", 0.62, 0.74, 2, 900, (0.90, 0.04, 0.05, 0.01)),
    Kind("sewage_plant", "污水处理设施", "WU", 0.34, 0.48, 2, 420, (0.78, 0.10, 0.10, 0.02)),
    Kind("meeting_place", "议事场所", "YS", 0.86, 0.95, 1, 60),
    Kind("bus_stop", "招呼站", "ZH", 0.72, 0.85, 2, 500, (0.96, 0.01, 0.02, 0.01)),
    Kind("finance_point", "金融服务站", "JR", 0.52, 0.66, 1, 90),
    Kind("cash_point", "助农取款点", "QK", 0.64, 0.78, 2, 120, (0.90, 0.02, 0.05, 0.03)),
    Kind("information_point", "信息服务站", "XX", 0.58, 0.62, 1, 90),
    Kind("street_lamp", "路灯", "LD", 0.55, 0.75, 12, 260, (0.85, 0.01, 0.12, 0.02)),
    Kind("fibre_point", "光纤接入点", "GX", 0.74, 0.90, 1, 200, (0.96, 0.03, 0.00, 0.01), 0.15),
    Kind("transformer", "变压器", "BY", 0.99, 1.00, 3, 700, (0.98, 0.01, 0.01, 0.00), 0.25),
    Kind("sports_ground", "篮球场", "QC", 0.60, 0.72, 1, 140),
    Kind("school", "小学", "XX1", 0.30, 0.38, 1, 260, (0.93, 0.00, 0.06, 0.01)),
    Kind("kindergarten", "幼儿园", "YE", 0.22, 0.34, 1, 240),
)
TOWN_KINDS = (
    Kind("clinic", "卫生院", "WY", 1.0, 1.0, 1, 300, (1, 0, 0, 0)),
    Kind("school", "中学", "ZX", 1.0, 1.0, 1, 420, (1, 0, 0, 0)),
    Kind("bus_station", "客运站", "KY", 0.82, 0.82, 1, 260, (0.9, 0.1, 0, 0)),
    Kind("nursing_home", "敬老院", "JL", 0.75, 0.75, 1, 500, (0.95, 0.05, 0, 0)),
)
CLAIMED = (
    ("七有", "公共厕所", "public_toilet", "public_toilet"),
    ("七有", "文化活动场所", "cultural_venue", "cultural_venue"),
    ("七有", "垃圾收集点", "garbage_point", "garbage_point"),
    ("七有", "安全饮水工程", "water_works", "water_works"),
    ("七有", "简易污水处理设施", "simple_sewage", "sewage_plant"),
    ("七有", "村民议事场所", "meeting_place", "meeting_place"),
    ("公共服务", "标准化卫生站", "clinic", "clinic"),
    ("公共服务", "金融(保险)服务站", "finance_point", "finance_point"),
    ("公共服务", "助农取款点", "cash_point", "cash_point"),
    ("公共服务", "光纤进村", "fibre", "fibre_point"),
)
FLAGS = (
    ("其他", "农网改造升级", "rural_power", 0.9),
    ("其他", "学前教育覆盖", "preschool", 0.7),
    ("其他", "农家书屋", "village_library", 0.8),
    ("其他", "信用村", "credit_village", 0.6),
    ("其他", "村庄规划", "village_plan", 0.75),
    ("其他", "绿化美化", "greening", 0.65),
)


def _place(kind: Kind, places: Settlements, rng: np.random.Generator) -> pd.DataFrame:
    """Place one kind in the villages that have it, and in some of their natural villages."""
    villages, hamlets = places.villages, places.hamlets
    poor = (villages["list_type"] == "poor").to_numpy()
    has = rng.random(len(villages)) < np.where(poor, kind.poor, kind.other)
    number = np.where(has, 1 + rng.integers(0, kind.most, len(villages)), 0)
    village = np.repeat(np.arange(len(villages)), number)
    seats = villages[["seat_x", "seat_y"]].to_numpy()
    xy = near_home(places, village, seats[village], rng.normal(0, 0.6, (village.size, 2)) * kind.spread_m)
    if kind.by_hamlet:
        more = np.flatnonzero(has[hamlets["village"].to_numpy()] & (rng.random(len(hamlets)) < kind.by_hamlet))
        home = hamlets["village"].to_numpy()[more]
        there = near_home(places, home, hamlets[["x", "y"]].to_numpy()[more], rng.normal(0, 60.0, (more.size, 2)))
        village, xy = np.concatenate([village, home]), np.concatenate([xy, there])
    status = np.searchsorted(np.cumsum(kind.status) / np.sum(kind.status), rng.random(village.size), side="right")
    return _rows(kind, villages, village, xy, status, rng)


def _rows(
    kind: Kind, villages: pd.DataFrame, village: Array, xy: Array, status: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the rows of one kind: ids by village, names, standard or not, capacity."""
    rank = pd.Series(village).groupby(village).cumcount().to_numpy() + 1
    code = villages["village_id"].to_numpy()[village]
    short = villages["short_name"].to_numpy()[village]
    standard = np.where(rng.random(village.size) < 0.66, "是", "否").astype(object)
    standard[rng.random(village.size) < 0.07] = None
    return pd.DataFrame(
        {
            "id": [f"{kind.code}{c}{r:02d}" for c, r in zip(code, rank, strict=True)],
            "kind": kind.kind,
            "label": kind.label,
            "name": [f"{s}{kind.label}{r if r > 1 else ''}" for s, r in zip(short, rank, strict=True)],
            "village": village,
            "status": STATUSES[status],
            "standard": standard,
            "capacity": np.round(rng.gamma(3.0, 12.0, village.size) + 5.0),
            "x": np.round(xy[:, 0], 2),
            "y": np.round(xy[:, 1], 2),
        }
    )


def make_facilities(places: Settlements, rng: np.random.Generator) -> pd.DataFrame:
    """Place every facility of the county; `village` is the row of the village that owns it."""
    villages = places.villages
    made = [_place(kind, places, rng) for kind in KINDS]
    seats = places.towns["seat"].to_numpy()
    for kind in TOWN_KINDS:
        at = seats[rng.random(seats.size) < kind.poor]
        seat = villages[["seat_x", "seat_y"]].to_numpy()[at]
        xy = near_home(places, at, seat, rng.normal(0, 0.5, (at.size, 2)) * kind.spread_m)
        status = np.searchsorted(np.cumsum(kind.status), rng.random(at.size), side="right")
        made.append(_rows(kind, villages, at, xy, status, rng))
    return pd.concat(made, ignore_index=True)


def truth(facilities: pd.DataFrame, kind: str, count: int) -> Array:
    """Say for each village row whether it has the facility: 1 yes, 0 no, -1 cannot be told from the files."""
    rows = facilities[facilities["kind"] == kind]
    works = (rows["status"] == "在用").to_numpy()
    doubtful = (rows["status"] == "未知").to_numpy()
    if kind == "clinic":
        standard = rows["standard"].to_numpy()
        yes, blank = works & (standard == "是"), pd.isna(standard)
        doubtful = (works & blank) | (doubtful & ((standard == "是") | blank))
        works = yes
    village = rows["village"].to_numpy()
    sure = np.bincount(village[works], minlength=count) > 0
    maybe = np.bincount(village[doubtful], minlength=count) > 0
    return np.where(sure, 1, np.where(maybe, -1, 0))


@dataclass(frozen=True)
class Claims:
    """What the register says: (group, label) -> 是/否/blank per village, and the planted contradictions."""

    columns: dict[tuple[str, str], Array]
    need_of: dict[str, str]
    contradictions: tuple[tuple[str, str], ...]


def _road_claim(places: Settlements, roads: Roads) -> Array:
    """Say whether the seat has a hard road out, blank where a track that passes nearer leaves room for argument."""
    seats = shapely.points(places.villages[["seat_x", "seat_y"]].to_numpy())
    tree = shapely.STRtree(roads.lines)
    seat, line = tree.query_nearest(seats, all_matches=False)
    reach = np.zeros(len(seats))
    reach[seat] = shapely.distance(seats[seat], roads.lines[line]) + 1.0
    seat, line = tree.query(shapely.buffer(seats, reach), predicate="intersects")
    soft = ~np.isin(SURFACES[roads.table["surface"].to_numpy()[line]], ["asphalt", "concrete"])
    text = np.where(roads.seat_connected, "是", "否").astype(object)
    text[seat[soft & roads.seat_connected[seat]]] = None
    return np.asarray(text)


def make_claims(places: Settlements, facilities: pd.DataFrame, roads: Roads, rng: np.random.Generator) -> Claims:
    """Write a register that is mostly true, partly blank, and wrong in places that are remembered."""
    villages = places.villages
    n = len(villages)
    poor = (villages["list_type"] == "poor").to_numpy()
    columns: dict[tuple[str, str], Array] = {}
    need_of: dict[str, str] = {"硬底化村道": "hardened_road"}
    wrong: list[tuple[str, str]] = []
    columns[("七有", "硬底化村道")] = _road_claim(places, roads)
    for group, label, need, kind in CLAIMED:
        has = truth(facilities, kind, n)
        says = np.where(has < 0, rng.integers(0, 2, n), has)
        flip = poor & (has >= 0) & (rng.random(n) < np.where(has == 0, 0.22, 0.03))
        says = np.where(flip, 1 - has, says)
        text = np.where(says == 1, "是", "否").astype(object)
        text[~flip & (rng.random(n) < 0.03)] = None
        columns[(group, label)] = text
        need_of[label] = need
        wrong += [(unit, need) for unit in villages["village_id"].to_numpy()[flip].tolist()]
    for group, label, need, share in FLAGS:
        text = np.where(rng.random(n) < share, "是", "否").astype(object)
        text[rng.random(n) < 0.05] = None
        columns[(group, label)] = text
        need_of[label] = need
    return Claims(columns, need_of, tuple(sorted(wrong)))
