"""The card of a village: every need, its reasons, its natural villages, and what changed."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.policy import Need
from views import evidence, history, panels, proposing
from views.context import Context
from views.explain import explain, figure, need_of, threshold_text
from views.labels import label, number, say
from views.responsibility import show_units


def show_card(context: Context, need: Need, findings: pd.DataFrame) -> None:
    """Show the chosen village: every need with its status, then the reasons of the one chosen."""
    village, language = panels.selected("villages"), context.language
    names = context.frame("villages").set_index("village_id")
    if village is None or village not in names.index:
        st.info(say(language, "card_hint"), icon=":material/ads_click:")
        return
    place = names.loc[village]
    st.markdown(f"#### {panels.plain(place['name'])}")
    people = f"{number(place['population'])} {label('unit', 'person', language)}"
    st.caption(f"{panels.plain(place['town'])} · {panels.plain(village)} · {people}")
    show_units(context, village)
    rows = findings[findings["unit_id"] == village]
    if rows.empty:
        st.info(say(language, "card_out_of_scope"))
    else:
        show_needs(context, need, rows, village)
    show_natural_villages(context, village)
    show_history(context, village)


def show_needs(context: Context, need: Need, rows: pd.DataFrame, village: str) -> None:
    """Show one need of the village with its reasons; the others are one choice away, gaps first."""
    language = context.language
    counts = rows["status"].value_counts()
    told = [
        f"{panels.SIGN[name]} {label('status', name, language)} {counts[name]}"
        for name in panels.STATUSES
        if name in counts
    ]
    st.markdown(f"**{' · '.join(told)}**")
    needs = {item.id: item for item in context.policy.needs if item.id in set(rows["need"])}
    texts = {row.need: f"{panels.SIGN[row.status]} {needs[row.need].label}" for row in rows.itertuples()}
    by_need = rows.set_index("need")["status"]
    order = sorted(texts, key=lambda key: panels.STATUSES.index(by_need[key]))
    start = need.id if need.id in texts else order[0]
    key = f"card_{village}_{need.id}"
    chosen = st.selectbox(
        say(language, "card_need"), order, index=order.index(start), format_func=texts.__getitem__, key=key
    )
    row = next(rows[rows["need"] == chosen].itertuples())
    panels.show_status(row.status, context)
    proposing.offer_village(context, village, chosen, row.status)
    show_reasons(context, village, row)
    title = say(language, "card_every_need", count=len(order))
    every = st.expander(title, icon=":material/checklist:", key="every_need", on_change="rerun")
    if every.open:  # written only when looked at: a click on the map stays quick
        every.markdown(needs_table(context, rows.set_index("need").loc[order]))


def show_reasons(context: Context, village: str, row: Any) -> None:
    """Show the reasons of one finding; what proves it is named, and pointed at on the map when clicked."""
    language = context.language
    proof = evidence.proof_of(context, row)
    head = say(language, "why_evidence_head")
    pairs = explain(row, context.policy, language)
    panels.show_pairs(
        [(name, evidence.name_of(context, proof, language) if proof and name == head else text) for name, text in pairs]
    )
    if proof is None:
        return
    pages = st.session_state.get("pages", {})
    if st.session_state.get("page", "coverage") != "coverage":
        if "coverage" in pages:
            target = {"village": village, "need": str(row.need)}
            text = say(language, "to_evidence")
            st.page_link(pages["coverage"], label=text, icon=":material/my_location:", query_params=target)
    else:
        st.button(
            say(language, "show_evidence"), key=f"evidence_{village}_{row.need}", icon=":material/my_location:",
            on_click=evidence.ask, args=(context, village, row.need, proof),
        )  # fmt: skip


def needs_table(context: Context, rows: pd.DataFrame) -> str:
    """Write every need of the village as one line: conclusion, need, figure, what is asked, which clause."""
    language = context.language
    heads = [label("field", name, language) for name in ("need", "value", "threshold", "reference")]
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---:|---|"]
    for row in rows.reset_index().itertuples():
        need = need_of(context.policy, str(row.need))
        kind = need.kind if need else str(row.rule)
        cells = [
            f"{panels.SIGN[str(row.status)]} {panels.plain(need.label if need else row.need)}",
            panels.plain(figure(row.value, row.unit, kind, language)),
            panels.plain(threshold_text(row, kind, language)),
            panels.plain(row.reference if isinstance(row.reference, str) and row.reference else "—"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show_natural_villages(context: Context, village: str) -> None:
    """List the natural villages inside; one of them leads to the road page."""
    rows = context.assessment.natural_villages
    rows = rows[rows["village_id"] == village] if len(rows) else rows
    if rows.empty:
        return
    language = context.language
    with st.expander(say(language, "card_natural_villages", count=len(rows))):
        table = pd.DataFrame(
            {
                label("field", "natural_village", language): rows["name"],
                label("field", "population", language): rows["population"],
                label("field", "state", language): rows["state"].map(lambda key: label("state", key, language)),
            }
        )
        ids = rows["natural_village_id"].tolist()
        panels.show_table(table, key=f"inside_{village}", ids=ids, kind="natural_villages", height=180)
        pages = st.session_state.get("pages", {})
        chosen = panels.selected("natural_villages")
        if chosen in ids and "roads" in pages:
            target = {"natural_village": str(chosen)}
            st.page_link(pages["roads"], label=say(language, "to_roads"), icon=":material/route:", query_params=target)


def show_history(context: Context, village: str) -> None:
    """Tell what changed about the village between the versions of its layer, where there are several."""
    told = history.changes(context.office, "villages", "village_id", village, context.language)
    source = context.workspace.sources.get("villages")
    if not told and source is not None:
        told = [(str(source.as_of), say(context.language, "history_one", file=source.file_name))]
    if told:
        with st.expander(say(context.language, "history"), icon=":material/history:"):
            panels.show_pairs(told)
