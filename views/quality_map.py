"""Where the data are doubtful: villages by how many contradictions and problems they hold, and each one's reasons."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.features import ID_OF
from layers.problem import Problem
from views import atlas, panels
from views.context import Context
from views.grading import graded
from views.labels import label, say
from views.maps import ClassStyle, show_map
from views.pages.coverage import add_towns

MAP_HEIGHT = 470
MOST_LISTED = 12


def village_of(context: Context, layer: str, subjects: pd.Series) -> pd.Series:
    """Find the village of features of a layer; unknown where the layer does not say."""
    if layer == "villages":
        return subjects
    known = _villages_by_id(context.workspace.digest, layer, context)
    return pd.Series(pd.NA, index=subjects.index, dtype="object") if known is None else subjects.map(known)


@st.cache_resource(show_spinner=False, max_entries=40)
def _villages_by_id(digest: str, layer: str, _context: Context) -> pd.Series | None:
    """Index a layer's villages once per workspace; None where it does not say."""
    del digest
    frame = _context.frame(layer)
    field = ID_OF.get(layer)
    if field is None or field not in frame or "village_id" not in frame:
        return None
    return frame.drop_duplicates(field).set_index(field)["village_id"].astype("object")


def doubts(context: Context, problems: list[Problem]) -> pd.DataFrame:
    """List what is doubtful and where: village_id, kind (contradiction or severity), need, text, people."""
    rows = context.assessment.contradictions
    units = rows["unit_id"].astype("object")
    known = set(context.frame("villages")["village_id"]) if len(context.frame("villages")) else set()
    places = units.where(units.isin(known))
    for layer in ("households", "natural_villages", "facilities", "roads"):
        places = places.fillna(village_of(context, layer, units))
    found = pd.DataFrame({"village_id": places, "kind": "contradiction", "need": rows["need"], "text": rows["why"]})
    listed = pd.DataFrame(
        {
            "layer": [item.layer for item in problems], "subject": [item.subject for item in problems],
            "kind": [item.severity for item in problems], "text": [item.message for item in problems],
        }
    )  # fmt: skip
    parts = [found]
    for layer, own in listed[listed["kind"] != "note"].groupby("layer"):
        own = own.assign(village_id=village_of(context, str(layer), own["subject"]), need="")
        parts.append(own[["village_id", "kind", "need", "text"]])
    return pd.concat(parts, ignore_index=True)


def show_card(context: Context, found: pd.DataFrame) -> None:
    """Show the chosen village's contradictions with rule, clause and evidence, then its problems."""
    village, language = panels.selected("villages"), context.language
    names = context.frame("villages").set_index("village_id")
    if village is None or village not in names.index:
        st.info(say(language, "quality_hint"), icon=":material/ads_click:")
        return
    own = found[found["village_id"] == village]
    st.markdown(f"#### {panels.plain(names.loc[village, 'name'])}")
    st.caption(f"{panels.plain(names.loc[village, 'town'])} · {panels.plain(village)}")
    if own.empty:
        st.success(say(language, "quality_clean"))
        return
    findings = context.assessment.findings
    for row in own[own["kind"] == "contradiction"].head(MOST_LISTED).itertuples():
        match = findings[(findings["unit_id"] == village) & (findings["need"] == row.need)]
        with st.expander(panels.plain(row.text), icon=":material/compare_arrows:"):
            if len(match):
                panels.show_finding(next(match.itertuples()), context)
            else:
                st.text(str(row.text))
    for row in own[own["kind"] != "contradiction"].head(MOST_LISTED).itertuples():
        panels.show_pairs([(label("severity", str(row.kind), language), str(row.text))])


def draw(context: Context, found: pd.DataFrame, town: str | None) -> None:
    """Draw villages by how much is doubtful in them."""
    villages = atlas.drawn(context, "villages")
    if villages is None:
        st.info(say(context.language, "no_villages"))
        return
    counts = found.groupby("village_id").size().reindex(villages.ids).fillna(0).astype("float64")
    names, styles = graded(counts, context.language)
    title = say(context.language, "quality_map")
    layers: list[Any] = [villages.layer(title, ClassStyle(title, "#e6e6e6"))]
    states: dict[str, Any] = {
        "villages": atlas.state(
            villages, values=names, classes=styles, town=town, towns=atlas.town_names(context.workspace), opacity=0.85
        )
    }
    add_towns(context, layers, states)
    chosen = villages.position(panels.selected("villages") or "")
    event = show_map(
        atlas.spec_of(context, layers, title), states, key="quality_map", height=MAP_HEIGHT,
        selected=[] if chosen is None else [("villages", chosen)], **atlas.focus(context, town, villages),
    )  # fmt: skip
    panels.take_event(event, "quality_map", {"villages": villages.ids})


def show(context: Context, problems: list[Problem], town: str | None) -> None:
    """Show the map of doubts beside the card of the chosen village."""
    found = doubts(context, problems)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        draw(context, found, town)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context, found)
