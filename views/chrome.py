"""What stands around every page: the office, the day, the policy, the language, and the marks that data are internal."""

import functools
from collections.abc import Callable
from datetime import date
from pathlib import Path

import streamlit as st

from geo.errors import AppError
from tracker.office import Office
from views import address, bookmarks
from views.context import policy_choices
from views.labels import HTML_LANGUAGE, Language, catalogue, label, say
from views.plain import plain
from views.signin import current_user
from views.tour import offer_tour

STYLE = Path(__file__).with_name("theme.css")
SHELL = Path(__file__).with_name("shell.js")
ICON = Path(__file__).with_name("icon.png")
LANGUAGES = {"zh": "中文", "en": "English"}


def open_page() -> None:
    """Set the page up; must be the first Streamlit call."""
    st.set_page_config(
        page_title="七有图 Qiyou Atlas", page_icon=str(ICON), layout="wide", initial_sidebar_state="collapsed"
    )
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")


def language_kept() -> Language:
    """Give the language of the address or chosen in this session; Chinese first."""
    asked = st.session_state.get("language_code") or st.query_params.get("lang")
    return "en" if asked == "en" else "zh"


def show_marks(office: Office, language: Language) -> None:
    """Say on every page whether the data are invented, and that they are internal."""
    if "虚构" in office.name:
        st.badge(label("app", "synthetic", language), color="orange", icon=":material/science:")
        offer_tour(language)
    st.badge(label("app", "internal", language), color="red", icon=":material/lock:")


def settle_basis(office: Office) -> dict[str, Path]:
    """Settle policy and day for this run, from the address where it names them; give the policies there are."""
    choices = policy_choices(office)
    stems = {path.stem: title for title, path in choices.items()}
    titles = list(choices)
    stem, current = st.session_state.get("policy_stem"), st.session_state.get("policy")
    if stem != st.session_state.get("policy_settled"):
        current = stems.get(stem or "")
    st.session_state["policy"] = current if current in choices else titles[0]
    st.session_state["standard_day"] = office.default_day()
    st.session_state.setdefault("day", st.session_state["standard_day"])
    return choices


def choose_basis(office: Office, language: Language, title: str) -> tuple[Path, date]:
    """Show what the figures rest on in one row; policy, day and language can be changed there."""
    choices = settle_basis(office)
    policy, day = st.session_state["policy"], st.session_state["day"]
    with st.container(key="basis", horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
            st.subheader(f"{plain(office.name)} · {title}", width="content", anchor=False)
            show_marks(office, language)
            st.caption(f"{label('app', 'day', language)} {day} · {plain(policy)}", width="stretch")
        share(office, language)
        with st.popover(label("app", "change", language), icon=":material/tune:", width="content"):
            st.selectbox(label("app", "policy", language), list(choices), key="policy")
            st.date_input(label("app", "day", language), key="day", format="YYYY-MM-DD")
        other: Language = "en" if language == "zh" else "zh"
        st.button(
            LANGUAGES[other], key="language_other", type="tertiary", icon=":material/translate:",
            on_click=lambda: st.session_state.update(language_code=other),
        )  # fmt: skip
    show_shell(language)
    chosen = choices[policy]
    is_own = policy == next(iter(choices))
    st.session_state["policy_stem"] = st.session_state["policy_settled"] = None if is_own else chosen.stem
    return chosen, day


@functools.cache
def _shell() -> Callable[..., object]:
    return st.components.v2.component("qiyou_shell", js=SHELL.read_text(encoding="utf-8"), isolate_styles=False)


def show_shell(language: Language) -> None:
    """Tell the browser the language of the page, and offer ways past the menu for those who use the keyboard."""
    texts = {"to_map": say(language, "skip_to_map"), "to_table": say(language, "skip_to_table"), "skip": say(language, "skip_links")}  # fmt: skip
    words = {} if language == "en" else {texts["en"]: texts["zh"] for texts in catalogue()["shell"].values()}
    more = {"more": label("text", "more_pages", language)}
    with st.container(key="shell"):
        _shell()(key="shell_words", data={"lang": HTML_LANGUAGE[language], **texts, "words": {**words, **more}})


def share(office: Office, language: Language) -> None:
    """Offer the link to what is shown, and the views kept under a name."""
    page = str(st.session_state.get("page", "overview"))
    held = st.session_state
    shared = st.popover(
        say(language, "share"), icon=":material/link:", width="content", key="share_open", on_change="rerun"
    )
    with shared:
        has_view = st.toggle(say(language, "share_view"), True, key="share_view", help=say(language, "share_view_help"))
        held["view_asked_for"] = bool(shared.open and has_view)  # the map tells where it stands while this is open
        held["view_kept"] = held.get("view") if has_view else None
        parameters = address.now_in_session(page)
        st.code(address.link(page, parameters), language=None, wrap_lines=True)
        st.caption(say(language, "share_note"))
        name = st.text_input(say(language, "bookmark_name"), key="bookmark_name", max_chars=bookmarks.LONGEST)
        by = current_user(office).name
        if st.button(say(language, "bookmark_keep"), icon=":material/bookmark_add:", disabled=not name):
            bookmarks.keep(office, name, page, parameters, by=by)
        for item in bookmarks.bookmarks(office):
            show_bookmark(office, item, language, by)


def show_bookmark(office: Office, item: bookmarks.Bookmark, language: Language, by: str) -> None:
    """Show one kept view: open it, or take it off the list."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    pages = st.session_state.get("pages", {})
    if left.button(plain(item.name), key=f"open_{item.seq}", width="stretch") and item.page in pages:
        st.switch_page(pages[item.page], query_params=item.parameters)
    if right.button("✕", key=f"forget_{item.seq}", help=say(language, "bookmark_forget")):
        try:
            bookmarks.forget(office, item.seq, by=by)
        except AppError as error:
            st.error(plain(error))
        st.rerun()
