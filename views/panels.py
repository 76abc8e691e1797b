"""What every page is put together from: filters, search, figures, cards; selection and tables have modules of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from views.atlas import town_names
from views.basis import basis
from views.context import Context
from views.explain import explain
from views.labels import label, say
from views.pinyin import initials
from views.plain import plain
from views.selection import area, select, selected, show_area, take_event
from views.tables import arrange, offer_download, show_table, totals

__all__ = [
    "area", "arrange", "basis", "choose_classes", "choose_place", "choose_town", "initials", "offer_download", "plain",
    "select", "selected", "show_area", "show_badge", "show_figures", "show_finding", "show_pairs", "show_status",
    "show_table", "take_event", "totals",
]  # fmt: skip
SIGN = {"met": "●", "gap": "✕", "disputed": "◆", "unknown": "？"}
STATUSES = ("gap", "disputed", "unknown", "met")


def choose_town(context: Context) -> str | None:
    """Let the person narrow every page to one town; None is the whole county."""
    options: list[str | None] = [None, *town_names(context.workspace)]
    kept = st.session_state.get("town_kept")
    kept = kept if kept in options else None
    whole = label("action", "whole", context.language)
    chosen = st.selectbox(
        label("action", "filter_town", context.language), options, index=options.index(kept),
        format_func=lambda name: whole if name is None else name,
    )  # fmt: skip
    st.session_state["town_kept"] = chosen
    return chosen


def choose_classes(title: str, group: str, counts: Mapping[str, int], context: Context, key: str) -> list[str]:
    """Let the person keep some classes only; each button says how many there are. None chosen keeps all."""
    options = list(counts)
    sign = SIGN if group == "status" else {}
    texts = {
        name: f"{sign.get(name, '')} {label(group, name, context.language)} {counts[name]:,}".strip()
        for name in options
    }
    if key in st.session_state:  # an address may name what is not there
        st.session_state[key] = [name for name in st.session_state[key] if name in options]
    chosen = st.pills(title, options, selection_mode="multi", format_func=texts.__getitem__, key=key)
    return list(chosen) if chosen else options


def choose_place(context: Context, frame: pd.DataFrame, id_field: str, kind: str, title: str) -> None:
    """Search by name, town, code or pinyin initials; choosing selects on map and table."""
    rows = frame[[id_field, "name", "town"]].drop_duplicates(id_field)
    names = dict(zip(rows[id_field], rows["name"].fillna("") + " · " + rows["town"].fillna("—"), strict=True))
    texts = {key: f"{name} · {key} · {initials(name.split(' · ')[0])}" for key, name in names.items()}
    current = selected(kind)
    ids = list(names)
    chosen = st.selectbox(
        title, ids, index=ids.index(current) if current in texts else None, format_func=texts.__getitem__,
        placeholder=label("action", "search", context.language),
    )  # fmt: skip
    if chosen != (current if current in texts else None):
        select(kind, chosen)
        st.rerun()


def show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Show headings with their sentences; the sentences are shown as they are."""
    for heading, text in pairs:
        left, right = st.columns([1, 3.4], gap="small")
        left.caption(heading)
        right.text(text)


def show_finding(row: Any, context: Context) -> None:
    """Show one finding with its reasons."""
    show_pairs(explain(row, context.policy, context.language))


def show_figures(figures: Sequence[tuple[str, str, str]]) -> None:
    """Show headline figures in one row: label, value, explanation."""
    for column, (title, value, text) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(title, value, help=text or None, border=True)


def show_badge(text: str, color: str) -> None:
    """Show a short text as a coloured badge."""
    st.badge(plain(text), color=color)  # type: ignore[arg-type]


def show_status(status: str, context: Context) -> None:
    """Show a status as a coloured badge with its sign."""
    colors = {"met": "blue", "gap": "red", "disputed": "orange", "unknown": "gray"}
    show_badge(f"{SIGN[status]} {label('status', status, context.language)}", colors[status])


def choose_color(context: Context, options: Mapping[str, str]) -> str:
    """Let the person choose by what the map is coloured."""
    if st.session_state.get("coverage_color") not in options:
        st.session_state["coverage_color"] = next(iter(options))
    return str(
        st.selectbox(
            say(context.language, "color_by"), list(options), format_func=options.__getitem__, key="coverage_color"
        )
    )
