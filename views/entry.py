"""The Streamlit script: choose office, day, policy and language, then show a page."""

from functools import partial
from pathlib import Path

import streamlit as st

from geo.errors import AppError
from tracker.office import Office, open_office
from views.context import Context, office_path, open_context, policy_choices
from views.labels import Language, label
from views.pages import coverage, housing, overview, quality, roads
from views.pages.empty import explain_empty

ICON = Path(__file__).with_name("icon.png")
PAGES = {
    "overview": (overview.page, ":material/dashboard:"),
    "coverage": (coverage.page, ":material/fact_check:"),
    "roads": (roads.page, ":material/route:"),
    "housing": (housing.page, ":material/home_work:"),
    "quality": (quality.page, ":material/rule:"),
}


def choose_language() -> Language:
    """Let the person switch between Chinese and English."""
    with st.sidebar:
        chosen = st.segmented_control(
            "语言 Language", ["中文", "English"], default="中文", key="language", label_visibility="collapsed"
        )
    return "en" if chosen == "English" else "zh"


def choose_context(office: Office, language: Language) -> Context:
    """Let the person choose day and policy in the sidebar; open what they describe."""
    choices = policy_choices(office)
    with st.sidebar:
        st.markdown(f"### {label('app', 'name', language)}")
        st.caption(office.name)
        policy = st.selectbox(label("app", "policy", language), list(choices), key="policy")
        day = st.date_input(label("app", "day", language), value=office.default_day(), key="day", format="YYYY-MM-DD")
    with st.spinner("正在按政策逐村逐项评估…" if language == "zh" else "Assessing every village and need …"):
        return open_context(office, choices[policy], day, language)


def show_marks(context: Context) -> None:
    """Say on every page whether the data are invented, and that they are internal."""
    with st.sidebar:
        if context.is_synthetic:
            st.badge(label("app", "synthetic", context.language), color="orange", icon=":material/science:")
        st.badge(label("app", "internal", context.language), color="red", icon=":material/lock:")


def main() -> None:
    """Show the chosen page, or one sentence that says what to mend."""
    st.set_page_config(page_title="七有图 Qiyou Atlas", page_icon=str(ICON), layout="wide")
    language = choose_language()
    try:
        office = open_office(office_path())
        if not office.sources():
            explain_empty(office, language)
            return
        context = choose_context(office, language)
    except AppError as error:
        st.error(str(error), icon=":material/error:")
        return
    pages = []
    for name, (function, icon) in PAGES.items():
        title = label("page", name, language)
        pages.append(
            st.Page(partial(function, context), title=title, icon=icon, url_path=name, default=name == "overview")
        )
    chosen = st.navigation(pages)
    show_marks(context)
    chosen.run()


main()
