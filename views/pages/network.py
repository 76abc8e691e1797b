"""路网体检: who uses which road, whose loss cuts people off, what never connects, what was mended, and the other road works."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.hindcast import hindcast, upkeep
from geo.errors import AppError
from views import atlas, own_list, panels, planning, uploads
from views.context import Context
from views.labels import Language, label, number, say
from views.maps import ClassStyle, LayerState, TileLayer, register_column, register_labels, register_source, show_map
from views.planning import Works
from views.repairs import repair_sheet
from views.road_sheets import SHEETS as OTHERS
from views.road_sheets import Sheet

SHEETS = {
    name: repair_sheet if name == "repairs" else OTHERS[name]
    for name in ("trace", "critical", "stranded", "repairs", "widening", "bridges", "safety", "bus", "lamps")
}
MAP_HEIGHT = 470
MOST_DRAWN = 20_000
RAMP = ("#9ecae1", "#4292c6", "#f2a33a", "#c8450b", "#7a0f5a")


def classed(values: pd.Series, unit: str, language: Language) -> tuple[np.ndarray, tuple[ClassStyle, ...]]:
    """Sort numbers into five classes of about equal count; what has no number is a class of its own, hatched."""
    known = pd.to_numeric(values, errors="coerce")
    edges = (
        np.unique(np.nanquantile(known, np.linspace(0, 1, len(RAMP) + 1)))
        if known.notna().any()
        else np.array([0.0, 1.0])
    )
    codes = np.where(known.isna(), 0, np.clip(np.searchsorted(edges, known, side="right"), 1, max(len(edges) - 1, 1)))
    styles = [ClassStyle(say(language, "no_figure"), "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b")]
    for place in range(max(len(edges) - 1, 1)):
        low, high = edges[place], edges[min(place + 1, len(edges) - 1)]
        decimals = 0 if high >= 10 else 2
        styles.append(
            ClassStyle(
                f"{number(low, decimals)}–{number(high, decimals)} {unit}",
                RAMP[place],
                outline="#ffffff",
                width=2 + place,
                radius=4 + place,
                rank=place,
            )
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


def draw(context: Context, title: str, sheet: Sheet, frame: Any) -> None:
    """Draw a sheet over the roads, coloured by its number."""
    key = f"{context.key}|{title}|{st.session_state.get('trace_service')}|{st.session_state.get('trace_soft')}|{st.session_state.get('repair_kind')}"
    source, texts = source_of(key, len(frame), frame)
    kind = "point" if frame.geometry.iloc[0].geom_type.endswith("Point") else "line"
    codes, styles = classed(frame[sheet.measure], sheet.unit, context.language)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(
            roads.layer(
                label("layer", "roads", context.language),
                ClassStyle(label("layer", "roads", context.language), "#b6bfc6", width=0.8),
                interactive=False,
            )
        )
        states["roads"] = atlas.state(roads)
    layers.append(TileLayer("sheet", title, source, kind))  # type: ignore[arg-type]
    states["sheet"] = LayerState(
        columns={"class": register_column(codes)}, color_by="class", classes=styles, labels_column=texts
    )
    chosen = panels.selected("sheet")
    marked = [("sheet", int(chosen))] if chosen is not None and int(chosen) < len(frame) else []
    event = show_map(
        atlas.spec_of(context, layers, title),
        states,
        key="network_map",
        height=MAP_HEIGHT,
        selected=marked,
        focus=marked[0] if marked else None,
    )
    panels.take_event(event, "network_map", {"sheet": pd.Index([str(place) for place in range(len(frame))])})


def show_sheet(context: Context, title: str, sheet: Sheet) -> None:
    """Show a sheet as map and table, largest first."""
    held = sheet.frame[sheet.frame.geometry.notna()]
    if held.empty:
        st.success(say(context.language, "none", title=title, note=sheet.note))
        return
    frame = held.sort_values(sheet.measure, ascending=False, kind="stable").head(MOST_DRAWN).reset_index(drop=True)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        draw(context, title, sheet, frame)
    with right:
        more = say(context.language, "the_first_listed", MOST_DRAWN=MOST_DRAWN) if len(held) > len(frame) else ""
        st.caption(say(context.language, "rows", count=len(held), more=more, note=sheet.note))
        table = pd.DataFrame(frame[list(sheet.columns)]).rename(
            columns={name: label("road_column", name, context.language) for name in sheet.columns}
        )
        panels.show_table(
            table,
            key=f"network_{title}_{context.assessment.choices_digest}",
            ids=[str(place) for place in range(len(frame))],
            kind="sheet",
            height=MAP_HEIGHT - (110 if sheet.act is None else 280),
        )
        chosen = panels.selected("sheet")
        if sheet.act is not None:
            sheet.act(frame, int(chosen) if chosen is not None and int(chosen) < len(frame) else None)
        panels.offer_download(context, {title: table}, f"{label('page', 'network', context.language)}_{title}")


def show_money(context: Context) -> None:
    """Show the upkeep money of poor villages' roads."""
    table = upkeep(context.workspace, context.policy, context.day)
    if table.empty:
        st.info(say(context.language, "names_no_upkeep_money", title=panels.plain(context.policy.title)))
        return
    names = context.frame("villages").set_index("village_id")["name"]
    table = table.assign(village_id=table["village_id"].map(names).fillna(table["village_id"]))
    table = table.rename(columns={name: label("road_column", name, context.language) for name in table.columns})
    st.dataframe(table, hide_index=True, key="upkeep_table")
    title = label("sheet", "upkeep", context.language)
    panels.offer_download(context, {title: table}, title)


def show_hindsight(works: Works, language: Language) -> None:
    """Read an earlier list and say how much of it is connected today."""
    upload = st.file_uploader(
        say(language, "an_earlier_list_excel_or_csv"), type=["xlsx", "xls", "csv"], key="hindcast_file"
    )
    if upload is None:
        st.caption(say(language, "upload_an_earlier_project_list_to"))
        return
    try:
        own, strangers = own_list.read_own_list(
            uploads.read_table(upload), works.road_plan.natural_villages["natural_village_id"].tolist()
        )
        table = hindcast(
            pd.concat([own, pd.DataFrame({"natural_village_id": strangers})], ignore_index=True), works.road_plan
        )
    except AppError as error:
        st.error(panels.plain(error))
        return
    heads = {name: label("hindsight", name, language) for name in table.columns}
    st.dataframe(table.rename(columns=heads), hide_index=True, key="hindcast_table")


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
        st.session_state["network_shown"] = chosen
        panels.select("sheet", None)
    if chosen == "upkeep":
        show_money(context)
    elif chosen == "hindsight":
        show_hindsight(works, context.language)
    else:
        sheet = SHEETS[chosen](context, works)
        if sheet is not None:
            show_sheet(context, label("sheet", chosen, context.language), sheet)
