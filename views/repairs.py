"""Mends of the drawn road lines: which, where, and the ones a person undid because roads must not be joined there."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker.events import OFFICE_ZONE
from views import choices, panels
from views.context import Context
from views.labels import label, number, say
from views.planning import Works
from views.road_sheets import Sheet

APART = "kept_apart"
JOINING = ("end_to_end", "undershoot", "overshoot", "crossing")
BEFORE = "states_before_apart"


def tell(context: Context, key: str, **figures: object) -> str:
    """Give a text of the group `apart`."""
    return label("apart", key, context.language).format(**figures)


def repair_sheet(context: Context, works: Works) -> Sheet | None:
    """Every mend of the drawn lines, as points; a joining one can be undone, an undone one restored."""
    _tell_change(context)
    network = works.road_plan.network
    events = choices.apart(context.office, context.day)
    table = pd.DataFrame({"kind": []}) if network is None else network.repairs
    if table.empty and not events:
        st.success(say(context.language, "no_line_needs_mending"))
        return None
    found = {**({APART: len(events)} if events else {}), **table["kind"].value_counts()}
    texts = {kind: f"{label('repair', kind, context.language)} {count:,}" for kind, count in found.items()}
    if st.session_state.get("repair_kind") not in texts:
        st.session_state["repair_kind"] = "near_miss" if "near_miss" in texts else next(iter(texts))
    chosen = st.selectbox(
        say(context.language, "which_kind"), list(texts), format_func=texts.__getitem__, key="repair_kind"
    )
    if chosen == APART:
        return _kept(context, events)
    rows = table[table["kind"] == chosen].reset_index(drop=True)
    ids = context.frame("roads")["road_id"]
    names = [ids.reindex(rows[column]).to_numpy() for column in ("road", "other_road")]
    frame = gpd.GeoDataFrame(
        rows.assign(road_id=names[0], other_id=names[1], kind_text=label("repair", chosen, context.language)),
        geometry=gpd.points_from_xy(rows["x"], rows["y"]),
        crs=context.workspace.crs,
    )
    return Sheet(
        frame,
        ("kind_text", "road_id", "other_id", "distance_m", "x", "y"),
        "distance_m",
        label("unit", "m", context.language),
        say(context.language, "mended_for_the_calculation_only_the"),
        _offer_apart(context) if chosen in JOINING else None,
    )


def _kept(context: Context, events: list[Any]) -> Sheet:
    """List the places kept apart, as points."""
    rows = pd.DataFrame(
        [
            {
                "seq": event.seq,
                "kind_text": tell(
                    context, "was", text=label("repair", str(event.payload.get("kind", "")), context.language)
                ),
                "road_id": event.payload.get("road_id"),
                "other_id": event.payload.get("other_id"),
                "reason": event.payload["reason"],
                "by": f"{event.by} {event.entered.astimezone(OFFICE_ZONE):%Y-%m-%d %H:%M}",
                "distance_m": event.payload.get("distance_m"),
            }
            for event in events
        ]
    )
    lon, lat = ([float(event.payload[name]) for event in events] for name in ("lon", "lat"))
    frame = gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4490").to_crs(context.workspace.crs)
    return Sheet(
        frame,
        ("kind_text", "road_id", "other_id", "reason", "by"),
        "distance_m",
        label("unit", "m", context.language),
        tell(context, "kept_note"),
        _offer_restore(context),
    )


def _offer_apart(context: Context) -> Callable[[Any, int | None], None]:
    """Offer to undo the mend that is selected."""

    def offer(frame: Any, place: int | None) -> None:
        if not context.user.may("edit", sector="transport"):
            st.caption(tell(context, "denied"))
            return
        if place is None:
            st.caption(tell(context, "hint"), help=tell(context, "help"))
            return
        row = frame.iloc[place]
        with st.form("apart_form", border=True):
            st.markdown(
                tell(context, "question", road=panels.plain(row["road_id"]), other=panels.plain(row["other_id"]))
            )
            reason = st.text_input(tell(context, "reason"), placeholder=tell(context, "reason_example"))
            if st.form_submit_button(tell(context, "separate"), icon=":material/link_off:", type="primary"):
                spot = gpd.GeoSeries([row.geometry], crs=frame.crs).to_crs("EPSG:4490").iloc[0]
                about = {
                    "kind": str(row["kind"]),
                    "road_id": str(row["road_id"]),
                    "other_id": str(row["other_id"]),
                    "distance_m": round(float(row["distance_m"]), 3),
                }
                _act(
                    context,
                    lambda: choices.keep_apart(
                        context.office,
                        (float(spot.x), float(spot.y)),
                        about=about,
                        reason=reason,
                        day=context.day,
                        by=context.user.username,
                    ),
                )

    return offer


def _offer_restore(context: Context) -> Callable[[Any, int | None], None]:
    """Offer to restore the mend that is selected."""

    def offer(frame: Any, place: int | None) -> None:
        if not context.user.may("edit", sector="transport"):
            st.caption(tell(context, "denied"))
            return
        if place is None:
            st.caption(tell(context, "restore_hint"))
            return
        seq = int(frame.iloc[place]["seq"])
        if st.button(tell(context, "restore"), icon=":material/link:", key="apart_restore"):
            reason = tell(context, "restore")
            _act(context, lambda: choices.undo(context.office, seq, by=context.user.username, reason=reason))

    return offer


def _act(context: Context, work: Callable[[], object]) -> None:
    """Enter the decision, remember the states before it, and run the page anew."""
    try:
        work()
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    table = context.assessment.natural_villages
    st.session_state[BEFORE] = table.set_index("natural_village_id")[["state", "gap_km"]]
    panels.select("sheet", None)
    st.rerun()


def _tell_change(context: Context) -> None:
    """Say once what a decision just entered did to the natural villages."""
    before = st.session_state.pop(BEFORE, None)
    if before is None:
        return
    now = context.assessment.natural_villages.set_index("natural_village_id")[["state", "gap_km"]]
    both = before.join(now, rsuffix="_now", how="inner")
    moved = both[both["state"] != both["state_now"]]
    gaps = both[["gap_km", "gap_km_now"]].fillna(-1.0)
    other = int(((gaps["gap_km"] - gaps["gap_km_now"]).abs() > 1e-6).sum())
    names = context.assessment.natural_villages.set_index("natural_village_id")["name"]
    km = both[((gaps["gap_km"] - gaps["gap_km_now"]).abs() > 1e-6) & ~both.index.isin(moved.index)]
    told = [
        f"{panels.plain(names[row.Index])}：{label('state', str(row.state), context.language)} → {label('state', str(row.state_now), context.language)}"
        for row in moved.head(6).itertuples()
    ]
    told += [
        f"{panels.plain(names[row.Index])}：{number(row.gap_km, 2)} → {number(row.gap_km_now, 2)} {label('unit', 'km', context.language)}"
        for row in km.head(6).itertuples()
    ]
    listed = "；".join(told)
    text = tell(context, "changed", moved=len(moved), gaps=other)
    st.info(f"{text} {listed}" if listed else text, icon=":material/compare_arrows:")
