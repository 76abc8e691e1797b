"""The layers every map shares, registered once per workspace, and the attributes that colour and filter them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from analysis.features import ID_OF
from layers.workspace import Workspace
from views import surfaces
from views.basemap import offered
from views.context import Context
from views.labels import Language, label
from views.maps import (
    ClassStyle,
    LayerState,
    MapSpec,
    TileLayer,
    register_column,
    register_hillshade,
    register_labels,
    register_source,
)
from views.signin import audience

KINDS = {
    "towns": "polygon",
    "villages": "polygon",
    "hazards": "polygon",
    "service_areas": "polygon",
    "roads": "line",
    "lines": "line",
}
PLACES = ("villages", "towns", "natural_villages", "roads", "facilities", "households")  # what a map opens on, if held
CHINA = (73.5, 18.0, 135.1, 53.6)  # degrees; shown while an office holds nothing that lies anywhere
FIRST_ZOOM = {"G": 0, "S": 0, "X": 0, "Y": 9, "C": 10}


@dataclass(frozen=True)
class Drawn:
    """One layer on a map: its tiles, its ids in feature order, and its frame."""

    name: str
    source: str
    ids: pd.Index
    frame: Any
    texts: str | None
    town_codes: str | None
    audience: frozenset[str] = frozenset()

    def position(self, feature_id: str) -> int | None:
        """Give the feature's place in the tiles, None when it is not drawn."""
        found = self.ids.get_indexer([feature_id])[0]
        return None if found < 0 else int(found)

    def layer(self, title: str, style: ClassStyle, **options: Any) -> TileLayer:
        """Put the layer on a map with a title and a style."""
        kind = KINDS.get(self.name, "point")
        return TileLayer(id=self.name, label=title, source=self.source, geometry=kind, style=style, **options)  # type: ignore[arg-type]


def town_names(workspace: Workspace) -> list[str]:
    """List the towns in the order of their codes; those named only by villages, or without these by others, come after."""
    towns = workspace.get("towns")
    names = [] if towns is None else towns.sort_values("town_id")["name"].tolist()
    for layer in PLACES:
        frame = workspace.get(layer) if layer == "villages" or not names else None
        if frame is not None and "town" in frame:
            names += sorted(set(frame["town"].dropna()) - set(names))
    return names


def codes_of(values: pd.Series, order: Sequence[str]) -> npt.NDArray[np.uint16]:
    """Turn texts into codes 1…n in the order given; anything else is 0.

    >>> codes_of(pd.Series(["b", "a", None]), ["a", "b"]).tolist()
    [2, 1, 0]
    """
    codes = pd.Index(list(order), dtype="object").get_indexer(pd.Index(values.astype("object")))
    return np.asarray(codes + 1, dtype=np.uint16)


def display_text(name: str, frame: Any, language: Language) -> list[str]:
    """Write the text shown when the pointer rests on a feature; no private column can be in it."""
    if name == "roads":
        first = frame["name"].fillna(frame["route_code"]).fillna(frame["road_id"])
        return list(first + " · " + frame["surface"].map(lambda key: label("surface", key, language)))
    if name == "facilities":
        kinds = frame["kind"].map(lambda key: label("facility", key, language))
        return list(kinds + " · " + frame["name"].fillna(""))
    if name in {"towns", "villages", "natural_villages", "bridges"}:
        return list(frame["name"].fillna(""))
    return list(frame[ID_OF[name]])


@st.cache_resource(show_spinner=False, max_entries=40)
def drawn_layer(
    digest: str, name: str, rows: str, _frame: Any, _towns: list[str], audience: tuple[str, ...] = (),
    language: Language = "zh",
) -> Drawn:  # fmt: skip
    """Register a layer's geometry, hover texts and towns once per workspace."""
    del digest, rows
    frame = _frame[_frame.geometry.notna() & ~_frame.geometry.is_empty].reset_index(drop=True)
    zooms = None
    if name == "roads":
        others = 11 if frame["admin_class"].notna().any() else 0  # where no road says its class, none is minor
        zooms = frame["admin_class"].map(FIRST_ZOOM).fillna(others).to_numpy(np.uint8)
    who = frozenset(audience)
    kind: Any = KINDS.get(name, "point")
    source = register_source(frame, id_field=ID_OF[name], kind=kind, min_zooms=zooms, audience=who)
    column = "name" if name == "towns" else "town"
    towns = register_column(codes_of(frame[column], _towns), audience=who) if column in frame else None
    texts = register_labels(display_text(name, frame, language), audience=who)
    return Drawn(name, source, pd.Index(frame[ID_OF[name]]), frame, texts, towns, who)


def drawn(context: Context, name: str, *, rows: str = "all", frame: Any = None) -> Drawn | None:
    """Give a layer ready to draw; None when the office does not hold it or none of its rows has a place."""
    whole = context.workspace.get(name) if frame is None else frame
    if whole is None or "geometry" not in whole or not whole.geometry.notna().any():
        return None
    who = tuple(sorted(audience(context.user))) if name == "households" else ()
    return drawn_layer(
        context.workspace.digest, name, rows, whole, town_names(context.workspace), who, context.language
    )


def state(
    layer: Drawn,
    *,
    values: pd.Series | None = None,
    classes: Mapping[str, ClassStyle] | None = None,
    town: str | None = None,
    towns: Sequence[str] = (),
    keep: Sequence[str] | None = None,
    **options: Any,
) -> LayerState:
    """Describe how a layer looks now: coloured by a text attribute (`values`, by feature id), filtered by town and class."""
    columns: dict[str, str] = {}
    filters: dict[str, tuple[int, ...]] = {}
    styles: tuple[ClassStyle, ...] = ()
    if layer.town_codes and town is not None:
        columns["town"] = layer.town_codes
        filters["town"] = (list(towns).index(town) + 1,)
    if values is not None and classes is not None:
        order = list(classes)
        columns["class"] = register_column(codes_of(values.reindex(layer.ids), order), audience=layer.audience)
        styles = (ClassStyle("", "#00000000", "none", outline="#9aa5ad", width=0.6), *classes.values())
        if keep is not None:
            filters["class"] = tuple(order.index(key) + 1 for key in keep)
    return LayerState(
        columns=columns,
        color_by="class" if styles else None,
        classes=styles,
        filters=filters,
        labels_column=layer.texts,
        **options,
    )


def bounds_of(context: Context, town: str | None = None) -> tuple[float, float, float, float]:
    """Give west, south, east, north in degrees of the county or of one town."""
    return _bounds(context.workspace.digest, town, context)


@st.cache_resource(show_spinner=False, max_entries=500)
def _bounds(digest: str, town: str | None, _context: Context) -> tuple[float, float, float, float]:
    """Work it out once per workspace and town: turning every corner into degrees takes a tenth of a second."""
    del digest
    for layer in PLACES:
        frame = _context.frame(layer)
        field = "name" if layer == "towns" else "town"
        chosen = frame if town is None else frame[frame[field] == town]
        if len(chosen) and isinstance(frame, gpd.GeoDataFrame):
            west, south, east, north = chosen.geometry.to_crs("EPSG:4326").total_bounds
            if np.isfinite([west, south, east, north]).all():
                return float(west), float(south), float(east), float(north)
    return CHINA


def spec_of(context: Context, layers: Sequence[TileLayer], title: str) -> MapSpec:
    """Compose a map of the layers over the county's own relief."""
    dem = context.office.rasters(context.day).get("dem")
    shade = register_hillshade(dem) if dem else None
    return MapSpec(
        tuple(layers), bounds_of(context), hillshade=shade, title=title, bases=offered(context.office.path),
        language=context.language, surfaces=surfaces.offered(context),
    )  # fmt: skip


def focus(context: Context, town: str | None, layer: Drawn | None) -> dict[str, Any]:
    """Say where the map has to move, once: to a feature just chosen in a table, to a town just chosen, else nowhere.

    No other filter moves the view, and what a link says goes before all. Returns the keywords `focus` and `nonce` of
    `show_map`.
    """
    nonce = st.session_state.setdefault("focus_nonce", 0)
    goal, area = st.session_state.pop("go_to", None), st.session_state.pop("go_to_bounds", None)
    if st.session_state.pop("view_fresh", False):  # the link says where to look
        st.session_state["focused_town"] = town
        return {"focus": None, "nonce": nonce}
    if area is not None:
        st.session_state["focused_town"] = town
        st.session_state["focus_nonce"] = nonce + 1
        return {"focus": area, "nonce": nonce + 1}
    if goal is not None and layer is not None and goal[0] == layer.name:
        position = layer.position(goal[1])
        if position is not None:
            st.session_state["focused_town"] = town
            st.session_state["focus_nonce"] = nonce + 1
            return {"focus": (layer.name, position), "nonce": nonce + 1}
    if st.session_state.get("focused_town") != town:
        st.session_state["focused_town"] = town
        st.session_state["focus_nonce"] = nonce + 1
        return {"focus": bounds_of(context, town), "nonce": nonce + 1}
    return {"focus": None, "nonce": nonce}


def forget_focus() -> None:
    """Start a page anew: its map moves to the town chosen on the page before."""
    st.session_state.pop("focused_town", None)
    if not st.session_state.get("view_fresh"):
        st.session_state.pop("view_linked", None)
