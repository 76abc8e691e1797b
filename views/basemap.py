"""Base maps through our own server: the browser never meets the service, the key never meets the browser.

Only what the office has set is asked, never an address from a request; redirects are refused, answers must be pictures
of a sensible size, and nothing is kept anywhere. Where the service cannot be reached the map says so and goes on.
"""

import base64
import functools
import io
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import anyio
import anyio.to_thread
import urllib3
from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geo.errors import AppError, InputError, StoreError
from tracker import basemap
from tracker.basemap import BaseMap
from views.compile import esc
from views.desk import served
from views.mapspec import BaseLayer

LOG = logging.getLogger("qiyou")
ROUTE = "/atlas/base/{base}/{sheet}/{z}/{x}/{y}"
NEVER_KEPT = {"cache-control": "no-store"}
_LARGEST_BYTES = 2_000_000
_LARGEST_PIXELS = 1024
_AT_ONCE = 8
_WAITING = 64
_PAUSE_SECONDS = 15.0
_TOTAL_SECONDS = 8.0
_WORLD_M = 20037508.342789244
_CLEAR = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNgYAAAAAMAASsJTYQAAAAASUVORK5CYII="
)
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


class Service:
    """Asks base maps for tiles; a service that failed is left alone for a while, so that nobody waits for it again."""

    def __init__(self) -> None:
        logging.getLogger("urllib3").setLevel(logging.WARNING)  # its debug lines hold whole addresses, keys too
        wait = urllib3.Timeout(connect=3.0, read=5.0)
        agent = {"user-agent": "QiyouAtlas"}
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=_AT_ONCE, timeout=wait, retries=False, headers=agent)
        self._down: dict[str, float] = {}
        self._lock = threading.Lock()

    def tile(self, base: BaseMap, sheet: int, z: int, x: int, y: int) -> tuple[bytes, str] | None:
        """Return a picture and its type; None where the service has none. StoreError when it cannot be reached."""
        host = urlsplit(base.address).netloc
        with self._lock:
            if self._down.get(host, 0.0) > time.monotonic():
                raise StoreError(f"底图“{base.title}”暂时取不到。")
        try:
            return self._asked(address_of(base, sheet, z, x, y))
        except (urllib3.exceptions.HTTPError, StoreError) as error:
            reason = str(error) if isinstance(error, StoreError) else type(error).__name__  # its text holds the key
            with self._lock:
                self._down[host] = time.monotonic() + _PAUSE_SECONDS
            LOG.warning("底图 %s（%s）取不到：%s", base.base_id, host, reason)
            raise StoreError(f"底图“{base.title}”暂时取不到：{reason}") from None

    def forget(self) -> None:
        """Ask again at once, e.g. after the settings changed."""
        with self._lock:
            self._down.clear()

    def _asked(self, address: str) -> tuple[bytes, str] | None:
        answer = self._pool.request("GET", address, redirect=False, preload_content=False, decode_content=False)
        try:
            if answer.status in {204, 404}:
                return None
            if answer.status != 200:
                raise StoreError(f"服务回答 {answer.status}，{_meaning(answer.status)}。")
            if not answer.headers.get("content-type", "").lower().startswith("image/"):
                raise StoreError("回答的不是图片（多半是密钥不对或用量已满）。")
            return picture(_read(answer))
        finally:
            answer.close()


def _meaning(status: int) -> str:
    if 300 <= status < 400:
        return "要转到别的地址，已拒绝"
    return "密钥不对或没有权限" if status in {401, 403, 418, 429} else "服务有故障"


def _read(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Read a body within a limit of bytes and seconds, also from a service that sends it drop by drop."""
    begin, parts, size = time.monotonic(), [], 0
    for part in answer.stream(65_536, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_BYTES:
            raise StoreError("图片过大，已拒绝。")
        if time.monotonic() - begin > _TOTAL_SECONDS:
            raise StoreError("太慢，已放弃。")
    return b"".join(parts)


def picture(content: bytes) -> tuple[bytes, str]:
    """Return a picture and the type its own bytes say; StoreError unless it is one of sensible size."""
    try:
        with Image.open(io.BytesIO(content), formats=list(_TYPES)) as image:
            kind, largest = image.format or "", max(image.size)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StoreError("回答的不是图片。") from error
    if largest > _LARGEST_PIXELS:
        raise StoreError("图片过大，已拒绝。")
    return content, _TYPES[kind]


def address_of(base: BaseMap, sheet: int, z: int, x: int, y: int) -> str:
    """Write the address of one tile. Protocol and host are those of the settings whatever is asked.

    >>> one = BaseMap("a", "甲", "xyz", "https://map.gov.cn/t/{z}/{y}/{x}.png", key="k 1", key_name="tk")
    >>> address_of(one, 0, 5, 26, 13)
    'https://map.gov.cn/t/5/13/26.png?tk=k+1'
    """
    marks = {"layer": base.sheets[sheet], "set": base.matrix, "z": z, "x": x, "y": y, "-y": 2**z - 1 - y}
    address = re.sub(r"\{([a-z-]+)\}", lambda m: quote(str(marks.get(m[1], "")), safe=""), _without_key(base))
    asked: dict[str, object] = {}
    if base.kind == "wmts":
        asked = {
            "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": base.sheets[sheet],
            "STYLE": base.style, "TILEMATRIXSET": base.matrix, "FORMAT": base.image_format, "TILEMATRIX": z,
            "TILEROW": y, "TILECOL": x,
        }  # fmt: skip
    elif base.kind == "wms":
        side = 2 * _WORLD_M / 2**z
        west, north = -_WORLD_M + x * side, _WORLD_M - y * side
        asked = {
            "SERVICE": "WMS", "REQUEST": "GetMap", "VERSION": "1.1.1", "LAYERS": base.sheets[sheet],
            "STYLES": "" if base.style == "default" else base.style, "SRS": "EPSG:3857", "WIDTH": 256, "HEIGHT": 256,
            "BBOX": f"{west:.6f},{north - side:.6f},{west + side:.6f},{north:.6f}", "TRANSPARENT": "TRUE",
            "FORMAT": base.image_format if "/" in base.image_format else "image/png",
        }  # fmt: skip
    if base.key and base.key_name and "{key}" not in base.address:
        asked[base.key_name] = base.key
    if not asked:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def _without_key(base: BaseMap) -> str:
    return base.address.replace("{key}", quote(base.key, safe="")) if base.key else base.address


@functools.cache
def service() -> Service:
    """Return the one service of this process."""
    return Service()


@functools.lru_cache(maxsize=4)
def _read_once(folder: Path, changed: int) -> tuple[BaseMap, ...]:
    del changed
    return basemap.read(folder)


def base_maps(folder: Path | None) -> tuple[BaseMap, ...]:
    """Give the base maps of an office, read once per version of its file."""
    file = folder / basemap.FILE if folder is not None else None
    if folder is None or file is None or not file.is_file():
        return ()
    return _read_once(folder, file.stat().st_mtime_ns)


def offered(folder: Path | None) -> tuple[BaseLayer, ...]:
    """Give what the browser has to know of the base maps: no address, no key. A wrong file offers none."""
    try:
        found = base_maps(folder)
    except AppError as error:
        LOG.warning("%s", error)
        return ()
    return tuple(
        BaseLayer(b.base_id, b.title, len(b.sheets), b.matrix, b.is_shifted, b.max_zoom, esc(b.notice)) for b in found
    )


def route() -> Route:
    """Give the route of base map tiles."""
    return Route(ROUTE, _endpoint())


@functools.cache
def _line() -> anyio.CapacityLimiter:
    """A slow service may hold these threads and no others: tiles, pages and the gate go on."""
    return anyio.CapacityLimiter(_AT_ONCE)


def _endpoint() -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.scope.get("state", {}).get("identity") is None:
            return Response("没有权限。", status_code=401)
        if _line().statistics().tasks_waiting > _WAITING:
            return Response("底图请求太多。", status_code=503, headers=NEVER_KEPT)
        try:
            found = await anyio.to_thread.run_sync(_answer, request, limiter=_line())
        except InputError:
            return Response("地址不对。", status_code=400, headers=NEVER_KEPT)
        except KeyError:
            return Response("没有这项内容。", status_code=404, headers=NEVER_KEPT)
        except AppError:
            return Response("底图暂时取不到。", status_code=502, headers=NEVER_KEPT)
        content, kind = found or (_CLEAR, "image/png")
        return Response(content, media_type=kind, headers=NEVER_KEPT)

    return endpoint


def _answer(request: Request) -> tuple[bytes, str] | None:
    base = next((b for b in base_maps(served()) if b.base_id == request.path_params["base"]), None)
    if base is None:
        raise KeyError("base")
    texts = [request.path_params[name] for name in ("sheet", "z", "x", "y")]
    if not all(re.fullmatch(r"\d{1,8}", text, flags=re.ASCII) for text in texts):
        raise InputError("地址不对。")
    sheet, z, x, y = map(int, texts)
    rows = 2 ** (z - 1) if base.matrix == "c" and z else 2**z
    if sheet >= len(base.sheets) or not 1 <= z <= base.max_zoom or x >= 2**z or y >= rows:
        raise InputError("地址不对。")
    return service().tile(base, sheet, z, x, y)
