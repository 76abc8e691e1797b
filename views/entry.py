"""What every session runs: choose office, day, policy and language, then show a page."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from geo.errors import AppError
from tracker.office import Office
from views import address, atlas, chrome, look, moving
from views.audit import log_view
from views.context import Context, office_path, open_context
from views.desk import desk
from views.labels import label, say
from views.pages import (
    compare,
    coverage,
    housing,
    ledger,
    meeting,
    network,
    overview,
    programme,
    projects,
    quality,
    roads,
    users,
    visits,
)
from views.pages.empty import explain_empty
from views.plain import plain
from views.scope import may_open, scoped
from views.signin import NOBODY, current_user

PAGES: dict[str, tuple[Callable[[Context], None], str]] = {
    "overview": (overview.page, ":material/dashboard:"),
    "coverage": (coverage.page, ":material/fact_check:"),
    "roads": (roads.page, ":material/route:"),
    "programme": (programme.page, ":material/timeline:"),
    "network": (network.page, ":material/hub:"),
    "housing": (housing.page, ":material/home_work:"),
    "projects": (projects.page, ":material/assignment:"),
    "ledger": (ledger.page, ":material/list_alt:"),
    "visits": (visits.page, ":material/hiking:"),
    "compare": (compare.page, ":material/compare:"),
    "meeting": (meeting.page, ":material/co_present:"),
    "quality": (quality.page, ":material/rule:"),
    "users": (users.page, ":material/manage_accounts:"),
}


def run_page(name: str, office: Office) -> None:
    """Open what the page needs and show it, or one sentence that says what to mend."""
    address.take_in(name)
    language = chrome.language_kept()
    before = st.session_state.get("page")
    if before != name:
        look.turn_page(before, name)
        st.session_state["page"] = name
        atlas.forget_focus()
    try:
        user = current_user(office)
        if not may_open(user, name):
            st.error(say(language, "your_role_may_not_open_this"), icon=":material/lock:")
            return
        if not office.sources():
            explain_empty(office, language)
            return
        policy, day = chrome.choose_basis(office, language, label("page", name, language))
        with st.spinner(label("app", "assessing", language)):
            context = open_context(office, policy, day, language)
        moving.show_notice()
        context = scoped(replace(context, user=user))
        if name == "housing":
            log_view(context, label("page", name), rows=len(context.assessment.housing), conditions=f"评估日 {day}")
        PAGES[name][0](context)
        address.write_out(name)
    except AppError as error:
        st.error(plain(error), icon=":material/error:")


def main() -> None:
    """Offer the pages a person may open and show the chosen one."""
    chrome.open_page()
    language = chrome.language_kept()
    try:
        office = desk(office_path().absolute())
        user = current_user(office)
    except AppError as error:
        st.error(plain(error), icon=":material/error:")
        return
    if user is NOBODY:
        st.error(say(language, "your_session_has_ended_reload_the"), icon=":material/lock:")
        return
    pages = [
        st.Page(
            partial(run_page, name, office),
            title=label("page", name, language),
            icon=icon,
            url_path=name,
            default=name == "overview",
            visibility="visible" if may_open(user, name) else "hidden",
        )
        for name, (_, icon) in PAGES.items()
    ]
    st.session_state["pages"] = {page.url_path or "overview": page for page in pages}
    st.navigation(pages, position="top").run()
