"""Where an administrator sets the office's base maps: 天地图 by its key alone, any other WMTS, XYZ or WMS by its address."""

from urllib.parse import urlsplit

import streamlit as st

from geo.errors import AppError, InputError
from tracker import basemap
from tracker.basemap import BaseMap
from views import moving
from views.basemap import base_maps, service
from views.context import Context
from views.labels import Language, say
from views.plain import plain

_KINDS = {"wmts": "WMTS", "xyz": "XYZ", "wms": "WMS"}
_MATRIX_TEXTS = {"w": "base_matrix_w", "c": "base_matrix_c"}


def show_bases(context: Context) -> None:
    """List the base maps, try one, take one away, and set new ones."""
    language = context.language
    st.caption(say(language, "base_note"))
    try:
        found = base_maps(context.office.path)
    except AppError as error:
        st.error(plain(error))
        found = ()
    if not found:
        st.info(say(language, "base_none"), icon=":material/public_off:")
    for base in found:
        _show_base(context, base, found)
    left, right = st.columns(2, gap="large")
    with left:
        _ask_tianditu(context, found)
    with right, st.expander(say(language, "base_other")):
        _ask_other(context, found)


def _show_base(context: Context, base: BaseMap, found: tuple[BaseMap, ...]) -> None:
    language = context.language
    first, second, third = st.columns([5, 1, 1], vertical_alignment="center")
    facts = [
        _KINDS[base.kind],
        urlsplit(base.address).hostname or "",
        say(language, _MATRIX_TEXTS[base.matrix]),
        *([say(language, "base_shifted")] if base.is_shifted else []),
        say(language, "base_has_key" if base.key else "base_no_key"),
    ]
    first.text(f"{base.title} · {' · '.join(facts)}")
    if second.button(say(language, "base_try"), key=f"base_try_{base.base_id}", width="stretch"):
        _try(context, base)
    if third.button(say(language, "base_remove"), key=f"base_remove_{base.base_id}", width="stretch"):
        _keep(context, tuple(other for other in found if other is not base))


def _try(context: Context, base: BaseMap) -> None:
    """Ask for the tile in the middle of the county and show it, or say why it does not come."""
    west, south, east, north = context.frame("villages").geometry.to_crs("EPSG:4326").total_bounds
    service().forget()
    try:
        got = service().tile(base, 0, *basemap.tile_at(base, (west + east) / 2, (south + north) / 2, 10))
    except AppError as error:
        st.error(plain(error), icon=":material/cloud_off:")
        return
    if got is None:
        st.warning(say(context.language, "base_empty"))
        return
    st.image(got[0], width=256, caption=say(context.language, "base_came"))


def _ask_tianditu(context: Context, found: tuple[BaseMap, ...]) -> None:
    language = context.language
    with st.form("base_tianditu", clear_on_submit=True):
        st.markdown(f"**{say(language, 'base_tianditu')}**")
        key = st.text_input(
            say(language, "base_key"), type="password", max_chars=200, help=say(language, "base_key_help"),
            autocomplete="off",
        )  # fmt: skip
        matrix = _ask_matrix(language, "base_tianditu_matrix")
        if st.form_submit_button(say(language, "base_enable"), type="primary"):
            if not key.strip():
                st.error(say(language, "base_key_missing"))
                return
            new = basemap.tianditu(key.strip(), matrix=matrix)
            ids = {base.base_id for base in new}
            _keep(context, (*new, *(base for base in found if base.base_id not in ids)))


def _ask_matrix(language: Language, key: str) -> str:
    return str(
        st.radio(
            say(language, "base_matrix"), list(_MATRIX_TEXTS), horizontal=True, key=key,
            format_func=lambda name: say(language, _MATRIX_TEXTS[name]),
        )
    )  # fmt: skip


def _ask_other(context: Context, found: tuple[BaseMap, ...]) -> None:
    language = context.language
    with st.form("base_other", clear_on_submit=False):
        title = st.text_input(say(language, "base_name"), max_chars=24)
        kind = st.radio(say(language, "base_kind"), list(_KINDS), format_func=_KINDS.__getitem__, horizontal=True)
        address = st.text_input(say(language, "base_address"), max_chars=400, help=say(language, "base_address_help"))
        sheets = st.text_input(say(language, "base_sheets"), max_chars=200)
        matrix = _ask_matrix(language, "base_other_matrix")
        left, right = st.columns(2)
        key_name = left.text_input(say(language, "base_key_name"), "tk", max_chars=24)
        key = right.text_input(say(language, "base_key"), type="password", max_chars=200, autocomplete="off")
        is_shifted = st.checkbox(say(language, "base_is_shifted"))
        zoom = int(st.number_input(say(language, "base_max_zoom"), 1, 22, 18))
        notice = st.text_input(say(language, "base_notice"), max_chars=60)
        if st.form_submit_button(say(language, "base_add")):
            names = tuple(part.strip() for part in sheets.split(",")) if sheets.strip() else ("",)
            number = next(n for n in range(1, 99) if f"base{n}" not in {base.base_id for base in found})
            try:
                new = basemap.checked(
                    BaseMap(
                        f"base{number}", title.strip(), str(kind), address.strip(), names, matrix, key_name=key_name,
                        key=key.strip(), is_shifted=is_shifted, max_zoom=zoom, notice=notice.strip(),
                    )
                )  # fmt: skip
            except InputError as error:
                st.error(plain(error))
                return
            _keep(context, (*found, new))


def _keep(context: Context, bases: tuple[BaseMap, ...]) -> None:
    try:
        basemap.write(context.office.path, bases)
    except (AppError, OSError) as error:
        st.error(plain(error) if isinstance(error, AppError) else say(context.language, "base_disk"))
        return
    service().forget()
    st.session_state[moving.NOTICE] = ("success", say(context.language, "base_saved"))
    st.rerun()
