"""The maps of a comparison: both sides as two linked maps, or as one map with a handle to swipe."""

from typing import Any

import pandas as pd
import streamlit as st

from views import atlas, panels
from views.context import Context
from views.labels import label, say
from views.maps import show_map, style_of
from views.pages.coverage import add_towns, status_classes, village_needs, village_status
from views.pages.roads import STATES, composed, due_rows
from views.palette import STATUS
from views.swipe import Side, show_swipe

LOOKS = ("two", "swipe")
TWO_HEIGHT, SWIPE_HEIGHT = 460, 520
KEYS = ("pair_left", "pair_right")
Pair = tuple[tuple[Context, str], tuple[Context, str]]


def choose_look(context: Context) -> str:
    """Let the person choose two maps or one with a handle."""
    language = context.language
    if st.session_state.get("compare_look") not in LOOKS:
        st.session_state["compare_look"] = st.session_state["standard_compare_look"] = LOOKS[0]
    chosen = st.segmented_control(
        say(language, "compare_look"), LOOKS, format_func=lambda key: say(language, f"compare_looks_{key}"),
        key="compare_look", required=True,
    )  # fmt: skip
    return str(chosen or LOOKS[0])


def show_sides(pair: Pair, *, need: Any, is_scenario: bool, town: str | None, look: str) -> None:
    """Draw both sides, or say of a side why it has no map."""
    made = [_side(context, title, need, is_scenario=is_scenario, town=town) for context, title in pair]
    if look == "swipe" and made[0] is not None and made[1] is not None:
        events = show_swipe((made[0][0], made[1][0]), key="pair_swipe", height=SWIPE_HEIGHT)
        for event, (_, ids), key in zip(events, (made[0], made[1]), KEYS, strict=True):
            panels.take_event(event, f"{key}_swipe", ids)
        return
    for column, (context, title), found, key in zip(st.columns(2, gap="small"), pair, made, KEYS, strict=True):
        with column:
            st.markdown(f"##### {panels.plain(title)}")
            if found is None:
                st.info(_why_none(context))
                continue
            side, ids = found
            event = show_map(side.spec, side.states, key=key, height=TWO_HEIGHT, selected=side.selected)
            panels.take_event(event, key, ids)


def _why_none(context: Context) -> str:
    if atlas.drawn(context, "villages") is None:
        return say(context.language, "no_villages")
    return say(context.language, "no_village_needs", policy=panels.plain(context.policy.title))


def _side(
    context: Context, title: str, need: Any, *, is_scenario: bool, town: str | None
) -> tuple[Side, dict[str, pd.Index]] | None:
    if is_scenario:
        rows = due_rows(context, town, only_due=True)
        layers, states, ids, marked = composed(context, rows, town, list(STATES))
        return (Side(title, atlas.spec_of(context, layers, title), states, marked), ids) if layers else None
    villages = atlas.drawn(context, "villages")
    if villages is None or need is None or not village_needs(context):
        return None
    towns = atlas.town_names(context.workspace)
    shown: list[Any] = [villages.layer(label("layer", "villages", context.language), style_of(STATUS["unknown"]))]
    looks = {
        "villages": atlas.state(
            villages, values=village_status(context, need.id), classes=status_classes(context), town=town, towns=towns,
            opacity=0.8,
        )
    }  # fmt: skip
    add_towns(context, shown, looks)
    place = villages.position(panels.selected("villages") or "")
    marks = [] if place is None else [("villages", place)]
    return Side(title, atlas.spec_of(context, shown, title), looks, marks), {"villages": villages.ids}
