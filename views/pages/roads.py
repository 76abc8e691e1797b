"""道路硬化: which natural villages have no hardened road, what is missing, what it costs, who shares it."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.segments import whole_cost
from analysis.surfaces import price
from views import atlas, drawing, drawing_card, history, panels, proposing, road_card, road_reasons, road_words, tables
from views.context import Context
from views.labels import label, money, number, say
from views.maps import ClassStyle, show_map, style_of
from views.pages.coverage import MAP_HEIGHT
from views.palette import STATE, SURFACE

BADGES = {"connected": "blue", "harden": "red", "build": "violet"}
STATES = ("harden", "build", "unknown", "connected")
COLUMNS = (
    *("rank", "town", "name", "population", "poor_population", "state", "gap_km", "new_km", "cost_cny10k"),
    *("subsidy_cny10k", "people_per_cny10k", "hardened_distance_m", "outlet", "note"),
)
FORMATS = {
    "gap_km": "%.3f", "new_km": "%.3f", "cost_cny10k": "%.2f", "subsidy_cny10k": "%.2f", "people_per_cny10k": "%.1f",
    "hardened_distance_m": "%.0f",
}  # fmt: skip
SUMMED = {"population": 0, "gap_km": 2, "new_km": 2}


def due_rows(context: Context, town: str | None, *, only_due: bool) -> pd.DataFrame:
    """Give the natural villages to show."""
    rows = context.assessment.natural_villages
    if only_due:
        rows = rows[rows["is_due"].astype(str).isin(["yes", "True", "unknown", "<NA>", "nan"])]
    return rows if town is None else rows[rows["town"] == town]


def shared_segments(context: Context, todo: pd.DataFrame) -> pd.DataFrame:
    """Give the segments that some of these natural villages need, each once."""
    segments = context.assessment.roads["segments"]
    wanted = set(todo["natural_village_id"])
    needed = [not wanted.isdisjoint(str(ids).split(";")) for ids in segments["natural_village_ids"]]
    return segments[np.array(needed, dtype=bool)]


def show_headline(context: Context, rows: pd.DataFrame) -> None:
    """Show how many are due, connected, missing, and what it would cost."""
    language = context.language
    due = rows[rows["is_due"].astype(str).isin(["yes", "True"])]
    counts = due["state"].value_counts()
    shared = shared_segments(context, due[due["state"].isin(["harden", "build"])])
    threshold = due["threshold"].dropna().iloc[0] if len(due) else float("nan")
    unpriced = int(shared["cost_cny10k"].isna().sum())
    new_km = due.loc[due["state"].isin(["harden", "build"]), "new_km"].sum()
    known, is_open = whole_cost(shared, new_km, price(context.policy, "cost.new_road_cny10k_per_km", context.day))
    figures = [
        (say(language, "roads_due"), number(len(due)), say(language, "roads_due_help", people=number(threshold)))
    ]
    figures += [
        (label("state", name, language), number(int(counts.get(name, 0))), say(language, f"roads_{name}_help"))
        for name in ("connected", "harden", "build", "unknown")
    ]
    length = f"{number(shared['length_km'].sum(), 1)} {label('unit', 'km', language)}"
    told = say(language, "roads_length_new", km=number(new_km, 1)) if new_km > 0 else ""
    key = "roads_cost_least" if is_open else "roads_cost"
    figures += [
        (say(language, "roads_length"), length, say(language, "roads_length_help") + told),
        (
            say(language, key),
            money(known, language).replace("CNY ", "¥").replace(" million", " M"),
            say(language, "roads_cost_help", count=unpriced) + told,
        ),
    ]
    panels.show_figures(figures)


def state_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every state in its colour and pattern."""
    ranks = {"connected": 0, "unknown": 1, "build": 2, "harden": 3}
    return {
        name: ClassStyle(
            label("state", name, context.language), s.color, s.pattern, s.ink, s.outline, radius=6, rank=ranks[name]
        )
        for name, s in STATE.items()
    }


def road_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every surface in its colour; unhardened ones dashed."""
    soft = {"gravel", "earth", "none", "light"}
    return {
        name: ClassStyle(
            label("surface", name, context.language),
            s.color,
            "solid",
            width=2.0 if name in soft else 1.6,
            dash=(6, 4) if name in soft else (),
        )
        for name, s in SURFACE.items()
    }


def needed_segments(context: Context, village: str | None) -> set[str]:
    """List the roads of the stretches the chosen natural village needs."""
    rows = context.assessment.natural_villages
    found = rows.loc[rows["natural_village_id"] == village, "segment_ids"]
    if found.empty or not isinstance(found.iloc[0], str):
        return set()
    return {name.partition("#")[0] for name in found.iloc[0].split(";")}  # a stretch is named road#1, road#2 …


def draw(
    context: Context,
    rows: pd.DataFrame,
    town: str | None,
    keep: list[str],
    *,
    key: str = "roads_map",
    height: int = MAP_HEIGHT,
) -> None:
    """Draw roads by surface, natural villages by state, and light up what the chosen one needs."""
    layers, states, ids, marked = composed(context, rows, town, keep)
    if not layers:
        st.info(say(context.language, "no_roads"))
        return
    chosen = panels.selected("natural_villages")
    state = rows.loc[rows["natural_village_id"] == chosen, "state"]
    sketch = drawing.sketch_of(context, chosen, str(state.iloc[0]) if len(state) else None)
    event = show_map(
        atlas.spec_of(context, layers, label("page", "roads", context.language)),
        states,
        key=key,
        height=height,
        selected=marked,
        sketch=sketch,
        **atlas.focus(context, town, atlas.drawn(context, "natural_villages")),
    )
    drawing.take_drawing(event)
    panels.take_event(event, key, ids)


Composed = tuple[list[Any], dict[str, Any], dict[str, pd.Index], list[tuple[str, int]]]


def composed(context: Context, rows: pd.DataFrame, town: str | None, keep: list[str]) -> Composed:
    """Give the layers, how they look, their ids, and what is marked."""
    towns = atlas.town_names(context.workspace)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    ids: dict[str, pd.Index] = {}
    marked: list[tuple[str, int]] = []
    language = context.language
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(roads.layer(label("layer", "roads", language), style_of(SURFACE["unknown"], width=1.4)))
        states["roads"] = atlas.state(
            roads, values=roads.frame.set_index("road_id")["surface"], classes=road_classes(context)
        )
        ids["roads"] = roads.ids
        wanted = roads.ids.get_indexer(sorted(needed_segments(context, panels.selected("natural_villages"))))
        marked += [("roads", int(position)) for position in wanted if position >= 0]
        clicked = roads.position(road_card.shown(context) or "")
        marked += [] if clicked is None else [("roads", clicked)]
    villages = atlas.drawn(context, "natural_villages")
    if villages is not None:
        values = rows.set_index("natural_village_id")["state"]
        layers.append(
            villages.layer(label("layer", "natural_villages", language), style_of(STATE["unknown"], radius=5))
        )
        states["natural_villages"] = atlas.state(
            villages, values=values, classes=state_classes(context), town=town, towns=towns, keep=keep
        )
        ids["natural_villages"] = villages.ids
        for name in [panels.selected("natural_villages"), *panels.area("natural_villages")]:
            place = villages.position(name or "")
            marked += [] if place is None else [("natural_villages", place)]
    return layers, states, ids, marked


def show_card(context: Context) -> None:
    """Show the chosen natural village: state, what is missing, over which segments, cost and who shares it."""
    road = road_card.shown(context)
    if road is not None:
        road_card.show(context, road)
        return
    rows = context.assessment.natural_villages
    found = rows[rows["natural_village_id"] == panels.selected("natural_villages")]
    if found.empty:
        st.info(say(context.language, "roads_hint"), icon=":material/ads_click:")
        return
    row, language = next(found.itertuples()), context.language
    st.markdown(f"#### {panels.plain(row.name)}")
    st.caption(f"{panels.plain(row.town)} · {panels.plain(row.natural_village_id)}")
    panels.show_badge(label("state", row.state, language), BADGES.get(row.state, "gray"))
    if drawing.is_drawing(row.natural_village_id):
        drawing_card.show(context, row.natural_village_id, row.state)
        return
    proposing.offer_natural_village(context, row.natural_village_id, row.state)
    panels.show_pairs(road_reasons.reasons(context, row))
    drawing_card.show(context, row.natural_village_id, row.state)
    told = history.changes(context.office, "natural_villages", "natural_village_id", row.natural_village_id, language)
    if told:
        with st.expander(say(language, "history"), icon=":material/history:"):
            panels.show_pairs(told)


def table_of(context: Context, shown: pd.DataFrame) -> pd.DataFrame:
    """Make the table under the map, best first, indexed by natural village."""
    ordered = shown.sort_values("rank", na_position="last", kind="stable").set_index("natural_village_id")
    language = context.language
    table = ordered[list(COLUMNS)].assign(
        state=[label("state", key, language) for key in ordered["state"]],
        note=[road_words.told(text, language) for text in ordered["note"]],
    )
    heads = {name: label("field", name, language) for name in COLUMNS}
    return table.rename(columns={**heads, "name": label("field", "natural_village", language)})


def show_rows(context: Context, shown: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Show the natural villages as a table, with sums and the download of just that."""
    language = context.language
    only = panels.show_area("natural_villages", language)
    if only is not None:
        shown = shown[shown["natural_village_id"].isin(only)]
    table = table_of(context, shown)
    head, switch, columns, button = st.columns([3.2, 1.3, 0.8, 0.8], vertical_alignment="bottom")
    switch.toggle(say(language, "roads_all"), key="roads_all")
    with columns:
        table = panels.arrange(table, key="roads", language=language)
    summed = {label("field", name, language): decimals for name, decimals in SUMMED.items()}
    head.caption(f"{say(language, 'roads_shown', count=len(table))} {panels.totals(table, summed, language)}")
    with button:
        others = {
            label("sheet", name, language): tables.named(
                pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), language
            )
            for name, frame in context.assessment.roads.items()
            if name != "candidates"
        }
        frame = context.frame("natural_villages")
        places = frame.set_index("natural_village_id").geometry if "geometry" in frame else None
        panels.offer_download(
            context, {label("field", "natural_village", language): table, **others}, say(language, "road_hardening"), places=places, town=town, status="、".join(label("state", name, language) for name in keep),
            inside=len(only) if only is not None else None,
        )  # fmt: skip
    formats = {
        label("field", name, language): st.column_config.NumberColumn(format=form) for name, form in FORMATS.items()
    }
    panels.show_table(table, key="roads_table", ids=list(table.index), kind="natural_villages", column_config=formats)


def page(context: Context) -> None:
    """Show what is missing to bring a hardened road to every natural village due."""
    language = context.language
    every = context.assessment.natural_villages
    if every.empty:
        st.info(say(language, "no_natural_villages"))
        return
    first, second, third = st.columns([1, 2, 1.6])
    with first:
        town = panels.choose_town(context)
    rows = due_rows(context, town, only_due=not st.session_state.setdefault("roads_all", False))
    counts = rows["state"].value_counts()
    with second:
        found = {name: int(counts.get(name, 0)) for name in STATES}
        keep = panels.choose_classes(label("action", "filter_status", language), "state", found, context, "roads_state")
    with third:
        panels.choose_place(
            context, every, "natural_village_id", "natural_villages", say(language, "find_natural_village")
        )
    show_headline(context, rows)
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, rows, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context)
    show_rows(context, rows[rows["state"].isin(keep)], town, keep)
