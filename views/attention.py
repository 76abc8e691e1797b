"""What of the projects wants looking at: late, closed against the map, longest without a step."""

from collections.abc import Iterable
from datetime import date

import streamlit as st

from tracker.projects import Project
from views import panels
from views.context import Context
from views.labels import label, number, say
from views.responsibility import FINISHED, is_late

SHOWN = 5
REASONS = ("late", "still_open", "waiting")


def wanting(found: Iterable[Project], day: date) -> dict[str, list[Project]]:
    """Sort projects by why they want looking at; each stands under its first reason only, the longest standing first.

    `late`: the year planned is over and it is not completed. `still_open`: closed although the map showed a gap.
    `waiting`: every other unfinished one.
    """
    kept: dict[str, list[Project]] = {reason: [] for reason in REASONS}
    for item in sorted(found, key=lambda item: (item.since, item.project_id)):
        if is_late(item, day):
            kept["late"].append(item)
        elif item.status == "closed" and item.still_open:
            kept["still_open"].append(item)
        elif item.status not in FINISHED or item.status in ("completed", "accepted"):
            kept["waiting"].append(item)
    return kept


def show_wanting(context: Context, found: Iterable[Project], day: date) -> None:
    """Show, where no project is chosen, what wants looking at; a click opens the project."""
    language = context.language
    st.caption(say(language, "click_a_project_what_it_is"))
    for reason, items in wanting(found, day).items():
        if not items:
            continue
        st.markdown(f"**{say(language, f'wanting_{reason}', count=number(len(items)))}**")
        with st.container(gap=None, key=f"wanting_{reason}"):
            for item in items[:SHOWN]:
                text = say(
                    language,
                    "wanting_line",
                    title=item.description.title,
                    status=label("project_status", item.status, language),
                    days=number((day - item.since).days),
                )
                st.button(
                    f":blue[{panels.plain(text)}]", key=f"want_{item.project_id}", type="tertiary",
                    on_click=panels.select, args=("projects", item.project_id),
                )  # fmt: skip
        if len(items) > SHOWN:
            st.caption(say(language, "wanting_more", count=number(len(items) - SHOWN)))
