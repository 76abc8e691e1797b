"""用户与日志: who may sign in and do what, and who looked at households or took data out."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import accounts
from tracker.accounts import RIGHTS, ROLE_LABELS, SECTORS, User
from tracker.events import OFFICE_ZONE
from tracker.sessions import sign_in
from views import atlas, moving, panels
from views.base_settings import show_bases
from views.context import Context
from views.event_words import people
from views.labels import label, say
from views.signin import Owner

RIGHT_KEYS = ("view", "export", "import", "edit", "fund", "households", "private", "users", "backup", "audit")


def page(context: Context) -> None:
    """Show the own account; to administrators also all accounts and the log."""
    user = context.user
    if isinstance(user, Owner):
        st.info(
            say(context.language, "this_machine_needs_no_sign_in"),
            icon=":material/lock_open:",
        )
        show_form(context, is_first=True)
        with st.expander(say(context.language, "base_title"), icon=":material/map:"):
            show_bases(context)
        show_log(context)
        return
    parts = ["own", *(["users", "bases", "log"] if user.may("users") else [])]
    part = st.segmented_control(
        say(context.language, "part"), parts, default=parts[0], key="user_part", label_visibility="collapsed",
        format_func=lambda name: label("user_part", name, context.language),
    ) or parts[0]  # fmt: skip
    if part == "users":
        show_users(context)
    elif part == "bases":
        show_bases(context)
    elif part == "log":
        show_log(context)
    else:
        show_own(context)


def show_own(context: Context) -> None:
    """Show who one is and what one may do; the password can be changed, which ends all sessions."""
    user = context.user
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"#### {panels.plain(user.name)}")
        for heading, text in _facts(context, user):
            first, second = st.columns([1, 4], gap="small")
            first.caption(heading)
            second.text(text)
        st.html(f'<a class="signout" href="/logout" target="_self">{say(context.language, "sign_out")}</a>')
    with right, st.form("own_password"):
        st.markdown(say(context.language, "change_the_password_you_sign_in"))
        old = st.text_input(
            say(context.language, "present_password"), type="password", max_chars=128, autocomplete="current-password"
        )
        new = st.text_input(
            say(context.language, "new_password_at_least_signs", MIN_PASSWORD=accounts.MIN_PASSWORD),
            type="password",
            max_chars=128,
            autocomplete="new-password",
        )
        again = st.text_input(
            say(context.language, "new_password_again"), type="password", max_chars=128, autocomplete="new-password"
        )
        if st.form_submit_button(say(context.language, "change_password"), type="primary"):
            _change_own(context, old, new, again)


def _facts(context: Context, user: User) -> list[tuple[str, str]]:
    rights = say(context.language, "enumeration").join(
        label("right", key, context.language) for key in RIGHT_KEYS if key in RIGHTS.get(user.role, frozenset())
    )
    return [
        (say(context.language, "user_name"), user.username),
        (
            say(context.language, "role"),
            label("role", user.role, context.language)
            + (f" · {label('sector', user.sector, context.language)}" if user.sector else ""),
        ),
        (
            say(context.language, "scope"),
            say(context.language, "enumeration").join(user.towns) or label("action", "whole", context.language),
        ),
        (say(context.language, "may"), rights),
    ]


def _change_own(context: Context, old: str, new: str, again: str) -> None:
    if new != again:
        st.error(say(context.language, "the_two_new_passwords_differ"))
        return
    ledger = context.office.ledger
    try:
        sign_in(ledger, context.user.username, old, client=say(context.language, "change_password"))
        accounts.set_password(ledger, context.user.username, new, by=context.user.username)
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.success(say(context.language, "password_changed_reload_the_page_and"))


def show_users(context: Context) -> None:
    """List the accounts; the chosen one can be changed, closed or given a new password."""
    found = accounts.users(context.office.ledger)
    table = pd.DataFrame(
        [
            (user.username, user.name, label("role", user.role, context.language), label("sector", user.sector, context.language) if user.sector else "",
             say(context.language, "enumeration").join(user.towns) or label("action", "whole", context.language), say(context.language, "active") if user.is_active else say(context.language, "closed_2"))
            for user in found
        ],
        columns=[label("account", name, context.language) for name in ("username", "name", "role", "sector", "towns", "status")],
    )  # fmt: skip
    left, right = st.columns([1.3, 1], gap="medium")
    with left:
        panels.show_table(
            table,
            key="user_table",
            ids=[user.username for user in found],
            kind="users",
            height="content" if len(table) < 10 else 420,
        )
        if st.button(say(context.language, "add_a_user"), icon=":material/person_add:", key="user_new"):
            _new_dialog(context)
    with right, st.container(border=True, height=470):
        chosen = next((user for user in found if user.username == panels.selected("users")), None)
        if chosen is None:
            st.info(
                say(context.language, "click_a_user_to_change_role"),
                icon=":material/ads_click:",
            )
        else:
            show_user(context, chosen)


def _new_dialog(context: Context) -> None:
    st.dialog(say(context.language, "add_a_user"), width="large")(show_form)(context, is_first=False)


def show_form(context: Context, *, is_first: bool) -> None:
    """Let an administrator open an account; the first one is an administrator's."""
    roles = ["administrator"] if is_first else list(ROLE_LABELS)
    with st.form("new_user"):
        first, second, third = st.columns(3)
        username = first.text_input(say(context.language, "user_name_for_signing_in"), max_chars=64)
        name = second.text_input(say(context.language, "name"), max_chars=40)
        role = third.selectbox(
            say(context.language, "role"), roles, format_func=lambda key: label("role", key, context.language)
        )
        sector, towns = _ask_scope(context, None, is_first=is_first)
        provider = None if is_first else context.office.oidc
        password = st.text_input(
            say(context.language, "first_password", least=accounts.MIN_PASSWORD)
            + (say(context.language, "first_password_blank", name=provider.label) if provider else ""),
            type="password",
            max_chars=128,
            autocomplete="new-password",
        )
        if st.form_submit_button(say(context.language, "create"), type="primary"):
            try:
                accounts.add_user(
                    context.office.ledger, username, name=name, role=role, by=context.user.username,
                    password=None if provider and not password else password,
                    sector=sector if role == "bureau" else "", towns=towns,
                )  # fmt: skip
            except AppError as error:
                st.error(panels.plain(error))
                return
            if is_first:
                st.success(say(context.language, "the_administrator_exists_reload_the_page"))
                return
            st.session_state[moving.NOTICE] = ("success", say(context.language, "user_made", it=name or username))
            st.rerun()


def _ask_scope(context: Context, user: User | None, *, is_first: bool) -> tuple[str, list[str]]:
    if is_first:
        return "", []
    left, right = st.columns([1, 2])
    sectors = ["", *SECTORS]
    sector = left.selectbox(
        say(context.language, "sector_bureaus_only"),
        sectors,
        index=sectors.index(user.sector) if user else 0,
        format_func=lambda key: label("sector", key, context.language) if key else "—",
    )
    names = atlas.town_names(context.workspace)
    towns = right.multiselect(
        say(context.language, "which_towns_blank_whole_county"),
        names,
        [name for name in (user.towns if user else ()) if name in names],
        placeholder=label("action", "whole", context.language),
        select_all=False,
    )
    return sector, towns


def show_user(context: Context, user: User) -> None:
    """Change one account."""
    st.markdown(f"#### {panels.plain(user.name)}")
    for heading, text in _facts(context, user):
        first, second = st.columns([1, 4], gap="small")
        first.caption(heading)
        second.text(text)
    ledger, by = context.office.ledger, context.user.username
    with st.form(f"user_{user.username}"):
        roles = list(ROLE_LABELS)
        role = st.selectbox(
            say(context.language, "role"),
            roles,
            index=roles.index(user.role),
            format_func=lambda key: label("role", key, context.language),
        )
        sector, towns = _ask_scope(context, user, is_first=False)
        is_active = st.checkbox(say(context.language, "active"), user.is_active)
        if st.form_submit_button(say(context.language, "save")):
            _do(
                lambda: accounts.change_user(
                    ledger,
                    user.username,
                    by=by,
                    role=role,
                    sector=sector if role == "bureau" else "",
                    towns=towns,
                    is_active=is_active,
                ),
                say(context.language, "is_changed_their_session_has_ended", name=user.name),
            )
    with st.form(f"password_{user.username}"):
        password = st.text_input(
            say(context.language, "reset_the_password"), type="password", max_chars=128, autocomplete="new-password"
        )
        if st.form_submit_button(say(context.language, "reset")):
            _do(
                lambda: accounts.set_password(ledger, user.username, password, by=by),
                say(context.language, "has_a_new_password_their_session", name=user.name),
            )


def _do(work: Any, done: str) -> None:
    try:
        work()
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.session_state[moving.NOTICE] = ("success", done)
    st.rerun()


def show_log(context: Context) -> None:
    """Show who exported what and who looked at households; nobody can change the log."""
    place, _ = st.columns([1, 4])
    days = place.selectbox(say(context.language, "last_days"), [7, 30, 90, 180, 365], index=1, key="log_days")
    found = accounts.access_log(context.office.ledger, since=datetime.now(OFFICE_ZONE).date() - timedelta(days=days))[
        ::-1
    ]
    names = people(context)
    table = pd.DataFrame(
        [
            (event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M:%S"), names.get(event.by, event.by), event.by,
             label("log_action", event.payload["action"], context.language), event.payload["what"], event.payload["rows"], event.payload["conditions"])
            for event in found
        ],
        columns=[label("account", name, context.language) for name in ("time", "name", "username", "action", "what", "rows", "conditions")],
    )  # fmt: skip
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(say(context.language, "entries_the_log_only_grows_not", count=len(table)))
    with button:
        panels.offer_download(
            context,
            {label("user_part", "log", context.language): table},
            say(context.language, "log_of_looks_and_exports"),
            **{say(context.language, "log_days"): days},
        )
    st.dataframe(table, hide_index=True, height=min(38 + 35 * max(len(table), 1), 420), key="log_table")
