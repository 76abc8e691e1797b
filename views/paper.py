"""Offer the programme as a paper to print and sign."""

from functools import partial

import streamlit as st

from analysis.plan import Programme
from views.audit import export_logged
from views.context import Context
from views.labels import label, say
from views.planning import Question, Works
from views.printed_list import Paper, printed_list


def offer(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Put the button that makes the PDF; it is set when it is asked for."""
    language = context.language
    if not context.user.may("export"):
        st.button(label("printed", "button", language), disabled=True, help=say(language, "download_denied"))
        return
    with st.popover(label("printed", "button", language), icon=":material/print:", width="stretch"):
        paper: Paper = (
            st.segmented_control(
                label("printed", "paper", language),
                ["a3", "a4"],
                default="a3",
                format_func=str.upper,
                key="print_paper",
            )
            or "a3"
        )
        with_maps = st.toggle(label("printed", "with_maps", language), value=True, key="print_maps")
        make = partial(printed_list, context, works, made, question, paper=paper, with_maps=with_maps)
        filters = {label("printed", "paper", language): paper.upper()}
        stem = f"{label('page', 'programme', language)}_{context.day.isoformat()}_{context.assessment.workspace_digest[:8]}"
        st.download_button(
            label("printed", "make", language),
            data=export_logged(
                context, make, what=label("printed", "button", language), tables={"": made.projects}, filters=filters
            ),
            file_name=f"{stem}_{paper}.pdf",
            mime="application/pdf",
            key="print_list",
            on_click="ignore",
            disabled=made.projects.empty,
            width="stretch",
        )
