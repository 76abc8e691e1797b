"""The map people plan on: folium composes it, vector tiles carry it, a small patch changes it."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import folium
import numpy as np
import numpy.typing as npt
import streamlit as st
from folium.plugins import Fullscreen

from geo.errors import InputError, StoreError
from geo.surface import Ramp
from geo.tiles import Geometry
from views import assets
from views.compile import Compiled, VectorTiles, compile_map, esc, script_module
from views.labels import Language, catalogue, label
from views.look import look_now, take_look
from views.mapevents import read_event
from views.mapspec import (
    Bounds,
    ClassStyle,
    Feature,
    LayerState,
    MapEvent,
    MapSpec,
    Sketch,
    SurfaceLayer,
    TileLayer,
    style_of,
)
from views.plain import plain
from views.tilestore import EVERYONE, store

__all__ = [
    "Bounds",
    "ClassStyle",
    "Feature",
    "LayerState",
    "MapEvent",
    "MapSpec",
    "Sketch",
    "SurfaceLayer",
    "TileLayer",
    "register_column",
    "register_hillshade",
    "register_labels",
    "register_source",
    "register_surface",
    "show_map",
    "style_of",
]


ANYWHERE: Bounds = (0.0, 0.0, 0.0, 0.0)


def register_source(
    frame: Any,
    *,
    id_field: str,
    kind: Geometry,
    priority: npt.NDArray[Any] | None = None,
    min_zooms: npt.NDArray[Any] | None = None,
    audience: frozenset[str] = EVERYONE,
) -> str:
    """Make a frame available as vector tiles and return the digest that addresses them.

    Parameters
    ----------
    frame
        GeoDataFrame with a CRS. Shared frames may be passed again and again: the same object costs nothing.
    id_field
        Column that names a feature; it must be there and be unique. It is not sent: features go by position.
    kind
        What is drawn; polygons drawn as points stand at a point on their surface.
    priority
        One number a row. Where points are too many for a zoom the largest stays, so give the worst status the most.
    min_zooms
        The tile zoom (map zoom less one) from which each row is drawn, e.g. roads by class.
    audience
        Who may fetch the tiles, e.g. ``frozenset({"households"})``; empty: everyone who is signed in.

    Raises
    ------
    InputError
        If `id_field` is missing or not unique.

    """
    if id_field not in frame:
        raise InputError(f"图层没有“{id_field}”一列，不能绘图。")
    if not store().has_seen(frame) and frame[id_field].duplicated().any():
        raise InputError(f"“{id_field}”有重复值，点选会认错要素。请先在数据质量页处理重复编号。")
    return store().add_source(
        frame, name=id_field, kind=kind, priority=priority, min_zooms=min_zooms, audience=audience
    )


def register_column(codes: npt.NDArray[np.integer[Any]], *, audience: frozenset[str] = EVERYONE) -> str:
    """Make a column of codes (whole numbers from 0, one a feature in frame order) available; return its digest."""
    return store().add_column(codes, audience=audience)


def register_labels(texts: Sequence[str], *, audience: frozenset[str] = EVERYONE) -> str:
    """Make one text a feature (shown on hover and as map label) available and return its digest."""
    return store().add_labels(texts, audience=audience)


def register_hillshade(path: str | Path, *, audience: frozenset[str] = EVERYONE) -> str:
    """Make a DEM (GeoTIFF, metres) available as shaded relief tiles and return the digest that addresses them."""
    return store().add_relief(Path(path), audience=audience)


def register_surface(path: str | Path, ramp: Ramp, *, audience: frozenset[str] = EVERYONE) -> str:
    """Make a raster (GeoTIFF) available as coloured tiles and return the digest that addresses them."""
    return store().add_surface(Path(path), ramp, audience=audience)


def show_map(
    spec: MapSpec,
    states: Mapping[str, LayerState],
    *,
    key: str,
    height: int = 620,
    selected: Sequence[Feature] = (),
    focus: Bounds | Feature | None = None,
    flash: Feature | None = None,
    nonce: int = 0,
    sketch: Sketch | None = None,
) -> MapEvent:
    """Show the map and return what the person did last; the view is kept whatever else changes.

    Parameters
    ----------
    spec
        What is on the map. Changing it composes the map anew (the view is kept); keep it constant where possible.
    states
        How each layer looks, by layer id. A layer without a state is drawn in its own style.
    key
        Names this map on the page.
    height
        Screen pixels.
    selected
        Features drawn highlighted.
    focus
        Bounds (west, south, east, north in degrees) or a feature to move to. Acts once per value of `focus` and `nonce`.
    flash
        A feature to flash. Acts once per value of `flash` and `nonce`.
    nonce
        Change it to repeat the same focus or flash.
    sketch
        A line to draw or edit on the map, or only costed stretches to show.

    Raises
    ------
    InputError
        If a state names a column that is not there or is not as long as its layer.

    """
    try:
        held = assets.load()
    except StoreError as missing:
        st.error(plain(missing))
        return MapEvent()
    patch = patch_of(
        spec, states, key=key, height=height, selected=selected, focus=focus, flash=flash, nonce=nonce,
    )  # fmt: skip
    patch |= {"entry": held.address("atlas.js"), "failed": label("text", "map_failed", spec.language)}
    patch["sketch"] = asdict(sketch) if sketch else None
    result = component()(key=key, data=patch, on_event_change=functools.partial(take_look, key))
    return read_event(spec, states, getattr(result, "event", None), key)


def patch_of(
    spec: MapSpec,
    states: Mapping[str, LayerState],
    *,
    key: str,
    height: int,
    selected: Sequence[Feature] = (),
    focus: Bounds | Feature | None = None,
    flash: Feature | None = None,
    nonce: int = 0,
    look_key: str | None = None,
) -> dict[str, Any]:
    """Write what the browser is told of one map: digests, codes, colours; parameters as those of `show_map`."""
    return {
        "map": store().add_map(definition_of(replace(spec, bounds=ANYWHERE), assets.load().digest)),
        "key": key,
        "height": height,
        "bounds": list(spec.bounds),
        "view": list(st.session_state.get("view_linked") or ()) or None,
        "reportsView": bool(st.session_state.get("view_asked_for")),
        "states": {
            layer.id: layer_patch(layer, states.get(layer.id) or LayerState(visible=layer.visible))
            for layer in spec.layers
        },
        "selected": _selection(selected),
        "focus": _focus(spec, focus, nonce),
        "flash": {"feature": list(flash), "nonce": nonce} if flash else None,
        "look": look_now(look_key or key),
    }


def words(language: Language) -> dict[str, str]:
    """Give the words the map itself needs: its tools, its legend, its units."""
    return {key: label("map", key, language) for key in catalogue()["map"]}


@functools.lru_cache(maxsize=64)
def definition_of(spec: MapSpec, assets_digest: str) -> Mapping[str, Any]:
    """Compose a map with folium and compile it; the same spec gives the same definition."""
    held = assets.load()
    if held.digest != assets_digest:
        raise StoreError("浏览器资源在运行中被更换。请重新启动。")
    compiled = compile_spec(spec)
    return MappingProxyType(
        {
            "title": spec.title,
            "words": words(spec.language),
            "scripts": list(compiled.scripts),
            "styles": [*compiled.styles, held.address("atlas.css")],
            "bases": [asdict(base) for base in spec.bases],
            "module": script_module(compiled),
        }
    )


def compile_spec(spec: MapSpec) -> Compiled:
    """Compose a map and render it to fixed text with local files only."""
    return compile_map(compose(spec), assets.load())


def compose(spec: MapSpec) -> folium.Map:
    """Put a map together as folium users know it: relief, vector layers, scale, full screen, layer control.

    Where it begins is not part of it (the patch says so): other bounds are the same composition, and no new mount.
    """
    composed = folium.Map(
        location=[35, 105],
        tiles=None,
        zoom_start=7,
        control_scale=True,
        zoom_control="topleft",
        min_zoom=4,
        max_zoom=20,
        world_copy_jump=False,
    )
    if spec.hillshade:
        folium.TileLayer(
            f"/atlas/hillshade/{spec.hillshade}/{{z}}/{{x}}/{{y}}.png",
            attr=esc(label("map", "terrain", spec.language)),
            name=esc(label("map", "hillshade", spec.language)),
            overlay=True,
            max_native_zoom=14,
            max_zoom=20,
        ).add_to(composed)
    for surface in spec.surfaces:
        folium.TileLayer(
            f"/atlas/surface/{surface.source}/{{z}}/{{x}}/{{y}}.png",
            attr=esc(surface.title), name=_named(surface), overlay=True, show=False, opacity=0.7, max_native_zoom=15,
            max_zoom=20,
        ).add_to(composed)  # fmt: skip
    VectorTiles([_layer(layer) for layer in spec.layers]).add_to(composed)
    Fullscreen(
        title=label("map", "full_screen", spec.language), title_cancel=label("map", "full_screen_end", spec.language)
    ).add_to(composed)
    if spec.hillshade or spec.surfaces:
        folium.LayerControl(collapsed=True).add_to(composed)
    return composed


def _named(surface: SurfaceLayer) -> str:
    """Write the name of a raster with its colours, as the layer control shows it."""
    marks = "".join(
        f'<span class="atlas-ramp-class"><i style="background:{color}"></i>{esc(text)}</span>'
        for color, text in surface.classes
    )
    return f'{esc(surface.title)}<span class="atlas-ramp">{marks}</span>'


def _layer(layer: TileLayer) -> dict[str, Any]:
    kept = store().sources.get(layer.source)
    if kept is None:
        raise InputError(f"图层“{layer.label}”没有登记（register_source）。请刷新页面。")
    return {
        "id": layer.id,
        "label": layer.label,
        "digest": layer.source,
        "geometry": layer.geometry,
        "minZoom": layer.min_zoom,
        "style": asdict(layer.style),
        "interactive": layer.interactive,
        "visible": layer.visible,
        "bounds": kept.item.bounds,
    }


def layer_patch(layer: TileLayer, state: LayerState) -> dict[str, Any]:
    """Write a state as the browser reads it: digests and codes, no data."""
    used = [name for name in (state.color_by, *state.filters) if name is not None]
    missing = [name for name in used if name not in state.columns]
    if missing:
        raise InputError(f"图层“{layer.label}”按“{missing[0]}”着色或筛选，但没有这一列。")
    for name in used:
        _check_length(layer, name, state.columns[name])
    return {
        "columns": {name: state.columns[name] for name in used},
        "by": state.color_by,
        "classes": [asdict(style) for style in state.classes],
        "filters": {name: [int(code) for code in codes] for name, codes in state.filters.items()},
        "visible": state.visible,
        "opacity": state.opacity,
        "texts": state.labels_column,
        "showTexts": state.show_labels,
    }


def _check_length(layer: TileLayer, name: str, digest: str) -> None:
    """A column that is not as long as its layer would colour the wrong features: refuse it."""
    source, column = store().sources.get(layer.source), store().columns.get(digest)
    if source is None or column is None:
        raise InputError(f"图层“{layer.label}”或它的列“{name}”没有登记。请刷新页面。")
    if len(column.item) != source.item.count:
        raise InputError(
            f"图层“{layer.label}”与列“{name}”长度不同（{source.item.count} 个要素，{len(column.item)} 个值），不能着色。"
        )


def _selection(selected: Sequence[Feature]) -> dict[str, Any]:
    by_layer: dict[str, list[int]] = {}
    for layer, position in selected:
        by_layer.setdefault(layer, []).append(int(position))
    return {
        layer: positions if len(positions) <= 100 else register_column(np.asarray(positions))
        for layer, positions in by_layer.items()
    }


def _focus(spec: MapSpec, focus: Bounds | Feature | None, nonce: int) -> dict[str, Any] | None:
    if focus is None:
        return None
    bounds: Any
    if isinstance(focus[0], str):
        source = next((layer.source for layer in spec.layers if layer.id == focus[0]), "")
        kept = store().sources.get(source)
        bounds = kept.item.bounds_of(int(focus[1])) if kept else None
    else:
        bounds = focus
    return {"bounds": list(bounds), "nonce": nonce} if bounds else None


@functools.cache
def component() -> Any:
    """Give the component that mounts maps on a page."""
    boot = (assets.COMPONENT / "boot.js").read_text(encoding="utf-8")
    return st.components.v2.component("qiyou_atlas_map", js=boot, isolate_styles=False)
