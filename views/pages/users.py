"""用户与日志: who may sign in and do what, and who looked at households or took data out."""

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import accounts
from tracker.accounts import RIGHTS, ROLE_LABELS, SECTORS, User
from tracker.events import OFFICE_ZONE
from tracker.sessions import sign_in
from views import atlas, moving, panels
from views.context import Context
from views.event_words import people
from views.labels import label
from views.signin import Owner

RIGHT_LABELS = {
    "view": "看汇总和地图", "export": "导出", "import": "导入数据", "edit": "登记项目和危房", "fund": "登记资金", "households": "看单户",
    "private": "看姓名证件", "users": "管理用户", "backup": "备份", "audit": "看日志",
}  # fmt: skip
ACTIONS = {"export": "导出", "view": "查看农户", "refused": "被拒绝"}


def page(context: Context) -> None:
    """Show the own account; to administrators also all accounts and the log."""
    user = context.user
    if isinstance(user, Owner):
        st.info(
            "这台电脑现在不用登录，别的电脑也进不来。建立第一个用户（管理员）以后，所有人都要登录，才可以用 --host 对办公网开放。",
            icon=":material/lock_open:",
        )
        show_form(context, is_first=True)
        show_log(context)
        return
    parts = ["我的账号", *(["用户", "日志"] if user.may("users") else [])]
    part = (
        st.segmented_control("部分", parts, default=parts[0], key="user_part", label_visibility="collapsed") or parts[0]
    )
    if part == "用户":
        show_users(context)
    elif part == "日志":
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
        st.html('<a class="signout" href="/logout" target="_self">退出登录</a>')
    with right, st.form("own_password"):
        st.markdown("**换密码**（换好后要重新登录）")
        old = st.text_input("现在的密码", type="password", max_chars=128, autocomplete="current-password")
        new = st.text_input(
            f"新密码（至少 {accounts.MIN_PASSWORD} 位）", type="password", max_chars=128, autocomplete="new-password"
        )
        again = st.text_input("新密码再输一遍", type="password", max_chars=128, autocomplete="new-password")
        if st.form_submit_button("换密码", type="primary"):
            _change_own(context, old, new, again)


def _facts(context: Context, user: User) -> list[tuple[str, str]]:
    rights = "、".join(text for key, text in RIGHT_LABELS.items() if key in RIGHTS.get(user.role, frozenset()))
    return [
        ("用户名", user.username),
        (
            "角色",
            label("role", user.role, context.language)
            + (f" · {label('sector', user.sector, context.language)}" if user.sector else ""),
        ),
        ("范围", "、".join(user.towns) or "全县"),
        ("可以", rights),
    ]


def _change_own(context: Context, old: str, new: str, again: str) -> None:
    if new != again:
        st.error("两遍新密码不一样。")
        return
    ledger = context.office.ledger
    try:
        sign_in(ledger, context.user.username, old, client="换密码")
        accounts.set_password(ledger, context.user.username, new, by=context.user.username)
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.success("密码已换。请按浏览器刷新，用新密码登录。")


def show_users(context: Context) -> None:
    """List the accounts; the chosen one can be changed, closed or given a new password."""
    found = accounts.users(context.office.ledger)
    table = pd.DataFrame(
        [
            (user.username, user.name, label("role", user.role, context.language), label("sector", user.sector, context.language) if user.sector else "",
             "、".join(user.towns) or "全县", "启用" if user.is_active else "停用")
            for user in found
        ],
        columns=["用户名", "姓名", "角色", "行业", "范围", "状态"],
    )  # fmt: skip
    left, right = st.columns([1.3, 1], gap="medium")
    with left:
        panels.show_table(table, key="user_table", ids=[user.username for user in found], kind="users", height=420)
        if st.button("增加用户", icon=":material/person_add:", key="user_new"):
            _new_dialog(context)
    with right, st.container(border=True, height=470):
        chosen = next((user for user in found if user.username == panels.selected("users")), None)
        if chosen is None:
            st.info(
                "点一位用户：改角色、范围，停用，重设密码。每次改动都记入日志，对方的登录立即失效。",
                icon=":material/ads_click:",
            )
        else:
            show_user(context, chosen)


@st.dialog("增加用户", width="large")
def _new_dialog(context: Context) -> None:
    show_form(context, is_first=False)


def show_form(context: Context, *, is_first: bool) -> None:
    """Let an administrator open an account; the first one is an administrator's."""
    roles = ["administrator"] if is_first else list(ROLE_LABELS)
    with st.form("new_user"):
        first, second, third = st.columns(3)
        username = first.text_input("用户名（登录用）", max_chars=64)
        name = second.text_input("姓名", max_chars=40)
        role = third.selectbox("角色", roles, format_func=lambda key: label("role", key, context.language))
        sector, towns = _ask_scope(context, None, is_first=is_first)
        provider = None if is_first else context.office.oidc
        password = st.text_input(
            f"初始密码（至少 {accounts.MIN_PASSWORD} 位，请对方登录后自己换"
            + (f"；空着就只能用{provider.label}登录）" if provider else "）"),
            type="password",
            max_chars=128,
            autocomplete="new-password",
        )
        if st.form_submit_button("建立", type="primary"):
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
                st.success("管理员已建立。请按浏览器刷新，用刚才的用户名和密码登录。")
                return
            st.session_state[moving.NOTICE] = ("success", f"已建立用户 {name or username}。")
            st.rerun()


def _ask_scope(context: Context, user: User | None, *, is_first: bool) -> tuple[str, list[str]]:
    if is_first:
        return "", []
    left, right = st.columns([1, 2])
    sectors = ["", *SECTORS]
    sector = left.selectbox(
        "行业（部门账号才填）",
        sectors,
        index=sectors.index(user.sector) if user else 0,
        format_func=lambda key: label("sector", key, context.language) if key else "—",
    )
    names = atlas.town_names(context.workspace)
    towns = right.multiselect(
        "只看哪些乡镇（空着是全县）",
        names,
        [name for name in (user.towns if user else ()) if name in names],
        placeholder="全县",
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
            "角色", roles, index=roles.index(user.role), format_func=lambda key: label("role", key, context.language)
        )
        sector, towns = _ask_scope(context, user, is_first=False)
        is_active = st.checkbox("启用", user.is_active)
        if st.form_submit_button("保存改动"):
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
                f"{user.name} 已改，原登录失效。",
            )
    with st.form(f"password_{user.username}"):
        password = st.text_input("重设密码", type="password", max_chars=128, autocomplete="new-password")
        if st.form_submit_button("重设"):
            _do(
                lambda: accounts.set_password(ledger, user.username, password, by=by),
                f"{user.name} 的密码已重设，原登录失效。",
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
    days = place.selectbox("最近多少天", [7, 30, 90, 180, 365], index=1, key="log_days")
    found = accounts.access_log(context.office.ledger, since=moving.today() - timedelta(days=days))[::-1]
    names = people(context)
    table = pd.DataFrame(
        [
            (event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M:%S"), names.get(event.by, event.by), event.by,
             ACTIONS.get(event.payload["action"], event.payload["action"]), event.payload["what"], event.payload["rows"], event.payload["conditions"])
            for event in found
        ],
        columns=["时间", "姓名", "用户名", "动作", "内容", "行数", "条件"],
    )  # fmt: skip
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"{len(table)} 条。日志只增不改，管理员也删不掉；按规定保存不少于六个月。")
    with button:
        panels.offer_download(context, {"日志": table}, "查看与导出日志", 最近天数=days)
    st.dataframe(table, hide_index=True, height=420, key="log_table")
