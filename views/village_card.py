"""The card of a village: every need, its reasons, its natural villages, and what changed."""

import pandas as pd
import streamlit as st

from analysis.policy import Need
from views import atlas, history, panels, proposing
from views.context import Context
from views.labels import label, number, say
from views.responsibility import show_units


def kinds_of(need: Need) -> list[str]:
    """List the facility kinds a need asks for."""
    kinds = need.parameters.get("kind") or []
    return [kinds] if isinstance(kinds, str) else list(kinds)


def evidence_feature(
    context: Context, findings: pd.DataFrame, village: str | None, need: Need
) -> tuple[str, int] | None:
    """Point at the facility that proves the chosen finding, when it is on the map."""
    if village is None or st.session_state.get("coverage_flash") != (village, need.id):
        return None
    row = findings[(findings["unit_id"] == village) & (findings["need"] == need.id)]
    if row.empty or row.iloc[0]["evidence_layer"] != "facilities":
        return None
    kinds = kinds_of(need)
    frame = context.frame("facilities")
    wanted = frame[frame["kind"].isin(kinds)]
    layer = atlas.drawn(context, "facilities", rows=",".join(kinds), frame=wanted)
    position = layer.position(str(row.iloc[0]["evidence_id"])) if layer else None
    return None if position is None else ("facilities", position)


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
    panels.show_finding(row, context)
    is_shown = row.evidence_layer == "facilities" and chosen == need.id and isinstance(row.evidence_id, str)
    if is_shown and row.evidence_id and st.button(say(language, "show_evidence"), icon=":material/my_location:"):
        st.session_state["coverage_flash"] = (village, chosen)
        st.rerun()


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
    if told:
        with st.expander(say(context.language, "history"), icon=":material/history:"):
            panels.show_pairs(told)
