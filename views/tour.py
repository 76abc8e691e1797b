"""A short tour of the demo: one sentence a page, each a way there. It opens when asked for and can be closed at any time."""

import streamlit as st

from views.labels import Language, say

STOPS = ("overview", "coverage", "roads", "programme", "compare", "meeting", "quality")


def offer_tour(language: Language) -> None:
    """Offer the tour."""
    if st.button(say(language, "tour"), key="tour", icon=":material/explore:", type="tertiary"):
        st.dialog(say(language, "tour"))(show_tour)(language)


def show_tour(language: Language) -> None:
    """Tell what every page answers, and lead there."""
    pages = st.session_state.get("pages", {})
    for number, name in enumerate((name for name in STOPS if name in pages), start=1):
        st.page_link(pages[name], label=f"{number}. {say(language, f'tour_{name}')}", width="stretch")
