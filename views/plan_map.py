"""The road programme on the map: every work by the year it is done, every natural village by the year it is connected."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from views import atlas, panels, planning
from views.context import Context
from views.labels import Language, say
from views.maps import ClassStyle, LayerState, TileLayer, register_column, register_labels, register_source, show_map
from views.planning import Question, Works

MAP_HEIGHT = 480
YEAR_STYLE = (
    ("#045a8d", ()),
    ("#c8450b", (10, 5)),
    ("#6a3d9a", (3, 5)),
    ("#1b7837", (14, 4, 3, 4)),
    ("#8c510a", (2, 3)),
)


def styles(question: Question, language: Language) -> dict[str, ClassStyle]:
    """Give each year a colour and a dash; what is left out is a thin grey."""
    found = {
        str(year): ClassStyle(
            say(language, "in_year", year=year),
            color,
            outline="#ffffff",
            width=4.0,
            radius=6,
            rank=len(question.budgets) - number,
            dash=dash,
        )
        for number, ((year, _), (color, dash)) in enumerate(zip(question.budgets, YEAR_STYLE, strict=False))
    }
    found["later"] = ClassStyle(
        say(language, "not_planned"), "#9aa5ad", "hatch", "#6b6b6b", "#6b6b6b", width=1.4, radius=4, dash=(2, 4)
    )
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def works_source(key: str, _works: Works) -> tuple[str, str]:
    """Register the lines of all works once per data."""
    del key
    lines = _works.lines
    return register_source(lines, id_field="project_id", kind="line"), register_labels(lines["project_id"].tolist())


def draw(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Draw every work by the year it is done, and the natural villages by the year they are connected."""
    if works.lines.empty:
        return
    classes = styles(question, context.language)
    order = list(classes)
    source, texts = works_source(context.key, works)
    done_in = {name: str(year) for name, year in zip(made.projects["project_id"], made.projects["year"], strict=True)}
    years = works.lines["project_id"].map(lambda name: done_in.get(name, "later"))
    chosen = panels.selected("works")
    layers: list[Any] = []
    states: dict[str, Any] = {}
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(
            roads.layer(
                say(context.language, "existing_roads"),
                ClassStyle(say(context.language, "existing_roads"), "#aab4bc", width=1.0),
                interactive=False,
            )
        )
        states["roads"] = atlas.state(roads)
    layers.append(TileLayer("works", say(context.language, "planned_works"), source, "line", style=classes["later"]))
    states["works"] = LayerState(
        columns={"class": register_column(atlas.codes_of(years, order))},
        color_by="class",
        classes=(ClassStyle("", "#00000000", "none"), *classes.values()),
        labels_column=texts,
    )
    candidates = works.road_plan.candidates
    points = atlas.drawn(context, "natural_villages", rows=f"candidates|{context.key}", frame=candidates)
    if points is not None:
        by_year = planning.villages_by_year(made).reindex(points.ids).fillna("later")
        layers.append(points.layer(say(context.language, "candidate_natural_villages"), classes["later"]))
        states["natural_villages"] = atlas.state(points, values=by_year, classes=classes)
    positions = {name: place for place, name in enumerate(works.lines["project_id"])}
    marked = [("works", positions[chosen])] if chosen in positions else []
    event = show_map(
        atlas.spec_of(context, layers, say(context.language, "road_programme")),
        states,
        key="programme_map",
        height=MAP_HEIGHT,
        selected=marked,
        focus=marked[0] if marked else None,
    )
    panels.take_event(event, "programme_map", {"works": pd.Index(works.lines["project_id"])})
