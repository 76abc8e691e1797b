"""The road register: codes, names, grades, surfaces and widths of every segment, as the annual report holds them."""

import numpy as np
import pandas as pd

from demo.roads import Roads
from demo.routes import CLASSES, G, Links, S, X
from demo.settlements import Settlements
from demo.sizes import Array

DIGITS = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), dtype=object)
SURFACE_CODE = np.array(["11", "12", "22", "31", "42", "50", "90"], dtype=object)
SURFACE_TEXT = np.array(
    ["沥青混凝土", "水泥混凝土", "沥青碎石", "碎砾石", "其他当地材料", "无路面", "其他"], dtype=object
)
GRADE = np.array(["12", "12", "13", "14", "14", "30"], dtype=object)
GRADE_TEXT = np.array(["二级", "二级", "三级", "四级", "四级", "等外"], dtype=object)
WIDTH = np.array([9.0, 8.0, 6.5, 4.5, 3.5, 3.0])
SHOULDER = np.array([3.0, 2.0, 1.5, 1.0, 1.0, 0.5])
DUPLICATE_SHARE = 0.03


def serial(number: Array) -> Array:
    """Write route numbers in three characters: digits first, then letters as busy counties do.

    Examples
    --------
    >>> serial(np.array([1, 999, 1000])).tolist()
    ['001', '999', 'A00']
    """
    low = np.char.zfill((number % 1000).astype(str), 3).astype(object)
    rest = np.maximum(number - 1000, 0)
    high = DIGITS[10 + rest // 1296 % 26] + DIGITS[rest // 36 % 36] + DIGITS[rest % 36]
    return np.where(number < 1000, low, high)


def route_codes(places: Settlements, links: Links) -> tuple[Array, Array]:
    """Code every route and every natural village's streets: letter, three characters, county code."""
    county = places.villages["village_id"].str.slice(0, 6).to_numpy().astype(object)
    village = np.zeros(links.terminal_cell.size, dtype=np.int64)
    village[links.hamlet_terminal] = places.hamlets["village"].to_numpy()
    village[links.seat_terminal] = np.arange(len(places.villages))
    of_route = county[village[links.route_start]]
    of_street = county[places.hamlets["village"].to_numpy()]
    letter = np.concatenate([CLASSES[links.route_class], np.full(of_street.size, "W", dtype=object)])
    area = np.concatenate([of_route, of_street])
    rank = pd.Series(area).groupby([letter, area]).cumcount().to_numpy() + 1
    code = letter + serial(rank) + area
    return code[: of_route.size], code[of_route.size :]


def make_register(
    places: Settlements, roads: Roads, codes: tuple[Array, Array], rng: np.random.Generator
) -> tuple[pd.DataFrame, Array]:
    """Write one row a segment with the columns of the road annual report (DBF names, ten bytes); add duplicates."""
    table = roads.table
    kind = table["class"].to_numpy()
    route = table["route"].to_numpy()
    street = table["is_street"].to_numpy()
    code = np.where(street, codes[1][np.where(street, -1 - route, 0)], codes[0][np.where(street, 0, route)])
    n = kind.size
    width = np.round(WIDTH[kind] + np.floor((table["width_draw"].to_numpy() - 0.35) * 4) * 0.5, 1)
    narrow = rng.random(n) < 0.08
    base = np.round(width + SHOULDER[kind] - np.where(narrow, 0.5, 0.0), 1)
    blank = rng.random(n) < 0.006
    surface = table["surface"].to_numpy()
    village = places.villages["short_name"].to_numpy()[table["village"].to_numpy()]
    barrier = np.where(rng.random(n) < np.array([0.95, 0.9, 0.75, 0.45, 0.22, 0.05])[kind], "有", "无").astype(object)
    barrier[rng.random(n) < 0.05] = None
    frame = pd.DataFrame(
        {
            "路段编号": [f"LD{k:07d}" for k in range(1, n + 1)],
            "路线编号": code,
            "路线名称": village + np.where(street, "村内道路", "线").astype(object),
            "技术等级代": GRADE[kind],
            "技术等级": GRADE_TEXT[kind],
            "面层类型代": SURFACE_CODE[surface],
            "面层类型": SURFACE_TEXT[surface],
            "路面宽度": np.where(blank, np.nan, width),
            "路基宽度": np.where(blank, np.nan, base),
            "修建年度": table["year"].astype("float64").where(rng.random(n) >= 0.01),
            "是否断头路": np.where(~street & (kind > X) & (rng.random(n) < 0.004), "是", "否"),
            "安防设施": barrier,
            "重复路段线": pd.Series([None] * n, dtype=object),
        }
    )
    return _with_duplicates(frame, roads.lines, kind, rng)


def _with_duplicates(
    frame: pd.DataFrame, lines: Array, kind: Array, rng: np.random.Generator
) -> tuple[pd.DataFrame, Array]:
    """Enter some trunk segments a second time under another route, as registers do where two routes share a road."""
    trunk = np.flatnonzero(np.isin(kind, [G, S, X]))
    if not trunk.size:
        return frame, lines
    twice = np.sort(trunk[rng.random(trunk.size) < DUPLICATE_SHARE])
    copy = frame.iloc[twice].copy()
    copy["重复路段线"] = copy["路线编号"]
    others = frame["路线编号"].to_numpy()[trunk]
    copy["路线编号"] = others[rng.integers(0, others.size, twice.size)]
    copy["路段编号"] = [f"LD{k:07d}" for k in range(len(frame) + 1, len(frame) + 1 + twice.size)]
    return pd.concat([frame, copy], ignore_index=True), np.concatenate([lines, lines[twice]])
