"""Sending a visit out: which villages, what is asked, who goes; looked over before it is sent."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from geo.errors import AppError
from tracker import responsibility, visit_rows, visits
from tracker.questions import KINDS
from views import atlas, moving, panels
from views.context import Context
from views.labels import label, say
from views.maps import show_map
from views.mapspec import ClassStyle
from views.visit_files import seen_by, villages_of
from views.visit_known import first_needs, known, needs_of
from views.visit_words import kind_word, word

HEIGHT = 430
USUAL = ("needs", "villages", "facilities", "houses", "projects")


def show(context: Context) -> None:
    """Show the map to choose on, and the form; what would be sent is counted before it is."""
    left, right = st.columns([1.15, 1], gap="medium")
    with right:
        wish = _ask(context)
        if wish is not None:
            _offer(context, wish)
    with left:
        _map(context, wish.villages if wish is not None else ())


def _map(context: Context, villages: Sequence[str]) -> None:
    drawn = atlas.drawn(context, "villages")
    if drawn is None:
        st.info(say(context.language, "nothing_to_draw"))
        return
    text = label("layer", "villages", context.language)
    layers = [drawn.layer(text, ClassStyle(text, "#dce8f0", outline="#5b6770"))]
    states = {"villages": atlas.state(drawn)}
    marked = [("villages", place) for name in villages if (place := drawn.position(name)) is not None]
    event = show_map(
        atlas.spec_of(context, layers, text), states, key="visit_map", height=HEIGHT, selected=marked,
        **atlas.focus(context, None, drawn),
    )  # fmt: skip
    panels.take_event(event, "visit_map", {"villages": drawn.ids})
    st.caption(word(context.language, "map_hint"))


def _ask(context: Context) -> visit_rows.Wish | None:
    """Ask what the visit is about; None while no village is chosen."""
    language = context.language
    frame = context.frame("villages")
    names = dict(zip(frame["village_id"], frame["name"].fillna(""), strict=True)) if len(frame) else {}
    town_of = dict(zip(frame["village_id"], frame["town"].fillna(""), strict=True)) if len(frame) else {}
    first, second = st.columns(2)
    towns = first.multiselect(
        word(language, "towns"),
        atlas.town_names(context.workspace),
        key="visit_towns",
        placeholder="—",
        select_all=False,
    )
    units = sorted({item.unit for item in responsibility.responsibilities(context.office.ledger, context.office.today)})
    unit = second.selectbox(
        word(language, "unit"), units, index=None, key="visit_unit", placeholder="—", disabled=not units
    )
    on_map = [key for key in panels.area("villages") if key in names]
    clicked = panels.selected("villages")
    given = on_map or ([clicked] if clicked is not None and clicked in names else [])
    if given != st.session_state.get("visit_given"):
        st.session_state["visit_given"] = given
        st.session_state["visit_villages"] = list(dict.fromkeys([*st.session_state.get("visit_villages", []), *given]))
    picked = st.multiselect(
        word(language, "villages"), list(names), key="visit_villages", placeholder="—",
        format_func=lambda key: f"{names[key]} · {town_of[key]}", select_all=False
    )  # fmt: skip
    held = [
        item.village_id
        for item in responsibility.responsibilities(context.office.ledger, context.office.today)
        if item.unit == unit
    ]
    villages = villages_of(context.office, context.workspace, towns=towns, villages=[*picked, *held])
    options = [
        kind
        for kind in KINDS
        if kind not in ("found",) and (kind not in ("households", "houses") or context.user.may("households"))
    ]
    kinds = st.pills(
        word(language, "asked"), options, selection_mode="multi", default=[kind for kind in USUAL if kind in options],
        key="visit_kinds", format_func=lambda kind: kind_word(kind, language),
    )  # fmt: skip
    labels = needs_of(context.policy)
    usual = first_needs(context.policy)
    needs = (
        st.multiselect(
            word(language, "needs"),
            list(labels),
            usual,
            key="visit_needs",
            format_func=labels.__getitem__,
            select_all=False,
        )
        if "needs" in kinds
        else []
    )
    if not villages:
        st.info(word(language, "choose_first"), icon=":material/ads_click:")
        return None
    said = known(context.assessment, context.workspace, villages)
    return visit_rows.Wish(villages, kinds, {key: labels[key] for key in needs}, known=said)


def _offer(context: Context, wish: visit_rows.Wish) -> None:
    language = context.language
    rows = seen_by(visit_rows.rows(context.office, context.workspace, wish), context.user)
    counts = Counter(row.kind for row in rows)
    told = "，".join(f"{kind_word(kind, language)} {counts[kind]:,}" for kind in KINDS if counts[kind])
    st.caption(word(language, "would_send", villages=len(wish.villages), rows=f"{len(rows):,}", told=told or "0"))
    with st.form("visit_form", border=False):
        first, second, third = st.columns([1.4, 1.2, 1])
        first.text_input(word(language, "title"), key="visit_title", max_chars=60)
        second.text_input(word(language, "who"), key="visit_who", max_chars=60)
        third.date_input(word(language, "day"), context.office.today, key="visit_day", format="YYYY-MM-DD")
        st.form_submit_button(
            word(language, "send"), type="primary", icon=":material/send:", on_click=_send, args=(context, rows), disabled=not rows
        )  # fmt: skip


def _send(context: Context, rows: list[Any]) -> None:
    state = st.session_state
    try:
        made = visits.send(
            context.office, rows, title=state["visit_title"], day=state["visit_day"], who=state["visit_who"],
            by=context.user.username,
        )  # fmt: skip
    except AppError as error:
        state[moving.NOTICE] = ("error", str(error))
        return
    state["visit_part"], state["visit_chosen"] = "back", made.visit_id
    state["visit_villages"] = []
    state[moving.NOTICE] = ("success", word(context.language, "sent", visit=made.visit_id))
