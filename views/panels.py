"""What every page is put together from: filters, the shared selection, tables, cards, downloads."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from pypinyin import Style, lazy_pinyin

from tracker.accounts import log_access
from views import excel
from views.atlas import town_names
from views.context import Context
from views.explain import explain
from views.labels import day as write_day
from views.labels import label
from views.maps import MapEvent

SIGN = {"met": "●", "gap": "✕", "disputed": "◆", "unknown": "？"}
STATUSES = ("gap", "disputed", "unknown", "met")


@st.cache_data(show_spinner=False, max_entries=20_000)
def initials(name: str) -> str:
    """Give the pinyin initials of a name in capitals, so that it can be searched without an input method."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors="ignore")).upper()


def choose_town(context: Context) -> str | None:
    """Let the person narrow every page to one town; None is the whole county."""
    whole = label("action", "whole", context.language)
    options = [whole, *town_names(context.workspace)]
    if st.session_state.get("town_kept") not in options:
        st.session_state["town_kept"] = whole
    chosen = st.selectbox(
        label("action", "filter_town", context.language), options, index=options.index(st.session_state["town_kept"])
    )
    st.session_state["town_kept"] = chosen
    return None if chosen == whole else chosen


def choose_classes(title: str, group: str, counts: Mapping[str, int], context: Context, key: str) -> list[str]:
    """Let the person keep some classes only; each button says how many there are. None chosen keeps all."""
    options = list(counts)
    sign = SIGN if group == "status" else {}
    texts = {
        name: f"{sign.get(name, '')} {label(group, name, context.language)} {counts[name]:,}".strip()
        for name in options
    }
    chosen = st.pills(title, options, selection_mode="multi", format_func=texts.__getitem__, key=key)
    return list(chosen) if chosen else options


def selected(kind: str) -> str | None:
    """Give the id selected on map or in table, None when nothing of the kind is."""
    return st.session_state.get(f"selected_{kind}")


def select(kind: str, feature_id: str | None, *, on_map: bool = False) -> None:
    """Make this the selection of map and table alike; the map moves there unless it was chosen on the map."""
    st.session_state[f"selected_{kind}"] = feature_id
    st.session_state["go_to"] = None if on_map or feature_id is None else (kind, feature_id)


def take_event(event: MapEvent, key: str, ids: Mapping[str, pd.Index]) -> None:
    """Take over what was clicked on the map, once per click."""
    if event.nonce <= st.session_state.get(f"nonce_{key}", 0):
        return
    st.session_state[f"nonce_{key}"] = event.nonce
    if event.clicked is None:
        return
    name, position = event.clicked
    if name in ids and 0 <= position < len(ids[name]):
        select(name, str(ids[name][position]), on_map=True)
        st.rerun()


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
    if chosen != current:
        select(kind, chosen)
        st.rerun()


def show_table(
    table: pd.DataFrame, *, key: str, ids: Sequence[str], kind: str, height: int = 380, **options: Any
) -> None:
    """Show a table whose chosen row is the selection of the map too; columns sort, hide and search."""
    current = selected(kind)

    def follow() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        select(kind, ids[rows[0]] if rows and rows[0] < len(ids) else None)

    st.dataframe(
        table, key=key, on_select=follow, selection_mode="single-row", hide_index=True, height=height, **options
    )
    del current


def basis(context: Context, **more: Any) -> dict[str, Any]:
    """Say what the figures were made from: office, policy, day, files and digests, filters."""
    done = context.assessment
    rows: dict[str, Any] = {
        "单位": context.office.name,
        "数据性质": label("app", "synthetic") if context.is_synthetic else label("app", "internal"),
        "政策": f"{context.policy.title}（{done.policy_digest[:12]}）",
        "评估日": write_day(context.day),
        "数据摘要": done.workspace_digest,
    }
    for name, source in sorted(context.workspace.sources.items()):
        rows[f"图层 {label('layer', name)}"] = (
            f"{source.file_name}（{source.as_of}，{source.rows} 行，{source.digest[:12]}）"
        )
    rows["未解决的数据问题"] = len(context.workspace.problems)
    return {**rows, **{key: value for key, value in more.items() if value not in (None, "", [])}}


def offer_download(context: Context, tables: Mapping[str, pd.DataFrame], name: str, **more: Any) -> None:
    """Offer exactly the tables shown, as a workbook with its basis."""
    file_name = f"{name}_{context.day.isoformat()}.xlsx"
    st.download_button(
        f"{label('action', 'download', context.language)} Excel",
        data=lambda: _logged_workbook(context, tables, name, more),
        file_name=file_name,
        mime=excel.MIME,
        icon=":material/download:",
        key=f"download_{name}",
        on_click="ignore",
    )


def _logged_workbook(context: Context, tables: Mapping[str, pd.DataFrame], name: str, more: Mapping[str, Any]) -> bytes:
    """Make the workbook when it is asked for, and write down who took how many rows out under which filters."""
    if not context.office.ledger.is_read_only:
        filters = "；".join(f"{key}：{value}" for key, value in more.items() if value not in (None, "", []))
        rows = sum(len(table) for table in tables.values())
        log_access(context.office.ledger, context.user.username, "export", what=name, rows=rows, conditions=filters)
    return excel.workbook(tables, basis(context, **more))


def show_finding(row: Any, context: Context) -> None:
    """Show one finding with its reasons."""
    for heading, sentence in explain(row, context.policy, context.language):
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(sentence)


def show_figures(figures: Sequence[tuple[str, str, str]]) -> None:
    """Show headline figures in one row: label, value, explanation."""
    for column, (title, value, text) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(title, value, help=text or None, border=True)


def plain(text: Any) -> str:
    r"""Make a name harmless where Markdown would read it.

    >>> plain("*村*<b>")
    '\\*村\\*\\<b\\>'
    """
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:" else sign for sign in str(text))


def show_badge(text: str, color: str) -> None:
    """Show a short text as a coloured badge."""
    st.badge(text, color=color)  # type: ignore[arg-type]


def show_status(status: str, context: Context) -> None:
    """Show a status as a coloured badge with its sign."""
    colors = {"met": "blue", "gap": "red", "disputed": "orange", "unknown": "gray"}
    show_badge(f"{SIGN[status]} {label('status', status, context.language)}", colors[status])
