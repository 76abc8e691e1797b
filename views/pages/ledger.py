"""危房台账: every dangerous house from first report to closed, with its deadline. Personal data: internal only."""

from datetime import date

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import houses
from tracker.houses import House
from tracker.status import HOUSE_LABELS
from views import moving, panels
from views.audit import log_view
from views.context import Context
from views.house_card import deadline, notice_days, show_card
from views.labels import label, number, say
from views.moment import asked_moment, choose_moment, moment_basis, show_moment
from views.responsibility import choose_unit, held, units_in

HEIGHT = 356
COLUMNS = (
    "household_id", "town", "village", "grade", "status", "since", "found", "treatment", "close_reason", "late", "helper_unit",
)  # fmt: skip


def in_scope(context: Context, found: list[House]) -> list[House]:
    """Keep the houses a person may see: a town clerk those of the own towns."""
    towns = set(context.user.towns)
    return [item for item in found if not towns or item.town in towns]


def house_names(context: Context) -> dict[str, str]:
    """Name the steps of a house."""
    return {name: label("house_status", name, context.language) for name in HOUSE_LABELS}


def not_entered(context: Context, known: list[House]) -> pd.DataFrame:
    """Give the C and D houses of the assessment that the ledger does not hold yet."""
    rows = context.assessment.housing
    if rows.empty:
        return rows
    towns = set(context.user.towns)
    rows = rows[~rows["household_id"].isin({item.household_id for item in known})]
    return rows[rows["town"].isin(towns)] if towns else rows


def show_import(context: Context, whole: list[House]) -> None:
    """Offer to enter what the assessment found and the ledger does not hold: one click, twice does no harm."""
    rows = not_entered(context, whole)
    if rows.empty or not context.user.may("edit", sector="housing"):
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info(
        say(context.language, "houses_graded_c_or_d_on", day=context.day, count=len(rows)),
        icon=":material/home_work:",
    )
    right.button(
        say(context.language, "enter_all_as_reported"),
        type="primary",
        on_click=_import,
        args=(context, rows),
        key="houses_import",
        icon=":material/playlist_add:",
    )


def _import(context: Context, rows: pd.DataFrame) -> None:
    listed = rows[["household_id", "village_id", "town", "grade"]].to_dict("records")
    source = f"评估 {context.assessment.workspace_digest[:12]}，评估日 {context.day}"
    try:
        new = houses.report(context.office.ledger, listed, at=context.day, by=context.user.username, source=source)
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    st.session_state[moving.NOTICE] = ("success", say(context.language, "houses_entered_as_reported", count=len(new)))


def table_of(context: Context, found: list[House], day: date, known_on: date | None = None) -> pd.DataFrame:
    """Make the table of houses; nothing but numbers of households, never names."""
    limit = deadline(context)
    table = houses.house_table(found)
    villages = context.frame("villages")
    names = dict(zip(villages["village_id"], villages["name"], strict=True)) if len(villages) else {}
    table["village"] = table["village_id"].map(names).fillna(table["village_id"])
    late = {item.household_id for item in (houses.overdue(found, deadline=limit, day=day) if limit else [])}
    table["late"] = [say(context.language, "yes") if key in late else "" for key in table["household_id"]]
    helping = held(context, day, known_on=known_on)
    table["helper_unit"] = [units_in(helping, {item.village_id}) for item in found]
    for column, group in (("status", "house_status"), ("treatment", "treatment"), ("close_reason", "close_reason")):
        table[column] = [label(group, key, context.language) if key else "" for key in table[column]]
    return table[list(COLUMNS)].rename(
        columns={name: label("ledger_column", name, context.language) for name in COLUMNS}
    )


def _holds(table: pd.DataFrame, name: str, text: str, context: Context) -> pd.Series:
    return table[label("ledger_column", name, context.language)].str.contains(text, regex=False)


def show_headline(context: Context, found: list[House], day: date) -> None:
    """Show how many are open, closed and late, and by when they are due."""
    limit, table = deadline(context), context.policy.tables.get("housing", {})
    late = houses.overdue(found, deadline=limit, day=day) if limit else []
    open_houses = sum(item.is_open for item in found)
    days = notice_days(context)
    notice = context.policy.tables.get("notice", {})
    panels.show_figures(
        [
            (
                say(context.language, "houses_in_the_ledger"),
                number(len(found)),
                say(context.language, "every_household_entered_in_the_ledger"),
            ),
            (say(context.language, "open"), number(open_houses), say(context.language, "not_closed_yet")),
            (
                say(context.language, "closed"),
                number(len(found) - open_houses),
                say(context.language, "renovated_secured_otherwise_deceased_or"),
            ),
            (
                say(context.language, "overdue_on", day=day),
                number(len(late)) if limit else "—",
                say(context.language, "open_past_the_document_s_deadline"),
            ),
            (
                say(context.language, "deadline"),
                str(limit) if limit else say(context.language, "not_stated"),
                say(context.language, "named_clause", get=table.get("label", ""), get2=table.get("reference", "")),
            ),
            (
                say(context.language, "public_notice_before_closing"),
                say(context.language, "days", days=days) if days else say(context.language, "not_stated"),
                say(context.language, "named_clause", get=notice.get("label", ""), get2=notice.get("reference", "")),
            ),
        ]
    )


def page(context: Context) -> None:
    """Show the ledger of dangerous houses."""
    if moving.show_conflict(context):
        return
    whole = in_scope(context, houses.houses(context.office.ledger))
    show_import(context, whole)
    first, second, unit, third, last = st.columns([1, 1.2, 1, 0.8, 1], vertical_alignment="bottom")
    with first:
        town = panels.choose_town(context)
    helped = choose_unit(context, unit, "house_unit", held(context, asked_moment().as_of or context.office.today))
    search = second.text_input(
        say(context.language, "find_a_house"),
        key="house_search",
        placeholder=say(context.language, "household_id_or_village"),
        max_chars=60,
    ).strip()
    only_late = third.checkbox(say(context.language, "overdue_only"), key="house_late")
    with last:
        moment = choose_moment(context.language)
    show_moment(moment, context.language)
    day = moment.as_of or context.office.today
    found = (
        whole
        if not moment.is_past
        else in_scope(context, houses.houses(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on))
    )
    found = [item for item in found if town is None or item.town == town]
    found = [item for item in found if helped is None or item.village_id in helped]
    if not whole:
        st.info(say(context.language, "the_house_ledger_is_still_empty"), icon=":material/home_work:")
        return
    show_headline(context, found, day)
    counts = {name: sum(item.status == name for item in found) for name in HOUSE_LABELS}
    keep = panels.choose_classes(
        label("field", "status", context.language), "house_status", counts, context, "house_status"
    )
    found = [item for item in found if item.status in keep]
    limit = deadline(context)
    if only_late:
        found = houses.overdue(found, deadline=limit, day=day) if limit else []
    table = table_of(context, found, day, moment.known_on)
    if search:
        hit = _holds(table, "household_id", search, context) | _holds(table, "village", search, context)
        table = table[hit.to_numpy()]
        found = [item for item, is_hit in zip(found, hit, strict=True) if is_hit]
    states = "、".join(HOUSE_LABELS[name] for name in keep) if len(keep) < len(HOUSE_LABELS) else "全部"
    conditions = f"乡镇={town or '全县'}，状态={states}，超期={'是' if only_late else '否'}，查找={search or '无'}"
    log_view(context, say(context.language, "house_ledger"), rows=len(found), conditions=conditions)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        with st.container(height=HEIGHT - 44, border=False, key="house_list"):
            ids = [item.household_id for item in found]
            wide = {label("ledger_column", "treatment", context.language): st.column_config.TextColumn(width=150)}
            panels.show_table(
                table, key="ledger_table", ids=ids, kind="households", height="stretch", column_config=wide
            )
        head, button = st.columns([3, 1], vertical_alignment="center")
        head.caption(say(context.language, "houses_names_ids_phones_and_addresses", count=len(table)))
        with button:
            by_town = houses.counts(found)
            by_town.iloc[-1, 0] = label("field", "sum", context.language)
            by_town = by_town.rename(
                columns={
                    **house_names(context),
                    "town": label("field", "town", context.language),
                    "total": label("field", "sum", context.language),
                }
            )
            panels.offer_download(
                context,
                {say(context.language, "house_ledger"): table, say(context.language, "by_town_2"): by_town},
                say(context.language, "house_ledger"),
                **{say(context.language, "conditions"): conditions},
                **moment_basis(moment, context.language),
            )
    with right, st.container(height=HEIGHT, border=True, key="house_card"):
        chosen = next((item for item in found if item.household_id == panels.selected("households")), None)
        if chosen is None:
            st.info(say(context.language, "click_a_house_facts_next_step"), icon=":material/ads_click:")
        else:
            show_card(context, chosen, moment=moment, day=day)
