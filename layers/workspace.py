"""Every layer in one metric CRS, with one digest."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS, Transformer

from geo.crs import STORAGE_CRS, measurement_crs, require_metric, require_same_crs
from layers import schema as schemas
from layers.places import PLACED, place_claims, place_features
from layers.problem import Problem
from layers.towns import place_villages


@dataclass(frozen=True)
class Source:
    """Where a layer came from: which file, which digest, which day it describes.

    A layer made of several files (one a bureau) is one combined source: `as_of` is the oldest part's day, `is_partial`
    is true if any part is. `kinds` then says, for each facility, line, service-area or hazard kind that some file
    held, (day it describes, is partial). A kind that is not in `kinds` was never delivered: its absence is unknown,
    never a gap. Empty for layers without kinds.
    """

    layer: str
    digest: str
    file_name: str
    as_of: date
    is_partial: bool
    rows: int
    crs: str = ""
    encoding: str = ""
    kinds: Mapping[str, tuple[date, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """Checked layers in one metric CRS. Shared between sessions: never write to its frames.

    `memo` keeps what was worked out from a layer for as long as the workspace lives, see `kept`.
    """

    layers: Mapping[str, Any]
    crs: CRS
    sources: Mapping[str, Source]
    problems: tuple[Problem, ...]
    digest: str
    memo: dict[str, tuple[Any, Any]] = field(default_factory=dict, compare=False, repr=False)

    def kept(self, what: str, layer: str, make: Callable[[Any], Any]) -> Any:
        """Work something out from the frame of a layer once; another frame under the same name is worked out anew.

        Examples
        --------
        >>> ws = Workspace({"roads": pd.DataFrame({"road_id": ["a"]})}, CRS("EPSG:4547"), {}, (), "")
        >>> ws.kept("count", "roads", len), ws.kept("count", "roads", lambda frame: 99)
        (1, 1)
        """
        frame = self.layers[layer]
        held = self.memo.get(what)
        if held is None or held[0] is not frame:
            held = self.memo[what] = (frame, make(frame))
        return held[1]

    def get(self, layer: str) -> pd.DataFrame | None:
        """Return the frame of a layer, None when the office does not hold it."""
        return self.layers.get(layer)


def gather(
    frames: Mapping[str, Any],
    sources: Mapping[str, Source],
    *,
    crs: CRS | str | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Workspace:
    """Bring every layer into one metric CRS and settle which town and village everything lies in.

    Parameters
    ----------
    frames
        Checked layers in EPSG:4490 by name, as `layers.store.read_layer` returns them. Not changed.
    sources
        Where each of them came from.
    crs
        Metric CRS; default the measurement CRS of the centre of the villages (else of whatever there is).
    aliases
        Place names that documents misspell or that have changed -> the name (or code) in use.

    Returns
    -------
    Workspace
        Villages with `town` (name) and `town_id`; natural villages, households, facilities, roads and bridges with
        `village_id` and `town`; seats in metres; what could not be settled among the problems. Rows keep their order.

    Raises
    ------
    CRSError
        When a layer is not in EPSG:4490, or `crs` is not in metres.
    """
    known = {name: frames[name] for name in schemas.load() if name in frames}
    for name, frame in known.items():
        if isinstance(frame, gpd.GeoDataFrame):
            require_same_crs(frame, gpd.GeoSeries([], crs=STORAGE_CRS), what=schemas.load()[name].label)
    metric = CRS.from_user_input(crs) if crs is not None else _measurement_crs(known)
    require_metric(gpd.GeoSeries([], crs=metric), what="工作区")
    layers = {name: _project(frame, metric) for name, frame in known.items()}
    names = dict(aliases or {})
    problems: list[Problem] = []
    if "villages" in layers:
        placed = place_villages(layers["villages"], layers.get("towns"))
        layers["villages"] = placed.frame
        problems += placed.problems
    for name in PLACED:
        if name in layers:
            placed = place_features(name, layers[name], layers.get("villages"), layers.get("towns"), names)
            layers[name] = placed.frame
            problems += placed.problems
    if "claims" in layers:
        placed = place_claims(layers["claims"], layers, names)
        layers["claims"] = placed.frame
        problems += placed.problems
    return Workspace(
        layers=MappingProxyType(layers),
        crs=metric,
        sources=MappingProxyType(dict(sources)),
        problems=tuple(problems),
        digest=_digest(sources, layers, metric, names),
    )


def _measurement_crs(frames: Mapping[str, Any]) -> CRS:
    """Choose by the centre of the villages' box; without villages by the first layer that has shapes."""
    for name in ("villages", "towns", *frames):
        frame = frames.get(name)
        if isinstance(frame, gpd.GeoDataFrame) and len(frame):
            west, south, east, north = frame.total_bounds
            if np.isfinite([west, south, east, north]).all():
                return measurement_crs((west + east) / 2, (south + north) / 2)
    return measurement_crs(105.0, 35.0)


def _project(frame: Any, crs: CRS) -> Any:
    """Return a layer in the metric CRS, with the seats of villages in metres too."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame.copy()
    projected = frame.to_crs(crs)
    if "seat_x" in projected.columns:
        x, y = projected["seat_x"].to_numpy(dtype=float), projected["seat_y"].to_numpy(dtype=float)
        seated = np.isfinite(x) & np.isfinite(y)
        east, north = np.full(len(x), np.nan), np.full(len(y), np.nan)
        if seated.any():
            change = Transformer.from_crs(STORAGE_CRS, crs, always_xy=True)
            east[seated], north[seated] = change.transform(x[seated], y[seated])
        projected["seat_x"], projected["seat_y"] = east, north
    return projected


def _digest(sources: Mapping[str, Source], layers: Mapping[str, Any], crs: CRS, aliases: Mapping[str, str]) -> str:
    """Digest what the workspace was made from: layers, their days and whether partial, the CRS and the aliases."""
    content = {
        "layers": {name: _source_key(sources[name]) for name in sorted(layers) if name in sources},
        "unsourced": {name: len(layers[name]) for name in sorted(layers) if name not in sources},
        "crs": crs.to_string(),
        "aliases": dict(sorted(aliases.items())),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _source_key(source: Source) -> list[Any]:
    kinds = {kind: [day.isoformat(), is_partial] for kind, (day, is_partial) in source.kinds.items()}
    return [source.digest, source.as_of.isoformat(), source.is_partial, dict(sorted(kinds.items()))]
