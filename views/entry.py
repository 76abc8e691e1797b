"""What every session runs: choose office, day, policy and language, then show a page."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from geo.errors import AppError
from tracker.office import open_office
from views import atlas, chrome
from views.context import Context, office_path, open_context
from views.labels import label
from views.pages import coverage, housing, overview, quality, roads
from views.pages.empty import explain_empty

PAGES: dict[str, tuple[Callable[[Context], None], str]] = {
    "overview": (overview.page, ":material/dashboard:"),
    "coverage": (coverage.page, ":material/fact_check:"),
    "roads": (roads.page, ":material/route:"),
    "housing": (housing.page, ":material/home_work:"),
    "quality": (quality.page, ":material/rule:"),
}


def run_page(name: str) -> None:
    """Open what the page needs and show it, or one sentence that says what to mend."""
    language = chrome.language_kept()
    if st.session_state.get("page") != name:
        st.session_state["page"] = name
        atlas.forget_focus()
    try:
        office = open_office(office_path())
        if not office.sources():
            explain_empty(office, language)
            return
        policy, day = chrome.choose_basis(office, language, label("page", name, language))
        with st.spinner(label("app", "assessing", language)):
            context = open_context(office, policy, day, language)
        PAGES[name][0](context)
    except AppError as error:
        st.error(str(error), icon=":material/error:")


def main() -> None:
    """Offer the pages and show the chosen one."""
    chrome.open_page()
    language = chrome.language_kept()
    pages = [
        st.Page(
            partial(run_page, name),
            title=label("page", name, language),
            icon=icon,
            url_path=name,
            default=name == "overview",
        )
        for name, (_, icon) in PAGES.items()
    ]
    st.navigation(pages, position="top").run()
