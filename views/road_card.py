"""The card of a road: what the map says of it, who needs it hardened, and what changed."""

from typing import Any

import pandas as pd
import streamlit as st

from views import history, panels
from views.context import Context
from views.labels import Language, label, number, say

KIND = "roads"
NAMED = 6


def shown(context: Context) -> str | None:
    """Give the road whose card is to be shown, None when no road is selected."""
    chosen = panels.selected(KIND)
    frame = context.workspace.get("roads")
    return chosen if chosen is not None and frame is not None and (frame["road_id"] == chosen).any() else None


def show(context: Context, road_id: str) -> None:
    """Show the card, with the way back to the natural village that was looked at."""
    frame, language = context.frame("roads"), context.language
    row = frame[frame["road_id"] == road_id].iloc[0]
    name = next((str(row[key]) for key in ("name", "route_code") if text(row.get(key)) != "—"), road_id)
    st.markdown(f"#### {panels.plain(name)}")
    st.caption(f"{label('layer', 'roads', language)} · {panels.plain(road_id)}")
    panels.show_badge(
        label("surface", str(row["surface"]), language), "gray" if row["surface"] == "unknown" else "blue"
    )
    panels.show_pairs(facts(context, row))
    told = history.changes(context.office, "roads", "road_id", road_id, language)
    if told:
        with st.expander(say(language, "history"), icon=":material/history:"):
            panels.show_pairs(told)
    st.button(
        say(language, "road_close"),
        key="road_close",
        icon=":material/close:",
        on_click=panels.select,
        args=(KIND, None),
    )


def text(value: Any) -> str:
    """Write a cell; unknown is a dash."""
    return str(value) if isinstance(value, str) and value else "—"


def facts(context: Context, row: Any) -> list[tuple[str, str]]:
    """Say of a road its class, width, year and length, and the natural villages that need it hardened."""
    language = context.language

    def figure(key: str, decimals: int, unit: str) -> str:
        value = row.get(key)
        return "—" if pd.isna(value) else f"{number(float(value), decimals)} {label('unit', unit, language)}"

    def word(key: str) -> str:
        value = text(row.get(key))
        return "—" if value == "—" else label(key, value, language)

    year = row.get("built_year")
    return [
        (label("road_column", "route_code", language), text(row.get("route_code"))),
        (say(language, "road_class"), word("admin_class")),
        (say(language, "road_grade"), word("technical_grade")),
        (say(language, "road_width"), figure("pavement_width_m", 1, "m")),
        (say(language, "road_built"), "—" if pd.isna(year) else str(int(year))),
        (say(language, "road_length"), f"{number(row.geometry.length / 1000, 2)} {label('unit', 'km', language)}"),
        (say(language, "road_needed_by"), written(needed_by(context, str(row["road_id"])), language)),
        (say(language, "road_source"), source(context)),
    ]


def needed_by(context: Context, road_id: str) -> pd.DataFrame:
    """List the natural villages whose way to the core runs over stretches of the road that are to be hardened."""
    rows = context.assessment.natural_villages
    if rows.empty:
        return rows
    parts = rows["segment_ids"].fillna("").astype(str).str.split(";")
    is_on = parts.map(lambda names: any(name.partition("#")[0] == road_id for name in names))
    return rows[is_on & rows["is_due"].fillna(False).astype(bool)]


def written(rows: pd.DataFrame, language: Language) -> str:
    """Write who needs the road: how many natural villages and people, and the first few by name."""
    if rows.empty:
        return say(language, "road_needed_by_none")
    people = number(float(pd.to_numeric(rows["population"]).sum()))
    names = list(rows["name"].fillna(rows["natural_village_id"]))
    listed = (", " if language == "en" else "、").join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
    return say(language, "road_needed_by_these", count=len(rows), people=people, names=listed)


def source(context: Context) -> str:
    """Say which file the road comes from and of which day."""
    held = context.workspace.sources.get("roads")
    return "—" if held is None else f"{held.file_name} · {held.as_of}"
