"""帮扶责任: the helper units, their villages, what is open there, and the list they come from."""

from datetime import date

import pandas as pd
import streamlit as st

from geo.errors import AppError
from geo.read import read
from tracker import responsibility
from tracker.responsibility import Responsibility
from tracker.responsibility_sheet import read_sheet
from views import moving, panels, uploads
from views.audit import log_view
from views.context import Context
from views.labels import label, say
from views.moment import choose_moment, moment_basis, show_moment
from views.responsibility import COLUMNS, head, held, items, shown_items, unit_table, without_unit

HEIGHT = 400


def show_responsibility(context: Context) -> None:
    """Show the units with what is open in their villages; one of them in detail."""
    language = context.language
    first, second, third = st.columns([2.6, 1, 1.2], vertical_alignment="bottom")
    with second:
        moment = choose_moment(language)
    day = moment.as_of or context.office.today
    with third:
        if not moment.is_past and may_assign(context) and st.button(
            say(language, "enter_units"), icon=":material/add:", key="responsibility_new", width="stretch"
        ):  # fmt: skip
            open_form(context)
    show_moment(moment, language)
    found = held(context, day, known_on=moment.known_on)
    bare = without_unit(context, found)
    first.caption(say(language, "units_caption", day=day, assessed=context.day, bare=len(bare)))
    if not found:
        st.info(say(language, "no_units_yet"), icon=":material/groups:")
        return
    listed = items(context, found, day, as_of=moment.as_of, known_on=moment.known_on)
    table = unit_table(found, listed)
    with_households = context.user.may("households")
    left, right = st.columns([1.45, 1], gap="medium")
    with left:
        shown = table.rename(columns={name: head(name, context) for name in COLUMNS})
        panels.show_table(
            shown,
            key="unit_table",
            ids=table["unit"].tolist(),
            kind="units",
            height="content" if len(shown) < 9 else HEIGHT - 44,
        )
        caption, button = st.columns([2.4, 1], vertical_alignment="center")
        caption.caption(
            say(language, "units_total", units=len(table), villages=len({item.village_id for item in found}))
        )
        with button:
            sheets = {
                head("by_unit", context): shown,
                head("items", context): shown_items(context, listed, with_households=with_households),
                head("bare", context): bare,
            }
            panels.offer_download(context, sheets, head("by_unit", context), **moment_basis(moment, language))
    with right, st.container(border=True, height=HEIGHT, key="unit_card"):
        chosen = panels.selected("units")
        if chosen in set(table["unit"]):
            show_unit(context, str(chosen), found, listed, is_past=moment.is_past)
        else:
            st.info(say(language, "click_a_unit"), icon=":material/ads_click:")


def may_assign(context: Context) -> bool:
    """Tell whether the person may say who answers for a village: not a bureau, whose changes end at its sector."""
    return context.user.may("edit", sector="")


def show_unit(context: Context, unit: str, found: list[Responsibility], listed: pd.DataFrame, *, is_past: bool) -> None:
    """Show one unit: its villages with the person and the days, what is open there, and how to end it."""
    own = [item for item in found if item.unit == unit]
    names = context.frame("villages").set_index("village_id")
    st.markdown(f"#### {panels.plain(unit)}")
    rows = [
        (names.at[item.village_id, "town"], names.at[item.village_id, "name"], item.person, item.since.isoformat(), str(item.until or ""))
        for item in own
    ]  # fmt: skip
    columns = [head(name, context) for name in ("town", "village", "person", "from", "until")]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, height=min(38 + 35 * len(rows), 150))
    with_households = context.user.may("households")
    part = listed[listed["unit"] == unit]
    part = shown_items(context, part, with_households=with_households).drop(columns=head("unit", context))
    st.markdown(f"**{head('items', context)}** {len(part)}")
    st.dataframe(part, hide_index=True, height=150)
    if with_households:
        log_view(context, head("items", context), rows=int((listed.loc[listed["unit"] == unit, "what"] == "house").sum()), conditions=unit)  # fmt: skip
    if not is_past and may_assign(context):
        show_end(context, unit, own)


def show_end(context: Context, unit: str, own: list[Responsibility]) -> None:
    """Let the person end what a unit answers for."""
    language = context.language
    names = context.frame("villages").set_index("village_id")["name"]
    with st.expander(say(language, "end_unit")), st.form(f"end_{unit}", border=False):
        villages = [item.village_id for item in own]
        village = st.selectbox(head("village", context), villages, format_func=lambda key: str(names.get(key, key)))
        last = st.date_input(
            say(language, "last_day"), context.office.today, format="YYYY-MM-DD", min_value=date(2000, 1, 1)
        )
        reason = st.text_input(say(language, "reason_required"), max_chars=200)
        if st.form_submit_button(say(language, "end_unit")):
            ledger, by = context.office.ledger, context.user.username
            try:
                responsibility.end(ledger, village, unit, last_day=last, by=by, reason=reason)
            except AppError as error:
                st.error(panels.plain(error))
                return
            st.session_state[moving.NOTICE] = ("success", say(language, "entered_2"))
            st.rerun()


def open_form(context: Context) -> None:
    """Open the dialog under a title in the language of the page."""
    st.dialog(say(context.language, "enter_units"), width="large")(_dialog)(context)


def _dialog(context: Context) -> None:
    one, many = st.tabs([say(context.language, "units_one"), say(context.language, "units_sheet")])
    with one:
        _show_one(context)
    with many:
        _show_sheet(context)


def _show_one(context: Context) -> None:
    language = context.language
    villages = context.frame("villages")
    names = dict(zip(villages["village_id"], villages["name"] + " · " + villages["town"].fillna("—"), strict=True))
    with st.form("unit_one", border=False):
        left, right = st.columns(2)
        unit = left.text_input(head("unit", context), max_chars=80)
        person = right.text_input(head("person", context), max_chars=40)
        chosen = st.multiselect(
            head("village", context), list(names), format_func=names.__getitem__, placeholder="", select_all=False
        )
        left, right = st.columns(2)
        since = left.date_input(
            head("from", context), context.office.today, format="YYYY-MM-DD", min_value=date(2000, 1, 1)
        )
        until = right.date_input(say(language, "until_open"), None, format="YYYY-MM-DD", min_value=date(2000, 1, 1))
        if st.form_submit_button(label("action", "save", language), type="primary"):
            if not chosen:
                st.error(say(language, "choose_villages"))
                return
            rows = [
                {"village_id": key, "unit": unit, "person": person, "since": since, "until": until} for key in chosen
            ]
            _enter(context, rows, say(language, "units_one"))


def _show_sheet(context: Context) -> None:
    language = context.language
    st.caption(say(language, "units_sheet_help"))
    since = st.date_input(
        say(language, "units_since"), context.office.today, format="YYYY-MM-DD", min_value=date(2000, 1, 1)
    )
    upload = st.file_uploader(say(language, "units_file"), ["xlsx", "xls", "csv"], key="units_upload")
    if upload is None:
        return
    try:
        with uploads.as_file(upload) as path:
            dropped = read(path)
        sheet = read_sheet(
            dropped.frame.set_axis(dropped.rows), context.frame("villages"), since=since, aliases=context.policy.aliases
        )
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.text(say(language, "units_read", rows=len(sheet.rows), refused=len(sheet.refused)))
    if len(sheet.refused):
        st.dataframe(sheet.refused, hide_index=True, height=180)
    if sheet.rows and st.button(say(language, "units_enter", rows=len(sheet.rows)), type="primary", key="units_enter"):
        _enter(context, sheet.rows, upload.name)


def _enter(context: Context, rows: list[dict[str, object]], source: str) -> None:
    try:
        count = responsibility.assign(context.office.ledger, rows, by=context.user.username, source=source)
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.session_state[moving.NOTICE] = (
        "success",
        say(context.language, "units_entered", count=count, same=len(rows) - count),
    )
    st.rerun()
