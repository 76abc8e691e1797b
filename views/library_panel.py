"""The project library on the programme page: out as Excel or GeoPackage, read back after edits, differences accepted or not."""

import hashlib
from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from geo.errors import AppError, InputError
from geo.read import read
from views import choices, excel, library_edits, moving, panels, programme_files, uploads
from views.audit import export_logged
from views.basis import basis
from views.context import Context
from views.export_table import GPKG_MIME, geopackage, refuse_private
from views.labels import Language, label, number, say
from views.library_edits import Difference
from views.planning import Works
from views.programme_files import LIBRARY


def tell(language: Language, key: str, **figures: object) -> str:
    """Give a text of the group `readback`."""
    return label("readback", key, language).format(**figures)


def current(context: Context, works: Works, made: Programme) -> tuple[Any, pd.DataFrame]:
    """Give the library as it would be exported now, and the edits that were taken over."""
    base = programme_files.library_rows(made, works.road_plan, context.frame("roads"), context.language)
    return library_edits.applied(base, library_edits.taken_over(context.office, context.day))


def named(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Give a library its headings."""
    held = pd.DataFrame(table[[name for name in LIBRARY if name in table]])
    return held.rename(columns={name: label("library", name, language) for name in LIBRARY})


def edits_named(edits: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Give the list of edits its headings; columns by their names in the library."""
    shown = edits.assign(
        column=edits["column"].map(lambda name: label("library", name, language)),
        old=edits["old"].map(_text),
        new=edits["new"].map(_text),
    )
    if "is_used" in shown:
        shown = shown.assign(
            is_used=shown["is_used"].map({True: tell(language, "used"), False: tell(language, "stale")})
        ).drop(columns="seq")
    heads = {name: tell(language, f"column_{name}") for name in shown.columns}
    return shown.rename(columns=heads)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "—"
    return str(value)


def show(context: Context, works: Works, made: Programme) -> None:
    """Offer the library, and read an edited one back."""
    language = context.language
    with st.expander(tell(language, "title"), icon=":material/sync_alt:", expanded="library_seen" in st.session_state):
        library, edits = current(context, works, made)
        left, right = st.columns([1, 2.2], gap="large")
        with left:
            _offer(context, library, edits)
        with right:
            upload = st.file_uploader(tell(language, "upload"), type=["xlsx", "xls", "csv", "gpkg"], key="library_file")
        if upload is not None:
            st.session_state["library_seen"] = True
            _read_back(context, library, upload)
        if len(edits):
            st.markdown(f"**{tell(language, 'taken', count=len(edits))}**")
            st.dataframe(edits_named(edits, language), hide_index=True, key="library_edits", height=180)
            _offer_undo(context, edits)


def _offer(context: Context, library: Any, edits: pd.DataFrame) -> None:
    """Offer the library with what was taken over, as a workbook and as GeoPackage."""
    language = context.language
    if not context.user.may("export"):
        st.caption(say(language, "download_denied"))
        return
    st.caption(tell(language, "out"))
    name, stem = (
        say(language, "project_library"),
        f"{context.day.isoformat()}_{context.assessment.workspace_digest[:8]}",
    )
    table = named(library, language)

    def workbook() -> bytes:
        refuse_private(table)
        more = {tell(language, "edits"): edits_named(edits, language)} if len(edits) else {}
        return excel.workbook({name: table, **more}, basis(context))

    def package() -> bytes:
        return geopackage(table, library.geometry, basis(context), name=name, language=language)

    for title, file_name, mime, make in (
        ("Excel", f"{name}_{stem}.xlsx", excel.MIME, workbook),
        ("GeoPackage", f"{name}_{stem}.gpkg", GPKG_MIME, package),
    ):
        st.download_button(
            title, data=export_logged(context, make, what=f"{name} {title}", tables={name: table}, filters={}),
            file_name=file_name, mime=mime, key=f"library_{title}", on_click="ignore", width="stretch",
        )  # fmt: skip


def read_library(upload: Any) -> tuple[pd.DataFrame, str]:
    """Read an uploaded library: the sheet or layer of that name, else the file's own; returns it and the file's digest."""
    names = [label("text", "project_library", language) for language in ("zh", "en")]
    with uploads.as_file(upload) as path:
        fault: AppError | None = None
        for name in (*names, None):
            try:
                dropped = read(path, layer=name)
            except AppError as error:
                fault = fault or error
                continue
            frame = pd.DataFrame(dropped.frame.drop(columns="geometry", errors="ignore"))
            return frame, dropped.digest
    raise fault or InputError("文件读不出。")


def _read_back(context: Context, library: Any, upload: Any) -> None:
    language = context.language
    digest = hashlib.sha256(upload.getbuffer()).hexdigest()
    try:
        table, _ = read_library(upload)
        found = library_edits.compare(library, table)
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    counts = {"cells": len(found.cells), "rows": found.cells["row"].nunique(), "same": found.same, "refused": len(found.refused), "added": len(found.added), "removed": len(found.removed)}  # fmt: skip
    st.markdown(tell(language, "found", **{key: number(float(value)) for key, value in counts.items()}))
    _offer_cells(context, found, upload, digest)
    for key, rows in (("refused", found.refused), ("added", found.added), ("removed", found.removed)):
        if len(rows):
            st.markdown(f"**{tell(language, f'list_{key}', count=len(rows))}**")
            st.dataframe(_listed(rows, language), hide_index=True, key=f"library_{key}", height=min(36 * (len(rows) + 1) + 4, 220))  # fmt: skip


def _listed(rows: pd.DataFrame, language: Language) -> pd.DataFrame:
    shown = rows.astype("object").where(rows.notna(), "—")
    if "column" in shown:
        shown["column"] = shown["column"].map(lambda name: label("library", name, language) if name else "—")
    heads = {
        name: tell(language, f"column_{name}") if name in ("row", "column", "why") and "column" in rows else label("library", name, language)
        for name in shown.columns
    }  # fmt: skip
    if "row" in heads:
        heads["row"] = tell(language, "column_row")
    return shown.rename(columns=heads)


def _offer_cells(context: Context, found: Difference, upload: Any, digest: str) -> None:
    """Show the changed cells, old and new, each with a tick; take over what is ticked, or everything, or nothing."""
    language = context.language
    if found.cells.empty:
        st.success(tell(language, "nothing"), icon=":material/check_circle:")
        return
    may = context.user.may("edit", sector="transport")
    shown = edits_named(found.cells.drop(columns=["project_key"]), language)
    tick = tell(language, "accept")
    shown.insert(0, tick, value=True)
    edited = st.data_editor(
        shown, hide_index=True, key=f"library_cells_{digest[:8]}", disabled=[name for name in shown if name != tick], height=min(36 * (len(shown) + 1) + 4, 300),
    )  # fmt: skip
    if not may:
        st.caption(tell(language, "denied"))
        return
    chosen = found.cells[edited[tick].to_numpy(bool)]
    left, middle, right = st.columns(3)
    for column, text, cells in (
        (left, tell(language, "accept_ticked", count=len(chosen)), chosen),
        (middle, tell(language, "accept_all", count=len(found.cells)), found.cells),
    ):
        if column.button(text, key=f"library_take_{text}", width="stretch", disabled=cells.empty):
            _take(context, cells, upload.name, digest)
    right.caption(tell(language, "reject"))


def _take(context: Context, cells: pd.DataFrame, file_name: str, digest: str) -> None:
    try:
        count = library_edits.accept(
            context.office, cells.to_dict("records"), file_name=file_name, file_digest=digest, day=context.day, by=context.user.username
        )  # fmt: skip
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    st.session_state[moving.NOTICE] = ("success", tell(context.language, "done", count=count))
    st.rerun()


def _offer_undo(context: Context, edits: pd.DataFrame) -> None:
    """Offer to take one edit back."""
    language = context.language
    if not context.user.may("edit", sector="transport"):
        return
    rows = {int(row.seq): f"{row.project_id} {row.road_id} {label('library', row.column, language)}：{_text(row.old)} → {_text(row.new)}" for row in edits.itertuples()}  # fmt: skip
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.selectbox(tell(language, "undo_which"), list(rows), index=None, placeholder="—", format_func=rows.__getitem__, key="library_undo_which")  # fmt: skip
    if right.button(tell(language, "undo"), icon=":material/undo:", disabled=chosen is None, key="library_undo"):
        choices.undo(context.office, int(chosen), by=context.user.username, reason=tell(language, "undo"))  # type: ignore[arg-type]
        st.rerun()
