"""下乡走访: sheets and packages go out, come back later, and are merged by event with conflicts side by side."""

from collections import Counter

import pandas as pd
import streamlit as st

from tracker import merging, visits
from tracker.office import Office
from tracker.visits import Visit
from views import panels, visit_merging, visit_sending
from views.context import Context
from views.visit_words import word

PARTS = ("back", "send")


def in_scope(context: Context, found: list[Visit]) -> list[Visit]:
    """Keep the visits a person may see: a town clerk those to the own towns."""
    towns = set(context.user.towns)
    return [item for item in found if not towns or towns & set(item.towns)]


@st.cache_data(show_spinner=False, max_entries=200)
def _counts(path: str, last: int, visit_id: str, _office: Office) -> Counter[str]:
    """Count what came back of a visit by state, once for as long as nothing new is entered."""
    del path, last
    return Counter(each.state for each in merging.merge(_office, visits.visit(_office, visit_id)))


def list_of(context: Context, found: list[Visit]) -> pd.DataFrame:
    """List the visits with how far each has come."""
    language = context.language
    last = context.office.ledger.read(lambda t: int(t.rows("SELECT seq FROM chain WHERE id = 1")[0][0]))
    rows = []
    for item in found:
        counts = (
            _counts(str(context.office.path), last, item.visit_id, context.office) if item.returns else Counter[str]()
        )
        state = (
            "state_out"
            if not item.returns
            else "state_open"
            if counts["proposed"] + counts["conflict"]
            else "state_done"
        )
        rows.append(
            (item.visit_id, word(language, state), item.title, item.day.isoformat(), item.who, "、".join(item.towns), item.rows,
             len(item.returns), counts["conflict"], counts["proposed"])
        )  # fmt: skip
    heads = ("visit", "progress", "title", "day", "who", "towns", "rows", "returned", "conflict", "proposed")
    return pd.DataFrame(rows, columns=[word(language, f"list_{head}") for head in heads])


def page(context: Context) -> None:
    """Show the visits and one of them, or the form for a new one."""
    language = context.language
    found = in_scope(context, visits.visits(context.office))
    st.session_state.setdefault("visit_part", "back" if found else "send")
    chosen = st.segmented_control(
        word(language, "part"), PARTS, key="visit_part", label_visibility="collapsed",
        format_func=lambda part: word(language, f"part_{part}"),
    )  # fmt: skip
    if chosen == "send":
        visit_sending.show(context)
        return
    if not found:
        st.info(word(language, "none_yet"), icon=":material/hiking:")
        return
    ids = [item.visit_id for item in found]
    if st.session_state.get("visit_chosen") not in ids:
        st.session_state["visit_chosen"] = ids[0]
    texts = {item.visit_id: f"{item.visit_id} · {item.title} · {item.day} · {item.who}" for item in found}
    left, right = st.columns([2.4, 1], vertical_alignment="bottom")
    key = left.selectbox(word(language, "choose"), ids, key="visit_chosen", format_func=texts.__getitem__)
    with right, st.popover(word(language, "all_visits", count=len(found)), icon=":material/list:", width="stretch"):
        st.dataframe(list_of(context, found[:60]), hide_index=True, width=900)
    if st.session_state.get("visit_shown") != key:
        st.session_state["visit_shown"] = key
        panels.select("visit_items", None)
    visit_merging.show(context, next(item for item in found if item.visit_id == key))
