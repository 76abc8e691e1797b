"""What maps are made of, kept in memory and addressed by what it contains."""

import functools
import gzip
import hashlib
import json
import secrets
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from geo.errors import AccessError, InputError
from geo.relief import relief_tile
from geo.surface import Ramp, surface_tile
from geo.tiles import Geometry, TileSource

Item = TypeVar("Item")
EVERYONE: frozenset[str] = frozenset()
_KINDS = {"u1": 1, "u2": 2, "u4": 4}
_DOWNLOAD_SECONDS = 600


@dataclass(frozen=True)
class Identity:
    """Who asks. `grants` are the audiences the person belongs to; None means all (the owner of a laptop)."""

    user: str
    grants: frozenset[str] | None = None

    def may(self, audience: frozenset[str]) -> bool:
        """Tell whether the person belongs to every audience a thing is kept for."""
        return self.grants is None or audience <= self.grants


@dataclass(frozen=True)
class Kept(Generic[Item]):
    """A thing and the audiences it is kept for."""

    item: Item
    audience: frozenset[str]
    size: int


@dataclass(frozen=True)
class Download:
    """A file made for one person, to be fetched once and soon."""

    content: bytes
    file_name: str
    media_type: str
    user: str
    expires: float


class Shelf(Generic[Item]):
    """A bounded store: when it grows past its size, what was used longest ago goes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._size = 0
        self._items: OrderedDict[Any, Kept[Item]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Kept[Item] | None:
        """Return what is kept under a key and mark it used."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: Any, item: Item, *, size: int, audience: frozenset[str] = EVERYONE) -> None:
        """Keep an item; the newest is never dropped."""
        with self._lock:
            old = self._items.pop(key, None)
            self._size += size - (old.size if old else 0)
            self._items[key] = Kept(item, audience, size)
            while self._size > self._limit and len(self._items) > 1:
                self._size -= self._items.popitem(last=False)[1].size

    def pop(self, key: Any) -> Kept[Item] | None:
        """Take an item out."""
        with self._lock:
            found = self._items.pop(key, None)
            self._size -= found.size if found else 0
            return found

    def __len__(self) -> int:
        return len(self._items)


def _mark(path: Path, more: str = "") -> str:
    stat = path.stat()
    text = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}{more}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class TileStore:
    """Sources, columns, texts, relief and compiled maps of one process, each with its audience."""

    def __init__(self) -> None:
        self.sources: Shelf[TileSource] = Shelf(1_500_000_000)
        self.columns: Shelf[npt.NDArray[Any]] = Shelf(256_000_000)
        self.blobs: Shelf[bytes] = Shelf(128_000_000)
        self.reliefs: Shelf[Path] = Shelf(1_000_000)
        self.surfaces: Shelf[tuple[Path, Ramp]] = Shelf(1_000_000)
        self.maps: Shelf[Mapping[str, Any]] = Shelf(64_000_000)
        self.downloads: Shelf[Download] = Shelf(512_000_000)
        self._tiles: Shelf[bytes] = Shelf(96_000_000)
        self._seen: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], str]] = {}
        self._lock = threading.Lock()

    def has_seen(self, frame: Any) -> bool:
        """Tell whether this very frame was prepared before."""
        with self._lock:
            seen = self._seen.get(id(frame))
        return seen is not None and seen[0]() is frame

    def add_source(
        self,
        frame: Any,
        *,
        name: str,
        kind: Geometry,
        priority: npt.NDArray[Any] | None,
        min_zooms: npt.NDArray[Any] | None,
        audience: frozenset[str],
    ) -> str:
        """Prepare a frame for tiles; the same frame object again costs nothing."""
        arrays = tuple(
            hashlib.blake2b(np.ascontiguousarray(a).tobytes()).digest() for a in (priority, min_zooms) if a is not None
        )
        mark = (name, kind, priority is None, arrays, audience)
        with self._lock:
            seen = self._seen.get(id(frame))
        if seen and seen[0]() is frame and seen[1] == mark and self.sources.get(seen[2]):
            return seen[2]
        source = TileSource(frame, kind=kind, name=name, priority=priority, min_zooms=min_zooms)
        digest = _for_audience(source.digest, audience)
        if self.sources.get(digest) is None:
            self.sources.put(digest, source, size=source.size_bytes, audience=audience)
            threading.Thread(target=source.warm, args=(range(6, 13),), daemon=True).start()
        with self._lock:
            self._seen = {key: value for key, value in self._seen.items() if value[0]() is not None}
            self._seen[id(frame)] = (weakref.ref(frame), mark, digest)
        return digest

    def add_column(self, codes: npt.NDArray[Any], *, audience: frozenset[str]) -> str:
        """Keep whole numbers, one a feature, in the smallest type that holds them."""
        array = np.asarray(codes)
        if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or array.dtype == bool):
            raise InputError("列必须是一维整数代码，每个要素一个。")
        if len(array) and (array.min() < 0 or array.max() >= 2**32):
            raise InputError("列的代码必须在 0 到 4294967295 之间。")
        top = int(array.max()) if len(array) else 0
        kind = "u1" if top < 2**8 else "u2" if top < 2**16 else "u4"
        small = np.ascontiguousarray(array.astype(f"<{kind}"))
        small.setflags(write=False)
        state = hashlib.blake2b(kind.encode() + small.tobytes(), digest_size=16)
        digest = _for_audience(state.hexdigest(), audience)
        if self.columns.get(digest) is None:
            self.columns.put(digest, small, size=small.nbytes + 64, audience=audience)
        return digest

    def add_labels(self, texts: Sequence[str], *, audience: frozenset[str]) -> str:
        """Keep one text a feature as compressed JSON."""
        clean = [text if isinstance(text, str) else "" for text in texts]
        content = json.dumps(clean, ensure_ascii=False, separators=(",", ":")).encode()
        digest = _for_audience(hashlib.blake2b(content, digest_size=16).hexdigest(), audience)
        if self.blobs.get(digest) is None:
            packed = gzip.compress(content, 5, mtime=0)
            self.blobs.put(digest, packed, size=len(packed), audience=audience)
        return digest

    def add_relief(self, path: Path, *, audience: frozenset[str]) -> str:
        """Keep where a DEM lies, addressed by its path, size and time."""
        digest = _for_audience(_mark(path), audience)
        self.reliefs.put(digest, path, size=200, audience=audience)
        return digest

    def add_surface(self, path: Path, ramp: Ramp, *, audience: frozenset[str]) -> str:
        """Keep where a raster lies and how it is coloured, addressed by both."""
        digest = _for_audience(_mark(path, repr(ramp)), audience)
        self.surfaces.put(digest, (path, ramp), size=400, audience=audience)
        return digest

    def add_map(self, definition: Mapping[str, Any]) -> str:
        """Keep a compiled map and return its hash."""
        content = json.dumps(dict(definition), ensure_ascii=False, sort_keys=True).encode()
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        if self.maps.get(digest) is None:
            self.maps.put(digest, MappingProxyType(dict(definition)), size=len(content))
        return digest

    def add_download(self, content: bytes, *, file_name: str, media_type: str, user: str) -> str:
        """Keep a file for one person for ten minutes and return the token that fetches it once."""
        token = secrets.token_urlsafe(24)
        entry = Download(content, file_name, media_type, user, time.monotonic() + _DOWNLOAD_SECONDS)
        self.downloads.put(token, entry, size=len(content))
        return token

    def tile(self, digest: str, z: int, x: int, y: int, identity: Identity) -> bytes | None:
        """Return one tile compressed; None when nothing is in it.

        Raises
        ------
        KeyError
            If no such source is kept.
        AccessError
            If the person is not in its audience.
        InputError
            If there is no such tile.

        """
        source = allowed(self.sources.get(digest), identity)
        return self._cached((digest, z, x, y), lambda: source.tile(z, x, y), squeeze=True)

    def relief(self, digest: str, z: int, x: int, y: int, identity: Identity) -> bytes | None:
        """Return one tile of shaded relief as PNG; None outside the model. Raises as `tile` does."""
        path = allowed(self.reliefs.get(digest), identity)
        return self._cached((digest, z, x, y), lambda: relief_tile(path, z, x, y), squeeze=False)

    def surface(self, digest: str, z: int, x: int, y: int, identity: Identity) -> bytes | None:
        """Return one tile of a raster in its colours as PNG; None where nothing is. Raises as `tile` does."""
        path, ramp = allowed(self.surfaces.get(digest), identity)
        return self._cached((digest, z, x, y), lambda: surface_tile(path, ramp, z, x, y), squeeze=False)

    def column(self, digest: str, identity: Identity) -> npt.NDArray[Any]:
        """Return a column. Raises as `tile` does."""
        return allowed(self.columns.get(digest), identity)

    def labels(self, digest: str, identity: Identity) -> bytes:
        """Return the compressed JSON of texts. Raises as `tile` does."""
        return allowed(self.blobs.get(digest), identity)

    def _cached(self, key: tuple[Any, ...], make: Callable[[], bytes], *, squeeze: bool) -> bytes | None:
        kept = self._tiles.get(key)
        if kept is None:
            content = make()
            packed = gzip.compress(content, 4, mtime=0) if content and squeeze else content
            self._tiles.put(key, packed, size=len(packed) + 120)
            return packed or None
        return kept.item or None


def allowed(kept: Kept[Item] | None, identity: Identity) -> Item:
    """Return the thing itself if the person may see it."""
    if kept is None:
        raise KeyError("not kept")
    if not identity.may(kept.audience):
        raise AccessError("您的角色不能查看这个图层。")
    return kept.item


def pack(column: npt.NDArray[Any]) -> bytes:
    """Write a column as sent to the browser: one byte for the width of a value, seven empty, then the values.

    >>> pack(np.array([1, 2], dtype="<u2")).hex()
    '020000000000000001000200'
    """
    return bytes([_KINDS[column.dtype.str[1:]], 0, 0, 0, 0, 0, 0, 0]) + column.tobytes()


def _for_audience(digest: str, audience: frozenset[str]) -> str:
    """A change of audience is a change of address."""
    if not audience:
        return digest
    return hashlib.blake2b((digest + "|" + ",".join(sorted(audience))).encode(), digest_size=16).hexdigest()


@functools.cache
def store() -> TileStore:
    """Return the one store of this process, shared by the pages and the routes."""
    return TileStore()
