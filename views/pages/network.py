"""路网体检: who uses which road, whose loss cuts people off, what never connects, what was mended, and the other road works."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.hindcast import upkeep
from views import atlas, hindsight, panels, planning, road_words
from views.context import Context
from views.labels import Language, label, number, say
from views.maps import ClassStyle, LayerState, TileLayer, register_column, register_labels, register_source, show_map
from views.repairs import repair_sheet
from views.road_sheets import SHEETS as OTHERS
from views.road_sheets import Sheet

SHEETS = {
    name: repair_sheet if name == "repairs" else OTHERS[name]
    for name in ("trace", "critical", "core", "stranded", "repairs", "widening", "bridges", "safety", "bus", "lamps")
}
MAP_HEIGHT = 470
MOST_DRAWN = 20_000
RAMP = ("#9ecae1", "#4292c6", "#f2a33a", "#c8450b", "#7a0f5a")
FORMATS = {
    **dict.fromkeys(("length_km", "start_km", "end_km", "declared_km", "drawn_km"), "%.3f"),
    **dict.fromkeys(("cost_cny10k", "subsidy_ceiling_cny10k", "max_slope_percent", "distance_m", "area_m2"), "%.1f"),
    **dict.fromkeys(
        ("people", "people_cut_off", "residents", "min_radius_m", "x", "y", "nearest_m", "share_low"), "%.0f"
    ),
}


def classed(values: pd.Series, unit: str, language: Language) -> tuple[np.ndarray, tuple[ClassStyle, ...]]:
    """Sort numbers into five classes of about equal count, five values or fewer into one each; no number is hatched."""
    known = pd.to_numeric(values, errors="coerce")
    single = np.sort(known.dropna().unique())
    is_single = 0 < len(single) <= len(RAMP)
    edges = single if is_single else np.unique(np.nanquantile(known, np.linspace(0, 1, len(RAMP) + 1)))
    count = len(edges) if is_single else max(len(edges) - 1, 1)
    codes = np.where(known.isna(), 0, np.clip(np.searchsorted(edges, known, side="right"), 1, count))
    styles = [ClassStyle(say(language, "no_figure"), "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b")]
    for turn in range(count):
        low, high = edges[turn], edges[turn if is_single else turn + 1]
        decimals = 0 if high >= 10 or (is_single and (single % 1 == 0).all()) else 2
        shown = number(low, decimals) if is_single else f"{number(low, decimals)}–{number(high, decimals)}"
        place = turn + len(RAMP) - count  # few classes take the strong colours
        styles.append(
            ClassStyle(f"{shown} {unit}", RAMP[place], outline="#ffffff", width=2 + place, radius=4 + place, rank=place)
        )
    return codes.astype(np.uint16), tuple(styles)


@st.cache_resource(show_spinner=False, max_entries=30)
def source_of(key: str, rows: int, _frame: Any) -> tuple[str, str]:
    """Register a sheet's shapes once."""
    del key, rows
    kind = "point" if _frame.geometry.iloc[0].geom_type.endswith("Point") else "line"
    ids = _frame.assign(atlas_id=[str(place) for place in range(len(_frame))])
    names = [str(value) for value in _frame.iloc[:, 0]]
    return register_source(ids[["atlas_id", "geometry"]], id_field="atlas_id", kind=kind), register_labels(names)  # type: ignore[arg-type]


@st.cache_resource(show_spinner=False, max_entries=6)
def places_of(key: str, _frame: Any) -> tuple[str, str]:
    """Register the points drawn above a sheet once."""
    del key
    ids = _frame.assign(atlas_id=[str(place) for place in range(len(_frame))])
    source = register_source(ids[["atlas_id", "geometry"]], id_field="atlas_id", kind="point")
    return source, register_labels([str(name) for name in _frame["name"]])


def draw(context: Context, title: str, sheet: Sheet, frame: Any) -> None:
    """Draw a sheet over the roads, coloured by its number or its class."""
    key = f"{context.key}|{title}|{sheet.part}|{st.session_state.get('repair_kind')}"
    source, texts = source_of(key, len(frame), frame)
    kind = "point" if frame.geometry.iloc[0].geom_type.endswith("Point") else "line"
    if sheet.classes:
        codes, styles = (
            atlas.codes_of(frame[sheet.measure], list(sheet.classes)),
            (ClassStyle("", "#00000000", "none"), *sheet.classes.values()),
        )
    else:
        codes, styles = classed(frame[sheet.measure], sheet.unit, context.language)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        name = say(context.language, "existing_roads")
        layers.append(roads.layer(name, ClassStyle(name, "#b6bfc6", width=0.8), interactive=False))
        states["roads"] = atlas.state(roads)
    layers.append(TileLayer("sheet", title, source, kind))  # type: ignore[arg-type]
    states["sheet"] = LayerState(
        columns={"class": register_column(codes)}, color_by="class", classes=styles, labels_column=texts
    )
    if sheet.places is not None:
        name, points, style = sheet.places
        held, names = places_of(key, points)
        layers.append(TileLayer("places", name, held, "point", style=style, interactive=False))
        states["places"] = LayerState(labels_column=names, show_labels=True)
    chosen = panels.selected("sheet")
    marked = [("sheet", int(chosen))] if chosen is not None and int(chosen) < len(frame) else []
    event = show_map(
        atlas.spec_of(context, layers, title),
        states,
        key="network_map",
        height=MAP_HEIGHT,
        selected=marked,
        **_where(context, marked),
    )
    panels.take_event(event, "network_map", {"sheet": pd.Index([str(place) for place in range(len(frame))])})


def _where(context: Context, marked: list[tuple[str, int]]) -> dict[str, Any]:
    """Move the map to what is chosen, and back to the whole county when another sheet is shown."""
    turned = st.session_state.pop("network_turned", False)
    nonce = st.session_state.get("network_nonce", 0) + int(turned)
    st.session_state["network_nonce"] = nonce
    return {"focus": marked[0] if marked else atlas.bounds_of(context) if turned else None, "nonce": nonce}


def show_sheet(context: Context, title: str, sheet: Sheet) -> None:
    """Show a sheet as map and table, largest first."""
    language = context.language
    held = sheet.frame[sheet.frame.geometry.notna()]
    if held.empty:
        st.success(say(language, "none", title=title, note=sheet.note))
        return
    if not sheet.classes:
        held = held.sort_values(sheet.measure, ascending=False, kind="stable")
    frame = held.head(MOST_DRAWN).reset_index(drop=True)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        draw(context, title, sheet, frame)
    with right:
        more = say(language, "the_first_listed", MOST_DRAWN=MOST_DRAWN) if len(held) > len(frame) else ""
        st.caption(say(language, "rows", count=len(held), more=more, note=sheet.note))
        heads = {name: label("road_column", name, language) for name in sheet.columns}
        table = pd.DataFrame(frame[list(sheet.columns)]).rename(columns=heads)
        formats = {
            heads[name]: st.column_config.NumberColumn(format=FORMATS[name]) for name in heads if name in FORMATS
        }
        panels.show_table(
            table,
            key=f"network_{title}_{sheet.part}_{context.assessment.choices_digest}",
            ids=[str(place) for place in range(len(frame))],
            kind="sheet",
            height=MAP_HEIGHT - (110 if sheet.act is None else 280),
            column_config=formats,
        )
        chosen = panels.selected("sheet")
        if sheet.act is not None:
            sheet.act(frame, int(chosen) if chosen is not None and int(chosen) < len(frame) else None)
        places = None if frame.crs is None else frame.geometry
        panels.offer_download(context, {title: table}, f"{label('page', 'network', language)}_{title}", places=places)


def show_money(context: Context) -> None:
    """Show the upkeep money of poor villages' roads."""
    table = upkeep(context.workspace, context.policy, context.day)
    if table.empty:
        st.info(say(context.language, "names_no_upkeep_money", title=panels.plain(context.policy.title)))
        return
    names = context.frame("villages").set_index("village_id")["name"]
    table = table.assign(
        village_id=table["village_id"].map(names).fillna(table["village_id"]),
        note=[road_words.told(text, context.language) for text in table["note"]],
    )
    table = table.rename(columns={name: label("road_column", name, context.language) for name in table.columns})
    formats = {
        label("road_column", name, context.language): st.column_config.NumberColumn(format=form)
        for name, form in {"length_km": "%.3f", "subsidy_cny": "%.0f"}.items()
    }
    st.dataframe(table, hide_index=True, key="upkeep_table", column_config=formats, placeholder="—")
    title = label("sheet", "upkeep", context.language)
    panels.offer_download(context, {title: table}, title)


def page(context: Context) -> None:
    """Look the road network over."""
    if context.workspace.get("roads") is None or context.workspace.get("natural_villages") is None:
        st.info(say(context.language, "roads_and_natural_villages_are_needed"))
        return
    with st.spinner(say(context.language, "preparing_the_network")):
        works = planning.works(context)
    names = [*SHEETS, "upkeep", "hindsight"]
    chosen = st.segmented_control(
        say(context.language, "what_to_see"), names, default=names[0], format_func=lambda name: label("sheet", name, context.language),
        key="network_sheet", label_visibility="collapsed",
    ) or names[0]  # fmt: skip
    if st.session_state.get("network_shown") != chosen:
        st.session_state["network_turned"] = "network_shown" in st.session_state
        st.session_state["network_shown"] = chosen
        panels.select("sheet", None)
    if chosen == "upkeep":
        show_money(context)
    elif chosen == "hindsight":
        sheet = hindsight.show(context, works)
        if sheet is not None:
            show_sheet(context, label("sheet", chosen, context.language), sheet)
    else:
        sheet = SHEETS[chosen](context, works)
        if sheet is not None:
            show_sheet(context, label("sheet", chosen, context.language), sheet)
