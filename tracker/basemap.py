"""The office's base maps (天地图 and the like): which service, drawn how, with the office's own key.

They stand in `basemap.toml`, a file of its own that only the service account may read: it is in no backup, no
publication and no ledger, because the key would be. Without the file there is no base map and nothing is ever asked.
"""

import ipaddress
import json
import math
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geo.errors import InputError, StoreError

FILE = "basemap.toml"
KINDS = ("wmts", "xyz", "wms")
MATRICES = ("w", "c")
MOST = 8
_TIANDITU = (("vec,cva", "天地图矢量"), ("img,cia", "天地图影像"), ("ter,cta", "天地图地形"))
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_FIELDS = ("base_id", "title", "kind", "address", "sheets", "matrix", "style", "image_format", "key_name", "key",
           "is_shifted", "max_zoom", "notice")  # fmt: skip


@dataclass(frozen=True)
class BaseMap:
    """One base map. `sheets` are the service's layers, drawn one over the other; the key is never shown or logged.

    `matrix` is the grid of the tiles: w (web mercator) or c (CGCS2000 longitude and latitude). `is_shifted` says that
    the pictures are drawn in GCJ-02, as 高德 and 腾讯 do; ours then has to be brought together with them.
    """

    base_id: str
    title: str
    kind: str
    address: str
    sheets: tuple[str, ...] = ("",)
    matrix: str = "w"
    style: str = "default"
    image_format: str = "tiles"
    key_name: str = "tk"
    key: str = field(default="", repr=False)
    is_shifted: bool = False
    max_zoom: int = 18
    notice: str = ""


def tianditu(key: str, *, matrix: str = "w", host: str = "t0.tianditu.gov.cn") -> list[BaseMap]:
    """Give the three maps of 天地图 with their names on top.

    >>> [base.title for base in tianditu("k" * 32)]
    ['天地图矢量', '天地图影像', '天地图地形']
    """
    address = f"https://{host}/{{layer}}_{matrix}/wmts"
    return [
        checked(BaseMap(sheets.split(",")[0], title, "wmts", address, tuple(sheets.split(",")), matrix, key=key,
                        notice="天地图"))
        for sheets, title in _TIANDITU
    ]  # fmt: skip


def checked(base: BaseMap) -> BaseMap:
    """Return the base map if it can be one; InputError saying what to mend.

    The address fixes protocol and host: nothing a browser sends can change them.
    """
    parts = urlsplit(base.address)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None or parts.fragment:
        raise InputError("底图地址要以 http:// 或 https:// 开头，写明主机，不带用户名和 # 号。")
    if re.search(r"[{}\s\\]", parts.netloc) or _is_refused(host):
        raise InputError(f"底图主机“{host[:60]}”不能用：主机要写死，不能带花括号，也不能是链路本地地址。")
    if base.kind not in KINDS or base.matrix not in MATRICES:
        raise InputError(f"底图类型只能是 {'、'.join(KINDS)}，瓦片矩阵只能是 w 或 c。")
    if base.kind == "xyz" and not all(mark in base.address for mark in ("{z}", "{x}")):
        raise InputError("XYZ 底图的地址里要有 {z}、{x} 和 {y}（或 {-y}）。")
    if base.kind != "xyz" and not all(_NAME.fullmatch(sheet) for sheet in base.sheets):
        raise InputError("图层名只能是字母、数字和 . _ : -，几层叠放用逗号分开，例如 vec,cva。")
    if base.matrix == "c" and (base.kind != "wmts" or base.is_shifted):
        raise InputError("经纬度矩阵（c）只用于 WMTS，也不会有 GCJ-02 偏移。")
    if not re.fullmatch(r"[a-z0-9_-]{1,24}", base.base_id) or not 0 < len(base.title.strip()) <= 24:
        raise InputError("底图要有 1 至 24 个字的名称。")
    if not 1 <= base.max_zoom <= 22 or len(base.sheets) > 3 or not re.fullmatch(r"[A-Za-z0-9_]{0,24}", base.key_name):
        raise InputError("底图最大级别要在 1 至 22 之间，叠放不超过 3 层，密钥参数名只能是字母数字。")
    if not re.fullmatch(r"[\x21-\x7e]{0,200}", base.key):
        raise InputError("密钥里有空格或汉字，请重新粘贴。")
    return base


def read(folder: Path) -> tuple[BaseMap, ...]:
    """Return the base maps of an office, none when nothing is set. StoreError when the file is wrong."""
    file = folder / FILE
    if not file.is_file():
        return ()
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("base", [])
        return tuple(checked(BaseMap(**_row(row))) for row in rows)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, AttributeError, InputError) as error:
        reason = str(error) if isinstance(error, InputError) else type(error).__name__
        raise StoreError(f"{FILE} 写错了：{reason} 请在“用户与日志”页重新设置底图。") from error


def write(folder: Path, bases: Sequence[BaseMap]) -> None:
    """Keep the base maps of an office, readable by the service account alone; none takes the file away."""
    file = folder / FILE
    if len(bases) > MOST or len({base.base_id for base in bases}) < len(bases):
        raise InputError(f"底图最多 {MOST} 个，编号不能重复。")
    if not bases:
        file.unlink(missing_ok=True)
        return
    part = file.with_name(f".{FILE}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write("# 底图设置，含本单位密钥：不要外传。在“用户与日志”页修改。\n")
        out.writelines(_text(checked(base)) for base in bases)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    unknown = set(row) - set(_FIELDS)
    if unknown:
        raise InputError(f"不认识“{'、'.join(sorted(unknown))}”。")
    return {**row, "sheets": tuple(row.get("sheets", ("",)))}


def _text(base: BaseMap) -> str:
    lines = [f"{name} = {json.dumps(getattr(base, name), ensure_ascii=False)}" for name in _FIELDS]
    return "\n[[base]]\n" + "\n".join(lines) + "\n"


def _is_refused(host: str) -> bool:
    """Tell whether a host is an address no map service has: link-local (cloud metadata), multicast, unspecified."""
    try:
        place = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return place.is_link_local or place.is_multicast or place.is_unspecified


def tile_at(base: BaseMap, longitude: float, latitude: float, zoom: int) -> tuple[int, int, int]:
    """Give level, column and row of the tile that covers a place (degrees).

    >>> tile_at(tianditu("k")[0], 113.7, 25.1, 10)
    (10, 835, 438)
    >>> tile_at(tianditu("k", matrix="c")[0], 113.7, 25.1, 10)
    (10, 835, 184)
    """
    level = min(zoom, base.max_zoom)
    column = int((longitude + 180) / 360 * 2**level)
    if base.matrix == "c":
        return level, column, int((90 - latitude) / 360 * 2**level)
    above = math.asinh(math.tan(math.radians(latitude))) / math.pi
    return level, column, int((1 - above) / 2 * 2**level)
