"""原表回填: the office's own sheet, the differences looked over, and the same workbook with only those written in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from geo.errors import AppError
from geo.read import read
from layers.headers import keys, plain_header
from layers.match import recognise
from tracker import template
from tracker.accounts import log_access
from tracker.office import Office
from tracker.template import Change, Comparison
from views import excel, panels
from views.context import Context
from views.labels import label
from views.uploads import as_file

TABLES = (
    "villages",
    "natural_villages",
    "claims",
    "facilities",
    "households",
    "roads",
    "bridges",
    "houses",
    "projects",
)
PRIVATE_TABLES = ("households", "houses")


def _t(context: Context, key: str, **figures: object) -> str:
    return label("template", key, context.language).format(**figures)


def show(context: Context) -> None:
    """Ask for the sheet, show every cell that would change, and offer the workbook."""
    left, right = st.columns([1, 2.1], gap="medium")
    with left:
        upload = st.file_uploader(_t(context, "upload"), ["xlsx", "xlsm", "xls"], key="template_file")
        st.caption(_t(context, "note"))
        wish = _ask(context, upload) if upload is not None else None
    with right:
        if upload is None or wish is None:
            st.info(_t(context, "hint"), icon=":material/edit_document:")
            return
        _compare(context, upload, wish)


def _ask(context: Context, upload: Any) -> dict[str, Any] | None:
    try:
        sheets, guess = _looked_at(upload.file_id, upload, tuple(context.office.need_ids()))
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return None
    may = [name for name in TABLES if name not in PRIVATE_TABLES or context.user.may("households")]
    table = st.selectbox(
        _t(context, "table"), may, index=may.index(guess) if guess in may else 0, key=f"template_table_{upload.file_id}",
        format_func=lambda name: _name(context, name),
    )  # fmt: skip
    sheet = st.selectbox(_t(context, "sheet"), sheets, key="template_sheet") if len(sheets) > 1 else None
    only_seen = st.toggle(_t(context, "only_seen"), key="template_seen", help=_t(context, "only_seen_help"))
    with_formulas = st.toggle(_t(context, "formulas"), key="template_formulas", help=_t(context, "formulas_help"))
    mark = st.toggle(_t(context, "mark"), value=True, key="template_mark")
    return {"table": table, "sheet": sheet, "only_seen": only_seen, "with_formulas": with_formulas, "mark": mark}


def _name(context: Context, table: str) -> str:
    if table in ("houses", "projects"):
        return label("page", "ledger" if table == "houses" else "projects", context.language)
    return label("layer", table, context.language)


@st.cache_data(show_spinner=False, max_entries=8)
def _looked_at(file_id: str, _upload: Any, needs: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the sheets of a workbook, and which table it seems to be."""
    del file_id
    with as_file(_upload) as path:
        dropped = read(path)
    heads = [str(name) for name in dropped.frame.columns if str(name) != "geometry"]
    ranked = [name for name, _ in recognise(heads, None) if name in TABLES]
    plain = {plain_header(head) for head in heads}
    asked = {plain_header(need) for need in needs}
    if sum(any(key in asked for key, _ in keys(head)) for head in heads) > 1:
        return list(dropped.layers), "claims"
    if plain & {"项目编号"}:
        return list(dropped.layers), "projects"
    if plain & {"处置方式", "改造进度"}:
        return list(dropped.layers), "houses"
    return list(dropped.layers), ranked[0] if ranked else ""


@st.cache_resource(show_spinner=False, max_entries=6)
def _compared(
    key: tuple[Any, ...], _office: Office, _upload: Any, table: str, sheet: str | None, **options: Any
) -> Comparison:
    del key
    with as_file(_upload) as path:
        return template.compare(_office, path, table, sheet=sheet, **options)


def _seen_until(office: Office) -> int:
    """Return the number of the last event: what was compared before it may be out of date."""
    return office.ledger.read(lambda t: int(t.rows("SELECT seq FROM chain WHERE id = 1")[0][0]))


def _compare(context: Context, upload: Any, wish: dict[str, Any]) -> None:
    options = {"only_seen": wish["only_seen"], "with_formulas": wish["with_formulas"]}
    try:
        key = (upload.file_id, _seen_until(context.office))
        with st.spinner(_t(context, "comparing")):
            found = _compared(key, context.office, upload, wish["table"], wish["sheet"], **options)
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    found = _scoped(context, found)
    st.markdown(
        _t(
            context,
            "found",
            changes=len(found.changes),
            skipped=len(found.skipped),
            rows=found.rows,
            matched=found.matched,
        )
    )
    if found.unmatched:
        st.caption(
            panels.plain(_t(context, "unmatched", count=len(found.unmatched), some="、".join(found.unmatched[:6])))
        )
    for note in found.notes[:4]:
        st.caption(panels.plain(note))
    table = template.change_table(found)
    if context.language == "en":
        table.columns = [label("template", f"column_{at}", "en") for at in range(len(table.columns))]
    st.dataframe(table, hide_index=True, height=330, key="template_changes")
    if not context.user.may("export"):
        st.caption(_t(context, "no_export"))
        return
    first, second = st.columns(2)
    first.download_button(
        _t(context, "fetch"), data=lambda: _filled(context, upload, found, wish["mark"], options), file_name=_file_name(upload.name, found),
        mime=excel.MIME, type="primary", icon=":material/download:", key="template_fetch", on_click="ignore", width="stretch",
        disabled=not found.changes,
    )  # fmt: skip
    with second:
        panels.offer_download(context, {"修改清单": table}, "原表回填清单", 文件=upload.name)


def _scoped(context: Context, found: Comparison) -> Comparison:
    """Keep the rows a person may see: with a town scope only units of the own towns."""
    if not context.user.towns:
        return found
    known: set[str] = set()
    for layer in ("villages", "natural_villages", "households", "facilities", "roads", "bridges"):
        frame = context.frame(layer)
        known |= set(frame.iloc[:, 0].astype("str")) if len(frame) else set()

    def mine(rows: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row for row in rows if row.unit in known)

    kept: tuple[Change, ...] = mine(found.changes)
    return Comparison(**{**vars(found), "changes": kept, "skipped": mine(found.skipped)})


def _file_name(name: str, found: Comparison) -> str:
    path = Path(name)
    return f"{path.stem}_回填{'.xlsx' if found.is_old else path.suffix}"


def _filled(context: Context, upload: Any, found: Comparison, mark: bool, options: dict[str, Any]) -> bytes:
    with as_file(upload) as path:
        content, _ = template.fill(context.office, path, found, mark=mark, **options)
    if not context.office.ledger.is_read_only:
        log_access(
            context.office.ledger, context.user.username, "export", what=f"原表回填 {found.table}", rows=len(found.changes),
            conditions=str(upload.name),
        )  # fmt: skip
    return content
