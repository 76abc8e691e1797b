"""What stands around every page: the office, the day, the policy, the language, and the marks that data are internal."""

from datetime import date
from pathlib import Path

import streamlit as st

from tracker.office import Office
from views.context import policy_choices
from views.labels import Language, label

STYLE = Path(__file__).with_name("theme.css")
ICON = Path(__file__).with_name("icon.png")


def open_page() -> None:
    """Set the page up; must be the first Streamlit call."""
    st.set_page_config(
        page_title="七有图 Qiyou Atlas", page_icon=str(ICON), layout="wide", initial_sidebar_state="collapsed"
    )
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")


def language_kept() -> Language:
    """Give the language chosen in this session; Chinese first."""
    return "en" if st.session_state.get("language") == "English" else "zh"


def show_marks(office: Office, language: Language) -> None:
    """Say on every page whether the data are invented, and that they are internal."""
    if "虚构" in office.name:
        st.badge(label("app", "synthetic", language), color="orange", icon=":material/science:")
    st.badge(label("app", "internal", language), color="red", icon=":material/lock:")


def choose_basis(office: Office, language: Language, title: str) -> tuple[Path, date]:
    """Show what the figures rest on in one row; policy, day and language can be changed there."""
    choices = policy_choices(office)
    titles = list(choices)
    policy = st.session_state.setdefault("policy", titles[0])
    if policy not in choices:
        policy = st.session_state["policy"] = titles[0]
    day = st.session_state.setdefault("day", office.default_day())
    left, right = st.columns([6, 1], vertical_alignment="center")
    with left, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{office.name} · {title}", width="content", anchor=False)
        show_marks(office, language)
        st.caption(f"{label('app', 'day', language)} {day} · {policy}", width="stretch")
    with right, st.popover(label("app", "change", language), icon=":material/tune:", width="stretch"):
        st.selectbox(label("app", "policy", language), titles, key="policy")
        st.date_input(label("app", "day", language), key="day", format="YYYY-MM-DD")
        st.session_state.setdefault("language", "中文")
        st.segmented_control(label("app", "language", language), ["中文", "English"], key="language")
    return choices[policy], day
