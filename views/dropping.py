"""A file dropped into the page: what it seems to be, before anything is stored, and the way in."""

from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from geo.crs import guess_crs
from geo.errors import AppError
from geo.read import Dropped, read
from layers import match, schema, store
from tracker import events
from tracker.importing import Added
from tracker.office import Office
from views import moving
from views.export_table import private_names
from views.labels import Language, label, number, say
from views.plain import plain
from views.uploads import as_file

FIRST_ROWS = 8
KINDS = ["zip", "gpkg", "geojson", "json", "kml", "kmz", "ovkml", "csv", "txt", "xls", "xlsx"]
MASK = "•••"


@st.cache_resource(show_spinner=False, max_entries=8)
def looked_at(file_id: str, _upload: Any) -> Dropped:
    """Read a dropped file once, in the sandboxed worker."""
    del file_id
    with as_file(_upload) as path:
        return read(path)


def masked(frame: Any, schema_name: str) -> pd.DataFrame:
    """Give the first rows as a table in which what may be personal cannot be read.

    >>> masked(pd.DataFrame({"户主姓名": ["张三"], "人口": [4]}), "households").astype(str).iloc[0].tolist()
    ['•••', '4']
    """
    table = pd.DataFrame(frame.drop(columns="geometry", errors="ignore")).head(FIRST_ROWS)
    plan = schema.load()[schema_name]
    chosen = match.propose([str(name) for name in table.columns], plan).columns
    secret = {chosen[field.name] for field in plan.fields if field.is_private and field.name in chosen}
    secret |= private_names() & {str(name) for name in table.columns}
    return table.assign(**{name: MASK for name in table.columns if str(name) in secret})


def geometry_type(frame: Any) -> str | None:
    """Name what is drawn in a frame, None for a plain table."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return None
    found = frame.geometry.geom_type.dropna()
    return str(found.mode().iloc[0]) if len(found) else None


def villages_of(office: Office) -> Any:
    """Give the office's villages as the place a doubtful file is held against; None when there are none yet."""
    held = office.parts().get("villages", [])
    return store.read_layer(office.path, "villages", held[-1].digest) if held else None


def choose_layer(dropped: Dropped, key: str, language: Language) -> str:
    """Say which layer the file seems to be, and let the person decide."""
    ranked = match.recognise([str(name) for name in dropped.frame.columns], geometry_type(dropped.frame))
    first = [name for name, _ in ranked]
    names = [*first, *(name for name in schema.load() if name not in first)]
    scores = dict(ranked)
    texts = {
        name: f"{label('layer', name, language)}（{scores[name]:.0%}）" if name in scores else label("layer", name, language)
        for name in names
    }  # fmt: skip
    title = say(language, "import_layer")
    return str(st.selectbox(title, names, format_func=texts.__getitem__, key=f"{key}_layer"))


def choose_crs(office: Office, dropped: Dropped, key: str, language: Language) -> str | None:
    """Say in which coordinates the file is, with the proof; where it does not say, offer what fits."""
    if geometry_type(dropped.frame) is None:
        return None
    stated = dropped.default_shift or dropped.crs
    if stated:
        st.caption(say(language, "import_crs_stated", crs=plain(stated)))
    guesses = guess_crs(dropped.frame, villages_of(office)) if not stated else []
    for guess in guesses[:3]:
        st.caption(f"{plain(guess.code)} · {guess.score:.0%} · {plain(guess.reason)}")
    text = st.text_input(
        say(language, "import_crs"), value="", key=f"{key}_crs",
        placeholder=guesses[0].code if guesses else "EPSG:4526 / gcj02 / bd09", help=say(language, "import_crs_help"),
    )  # fmt: skip
    return text.strip() or None


def choose_columns(dropped: Dropped, layer: str, key: str, language: Language) -> match.Mapping | None:
    """Show which column is taken for which, and let the person change it; None when it is left as proposed."""
    plan = schema.load()[layer]
    theirs = [str(name) for name in dropped.frame.columns if str(name) != "geometry"]
    found = match.propose(theirs, plan).columns
    heads = [say(language, name) for name in ("import_ours", "import_required", "import_theirs")]
    rows = [
        (
            f"{field.aliases[0]} · {field.name}" if field.aliases else field.name,
            label("yes_no", "yes", language) if field.required == "yes" else "",
            found.get(field.name),
        )
        for field in plan.fields
    ]
    config = {heads[2]: st.column_config.SelectboxColumn(heads[2], options=theirs)}
    edited = st.data_editor(
        pd.DataFrame(rows, columns=heads), hide_index=True, disabled=heads[:2], column_config=config,
        key=f"{key}_columns_{layer}", height=240,
    )  # fmt: skip
    pairs = zip(plan.fields, edited[heads[2]], strict=True)
    chosen = {field.name: column if isinstance(column, str) else "" for field, column in pairs}
    is_same = {ours: column for ours, column in chosen.items() if column} == dict(found)
    return None if is_same else match.Mapping(columns=chosen)


def show_upload(office: Office, upload: Any, language: Language, by: str) -> None:
    """Show one dropped file before anything is stored: its rows, what it seems to be, and the button that stores it."""
    try:
        with st.spinner(say(language, "import_reading", name=plain(upload.name))):
            dropped = looked_at(upload.file_id, upload)
    except AppError as error:
        st.error(f"{plain(upload.name)}：{plain(error)}", icon=":material/error:")
        return
    key = f"drop_{upload.file_id}"
    st.markdown(f"##### {plain(upload.name)}")
    facts = say(
        language, "import_facts", rows=number(len(dropped.frame)), columns=dropped.frame.shape[1],
        encoding=plain(dropped.encoding or "—"), driver=plain(dropped.driver),
    )  # fmt: skip
    st.caption(facts)
    for note in dropped.notes:
        st.caption(plain(note))
    left, right = st.columns([1, 1.4], gap="medium")
    with left:
        layer = choose_layer(dropped, key, language)
        crs = choose_crs(office, dropped, key, language)
        is_partial = st.checkbox(say(language, "import_partial"), key=f"{key}_partial")
        as_of = st.date_input(say(language, "import_day"), value="today", key=f"{key}_day", format="YYYY-MM-DD")
    with right:
        mapping = choose_columns(dropped, layer, key, language)
    st.dataframe(masked(dropped.frame, layer), hide_index=True, key=f"{key}_rows")
    if st.button(say(language, "import_store"), type="primary", key=f"{key}_store", icon=":material/save:"):
        options = {"mapping": mapping, "crs": crs, "is_partial": is_partial, "as_of": as_of, "by": by}
        store_upload(office, layer, upload, options, language)


def store_upload(office: Office, layer: str, upload: Any, options: dict[str, Any], language: Language) -> None:
    """Put one file through the ordinary intake and say what became of every row."""
    if isinstance(options["as_of"], date) is False:
        options.pop("as_of")
    try:
        with as_file(upload) as path:
            done: Added = office.add_layer(layer, path, **options)
    except AppError as error:
        st.error(f"{plain(upload.name)}：{plain(error)}", icon=":material/error:")
        return
    st.success(
        say(
            language, "import_done", name=plain(upload.name), layer=label("layer", layer, language),
            read=number(done.rows_read), stored=number(done.stored), refused=number(done.refused),
        )
    )  # fmt: skip
    for problem in done.problems[:8]:
        st.caption(plain(f"{problem.row or '—'} · {problem.message}"))
    again, undo, _ = st.columns([1, 1.4, 3])
    again.button(say(language, "import_continue"), key=f"again_{upload.file_id}", icon=":material/refresh:")
    undo.button(
        say(language, "import_undo"), key=f"undo_{upload.file_id}", icon=":material/undo:", on_click=take_back,
        args=(office, done, options["by"], language),
    )  # fmt: skip


def take_back(office: Office, done: Added, by: str, language: Language) -> None:
    """Undo an import: the version before it holds again, and the ledger says who took it back."""
    try:
        events.withdraw(office.ledger, done.seq, by=by, reason=say(language, "import_undo"))
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    text = say(language, "import_undone", layer=label("layer", done.layer, language), part=done.part)
    st.session_state[moving.NOTICE] = ("success", text)


def import_form(office: Office, key: str, language: Language, by: str) -> None:
    """Let the person drop files in; each is shown before it is stored."""
    uploads = st.file_uploader(say(language, "import_drop"), type=KINDS, accept_multiple_files=True, key=f"{key}_files")
    for upload in uploads or []:
        with st.container(border=True):
            show_upload(office, upload, language, by)
