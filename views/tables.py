"""Tables: which columns, in which order, what they add up to, and their download exactly as shown."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from views import excel
from views.audit import export_logged
from views.basis import basis
from views.chrome import language_kept
from views.context import Context
from views.export_table import CSV_MIME, GPKG_MIME, csv_file, geopackage, refuse_private
from views.labels import Language, catalogue, label, number, say
from views.selection import select, selected

UNKNOWN = "—"
YEARS = (1900, 2100)


def arrange(table: pd.DataFrame, *, key: str, language: Language) -> pd.DataFrame:
    """Let the person choose columns and order; the download follows."""
    with st.popover(say(language, "columns"), icon=":material/view_column:", width="stretch"):
        columns = st.multiselect(
            say(language, "columns_shown"),
            list(table.columns),
            key=f"{key}_columns",
            placeholder=say(language, "all"),
            select_all=False,
        )
        order = st.selectbox(
            say(language, "sort_by"), list(table.columns), index=None, key=f"{key}_sort", placeholder=say(language, "sort_given")
        )  # fmt: skip
        is_falling = st.toggle(say(language, "sort_falling"), key=f"{key}_falling")
    if order is not None:
        table = table.sort_values(order, ascending=not is_falling, kind="stable", na_position="last")
    return table[columns] if columns else table


def totals(table: pd.DataFrame, columns: Mapping[str, int], language: Language) -> str:
    """Add the columns up in one line, and say how many cells are unknown.

    >>> totals(pd.DataFrame({"人口": [200.0, None]}), {"人口": 0}, "zh")
    '合计：2 行 · 人口 200（1 行不明，未计入）'
    """
    parts = [say(language, "total_rows", count=number(len(table)))]
    for name, decimals in columns.items():
        if name in table:
            values = pd.to_numeric(table[name], errors="coerce")
            blank = int(values.isna().sum())
            text = f"{name} {number(float(values.sum()), decimals)}"
            parts.append(text + (say(language, "total_unknown", count=blank) if blank else ""))
    return say(language, "total", parts=" · ".join(parts))


def show_table(
    table: Any,
    *,
    key: str,
    ids: Sequence[str],
    kind: str,
    height: int | Literal["stretch", "content"] = 380,
    **options: Any,
) -> None:
    """Show a table whose chosen row is the selection of the map too, both ways; columns sort, hide and search."""

    def follow() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        select(kind, ids[rows[0]] if rows and rows[0] < len(ids) else None)

    is_written = isinstance(table, Styler)  # whoever styles a table has written its numbers
    if (table.data if is_written else table).empty:
        st.info(say(language_kept(), "no_rows"), icon=":material/filter_alt_off:")
        return
    mark_selected(key, ids, selected(kind))
    own = dict(options.get("column_config") or {})
    shown, formats = (table, {}) if is_written else for_reading(table, written=own)
    options["column_config"] = formats | own
    options.setdefault("placeholder", UNKNOWN)  # what is not known is a dash, as everywhere
    st.dataframe(
        shown, key=key, on_select=follow, selection_mode="single-row", hide_index=True, height=height, **options
    )


def mark_selected(key: str, ids: Sequence[str], chosen: str | None) -> None:
    """Mark in the table what is selected on the map; of several rows of one feature the one chosen stays."""
    rows = list(st.session_state.get(key, {}).get("selection", {}).get("rows", []))
    if rows and rows[0] < len(ids) and ids[rows[0]] == chosen:
        return
    wanted = [list(ids).index(chosen)] if chosen is not None and chosen in ids else []
    if wanted != rows:
        st.session_state[key] = {"selection": {"rows": wanted, "columns": [], "cells": []}}


def for_reading(table: pd.DataFrame, written: Collection[str] = ()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Round what is measured and separate thousands; years, texts and columns `written` in a form of their own stay.

    >>> shown, formats = for_reading(pd.DataFrame({"人口": [1200], "距路米": [14.6412], "年度": [2018], "村": ["甲"]}))
    >>> shown["距路米"].tolist(), sorted(formats)
    ([14.64], ['人口', '距路米'])
    """
    numbers = [name for name in table if _is_number(table[name]) and name not in written]
    measured = {name: table[name].round(2) for name in numbers if pd.api.types.is_float_dtype(table[name])}
    are_years = {name for name in numbers if _holds_years(table[name])}
    localized = st.column_config.NumberColumn(format="localized")
    return table.assign(**measured), {str(name): localized for name in numbers if name not in are_years}


def _holds_years(column: pd.Series) -> bool:
    """Tell years, which take no separator, by their size; a few other whole numbers of that size lose theirs."""
    known = column.dropna()
    return bool(len(known) and known.between(*YEARS).all() and (known % 1 == 0).all())


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def offer_download(
    context: Context, tables: Mapping[str, pd.DataFrame], name: str, *, places: Any = None, **more: Any
) -> None:
    """Offer exactly the tables shown as a workbook with its basis; the first also as CSV and, with places, GeoPackage."""
    language = context.language
    more = {label("filter", name, language): value for name, value in more.items()}
    stem = f"{name}_{context.day.isoformat()}_{context.assessment.workspace_digest[:8]}"
    first = next(iter(tables.values()))
    offers: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("Excel", f"{stem}.xlsx", excel.MIME, lambda: _workbook(tables, basis(context, **more), language)),
        ("CSV", f"{stem}.csv", CSV_MIME, lambda: csv_file(first)),
    ]
    if places is not None:
        offers.append(
            ("GeoPackage", f"{stem}.gpkg", GPKG_MIME, lambda: geopackage(first, places, basis(context, **more), name=name, language=language))
        )  # fmt: skip
    if not context.user.may("export"):
        st.button(say(language, "download"), disabled=True, help=say(language, "download_denied"), key=f"no_{name}")
        return
    with st.popover(say(language, "download"), icon=":material/download:", width="stretch"):
        for title, file_name, mime, make in offers:
            st.download_button(
                title, data=export_logged(context, make, what=f"{name} {title}", tables=tables, filters=more), file_name=file_name, mime=mime, key=f"download_{name}_{title}", on_click="ignore",
                width="stretch",
            )  # fmt: skip
        st.caption(say(language, "download_note"))


def named(frame: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Give a table of the contract the column heads people read; a column without one keeps its name."""
    heads: dict[str, str] = {}
    for name in frame.columns:
        group = next((group for group in ("field", "road_column", "status") if name in catalogue()[group]), "field")
        text = label(group, str(name), language)
        heads[name] = str(name) if text in heads.values() else text
    return frame.rename(columns=heads)


def _workbook(tables: Mapping[str, pd.DataFrame], facts: Mapping[str, Any], language: Language) -> bytes:
    for table in tables.values():
        refuse_private(table)
    return excel.workbook(tables, facts, language)
