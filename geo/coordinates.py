"""Find coordinates in the columns of a table: degrees, degrees-minutes-seconds, metres, WKT."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from geo.parsed import listed

_LON = {"经度", "东经", "lon", "lng", "long", "longitude", "jd", "aar101", "gpslon", "gpslng", "经", "百度经度"}
_LAT = {"纬度", "北纬", "lat", "latitude", "wd", "aar102", "gpslat", "纬", "百度纬度"}
_EAST = {"横坐标", "东坐标", "easting", "东向", "东", "东方向", "横坐标y", "y横坐标", "东坐标y"}
_NORTH = {"纵坐标", "北坐标", "northing", "北向", "北", "北方向", "纵坐标x", "x纵坐标", "北坐标x"}
_X = {"x", "x坐标", "坐标x", "pointx", "coordx", "xcoord", "gpsx", "中心x", "中心点x"}
_Y = {"y", "y坐标", "坐标y", "pointy", "coordy", "ycoord", "gpsy", "中心y", "中心点y"}
_BOTH = {"经纬度", "坐标", "经纬度坐标", "地理坐标", "lnglat", "lonlat", "gps坐标"}
_WKT_NAMES = {"wkt", "geom", "geometry", "thegeom", "几何", "图形", "shape", "wktgeom"}
_WKT = re.compile(r"^\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)", re.IGNORECASE)
_HEX = re.compile(r"^0[01][0-9A-Fa-f]{40,}$")
_SIGN = re.compile(r"[NSEWnsew]|东经|西经|北纬|南纬|[东西南北]")
_PARTS = re.compile(
    r"^(\d+(?:\.\d*)?)\s*(?:°|度|:|d|\s)\s*(?:(\d+(?:\.\d*)?)\s*(?:′|'|’|分|:|m|\s|$)\s*)?"
    r"(?:(\d+(?:\.\d*)?)\s*(?:″|\"|”|秒|s|′′|''|$)?)?\s*$"
)


@dataclass(frozen=True)
class Located:
    """Geometry found in a table, as WKB with None where a row has no usable place."""

    wkb: list[bytes | None]
    notes: tuple[str, ...]
    default_shift: str | None


def angle(value: object) -> float:
    """Read a coordinate: a number, 113°44′56.4″E, 东经113度44分56秒, full-width digits; NaN when it is none of them.

    Examples
    --------
    >>> round(angle("东经113°44′56.4″"), 6), angle("１１３．５"), angle("25.1S"), angle("无")
    (113.749, 113.5, -25.1, nan)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return float("nan")
    text = unicodedata.normalize("NFKC", re.sub("[º˚]", "°", value).replace("″", '"').replace("′", "'")).strip()
    signs = _SIGN.findall(text)
    text = _SIGN.sub("", text).replace("，", ",").strip(" :,")
    try:
        number = float(text)
    except ValueError:
        number = _sexagesimal(text)
    south_or_west = any(sign.upper()[0] in "SW西南" for sign in signs)
    return -number if south_or_west else number


def _sexagesimal(text: str) -> float:
    match = _PARTS.match(text.lstrip("+-"))
    if match is None:
        return float("nan")
    degrees, minutes, seconds = (float(part) if part else 0.0 for part in match.groups())
    if minutes >= 60.0 or seconds >= 60.0:
        return float("nan")
    return (-1.0 if text.startswith("-") else 1.0) * (degrees + minutes / 60.0 + seconds / 3600.0)


def _key(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).lower().rsplit("/", 1)[-1]
    text = re.sub(r"[(\[【].*?[)\]】]", "", text)
    text = re.sub(r"[\s_\-.:,、°]", "", text)
    return re.sub(r"^([xy]|经度|纬度|lon|lat)(deg|degrees?|度|米|m|dd)$", r"\1", text)


@dataclass(frozen=True)
class _Pair:
    x: str
    y: str
    is_bare: bool
    prefix: str


def _pairs(names: Sequence[str]) -> list[_Pair]:
    """Every pair of columns that can be the two halves of a place, plain names first."""
    keys = {name: _key(name) for name in names}
    found: list[_Pair] = []
    for across, up, is_bare in ((_LON, _LAT, False), (_EAST, _NORTH, False), (_X, _Y, True)):
        xs = {_prefix(key, across): name for name, key in reversed(keys.items()) if _prefix(key, across) is not None}
        ys = {_prefix(key, up): name for name, key in reversed(keys.items()) if _prefix(key, up) is not None}
        found += [_Pair(xs[prefix], ys[prefix], is_bare, prefix or "") for prefix in reversed(xs) if prefix in ys]
    return sorted(found, key=lambda pair: len(pair.prefix) > 0)


def _prefix(key: str, words: set[str]) -> str | None:
    if key in words:
        return ""
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= 2 and not word.isascii() and key.endswith(word):
            return key[: -len(word)]
    return None


def locate(columns: dict[str, Any], rows: NDArray[np.int64]) -> Located | None:
    """Make points (or WKT shapes) from the columns of a table; None when no column holds coordinates.

    Parameters
    ----------
    columns
        Arrow columns by name.
    rows
        Source row numbers, for the notes.
    """
    if not len(rows):
        return None
    written = _written(columns, rows)
    if written is not None:
        return written
    pairs = _pairs(list(columns))
    if pairs and not (len(pairs) > 1 and {"起点", "终点"} <= {pair.prefix[-2:] for pair in pairs}):
        pair = pairs[0]
        return _points(_angles(columns[pair.x]), _angles(columns[pair.y]), pair, rows)
    for name, column in columns.items():
        if _key(name) in _BOTH:
            halves = [_halves(value) for value in column.to_pylist()]
            both = np.array(halves, dtype=np.float64).reshape(-1, 2)
            return _points(both[:, 0], both[:, 1], _Pair(name, name, True, ""), rows)
    return None


def _angles(column: Any) -> NDArray[np.float64]:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers: NDArray[np.float64] = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
        return numbers
    return np.array([angle(value) for value in column.to_pylist()], dtype=np.float64)


def _halves(value: object) -> tuple[float, float]:
    parts = re.split(r"[,，;；、]|\s{1,}(?=[\d东北EN])", str(value or "").strip(), maxsplit=1)
    return (angle(parts[0]), angle(parts[1])) if len(parts) == 2 else (float("nan"), float("nan"))


def _points(xs: NDArray[np.float64], ys: NDArray[np.float64], pair: _Pair, rows: NDArray[np.int64]) -> Located | None:
    known = np.isfinite(xs) & np.isfinite(ys)
    if not known.any():
        return None
    notes = [f"坐标取自“{pair.x}”（东）和“{pair.y}”（北）两列。"]
    if pair.is_bare and _is_north_first(float(np.median(xs[known])), float(np.median(ys[known]))):
        xs, ys = ys, xs
        notes = [f"“{pair.x}”列是纵坐标（向北）、“{pair.y}”列是横坐标（向东），已按测量习惯对调读取。"]
    if not known.all():
        notes.append(
            f"有 {int((~known).sum())} 行没有可用的坐标（第 {listed(rows[~known].tolist())} 行），已保留但没有位置。"
        )
    wkb: list[bytes | None] = [None] * len(rows)
    for position, point in zip(
        np.flatnonzero(known), shapely.to_wkb(shapely.points(xs[known], ys[known])), strict=True
    ):
        wkb[position] = point
    return Located(wkb, tuple(notes), _hinted(pair.x))


def _is_north_first(x: float, y: float) -> bool:
    metres = 3e5 <= x <= 6e6 and (1e5 <= y <= 9e5 or 1.3e7 <= y <= 4.6e7) and x > 1.5e6
    degrees = 3.0 <= x <= 54.0 and 73.0 <= y <= 136.5
    return metres or degrees


def _hinted(name: str) -> str | None:
    text = name.lower()
    if re.search("百度|bd-?09|baidu", text):
        return "bd09"
    return "gcj02" if re.search("高德|腾讯|火星|gcj|奥维", text) else None


def _written(columns: dict[str, Any], rows: NDArray[np.int64]) -> Located | None:
    for name, column in columns.items():
        if _key(name) not in _WKT_NAMES or not pa.types.is_string(column.type):
            continue
        texts = column.to_pylist()
        first = next((text for text in texts if text), "")
        if _WKT.match(first):
            bare = [None if text is None else re.sub(r"^\s*SRID=\d+;", "", text, flags=re.IGNORECASE) for text in texts]
            shapes = shapely.from_wkt(bare, on_invalid="ignore")
        elif _HEX.match(first):
            shapes = shapely.from_wkb([_bytes(text) for text in texts], on_invalid="ignore")
        else:
            continue
        lost = np.array([text is not None for text in texts]) & shapely.is_missing(shapes)
        notes = [f"几何取自“{name}”列的 WKT 文本。"]
        if lost.any():
            notes.append(
                f"有 {int(lost.sum())} 行 WKT 不完整（第 {listed(rows[lost].tolist())} 行），已保留但没有位置。"
            )
        return Located(list(shapely.to_wkb(shapes)), tuple(notes), None)
    return None


def _bytes(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        return b""
