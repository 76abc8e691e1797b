"""The small panel that makes a briefing from what is on screen: kind, internal or public, review number."""

import streamlit as st

from geo.errors import AppError
from tracker.accounts import User
from views.briefing_files import ENDINGS, content_of, log, prepare
from views.context import Context
from views.labels import label, say
from views.plain import plain

MIMES = {
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "pdf": "application/pdf",
    "html": "text/html",
    "map": "text/html",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
}
_MADE = "briefing_made"


def kinds_for(user: User, *, is_public: bool) -> tuple[str, ...]:
    """List the kinds of file a person may take; the internal data file is published by command, not from a page.

    >>> kinds_for(User("li", "李工", "town_clerk", towns=("东山街道",)), is_public=True)
    ()
    """
    if is_public and user.towns:
        return ()
    return tuple(kind for kind in MIMES if is_public or kind != "gpkg")


def offer(context: Context) -> None:
    """Offer to make and download a briefing of what the person may see; a person without the right sees no panel."""
    if not context.user.may("export"):
        return
    language = context.language
    with st.popover(say(language, "briefing"), icon=":material/present_to_all:"):
        is_public = False
        if not context.user.towns:
            is_public = st.toggle(say(language, "briefing_public"), key="briefing_public")
        kinds = kinds_for(context.user, is_public=is_public)
        kind = st.pills(
            say(language, "briefing_kind"), kinds, default=kinds[0], format_func=lambda key: label("file", key, language),
            key=f"briefing_kind_{is_public}",
        )  # fmt: skip
        number = st.text_input(say(language, "review_number"), key="review_number") if is_public else ""
        st.caption(say(language, "briefing_public_note" if is_public else "briefing_note"))
        if kind and st.button(say(language, "briefing_make"), key="briefing_make", type="primary"):
            _make(context, kind, is_public, number)
        _hand_over(context, (context.key, context.user.username, kind, is_public, number))


def _make(context: Context, kind: str, is_public: bool, number: str) -> None:
    done, ws, policy = context.assessment, context.workspace, context.policy
    try:
        with st.spinner(say(context.language, "briefing_making")):
            brief = prepare(
                context.office,
                done,
                ws,
                policy,
                kind=kind,
                is_public=is_public,
                review_number=number or None,
                with_households=context.user.may("households"),
            )
            content = content_of(context, brief, kind)
        log(context.office, brief, kind, by=context.user.username)
    except AppError as error:
        st.session_state.pop(_MADE, None)
        st.error(plain(error))
        return
    key = (context.key, context.user.username, kind, is_public, number)
    st.session_state[_MADE] = {"key": key, "content": content, "missing": brief.missing}


def _hand_over(context: Context, key: tuple[object, ...]) -> None:
    """Show the download of the file just made, as long as nothing it rests on has changed."""
    made = st.session_state.get(_MADE)
    if made is None or made["key"] != key:
        return
    kind, is_public = str(key[2]), bool(key[3])
    mode = say(context.language, "public") if is_public else say(context.language, "internal")
    name = say(
        context.language,
        "briefing_file_name",
        mode=mode,
        isoformat=context.day.isoformat(),
        workspace_digest=context.assessment.workspace_digest[:8],
        kind=ENDINGS.get(kind, kind),
    )
    title = f"{say(context.language, 'download')} ({len(made['content']) / 1e6:,.1f} MB)"
    st.download_button(title, made["content"], file_name=name, mime=MIMES[kind], key="briefing_file", on_click="ignore")
    if made["missing"]:
        st.warning(say(context.language, "briefing_missing", letters=plain("、".join(made["missing"]))))
