"""危房: every household in a C or D house, who is eligible by which clause, and what is proposed. Personal data: internal only."""

from typing import Any

import pandas as pd
import streamlit as st

from views import atlas, panels
from views.context import Context
from views.labels import Language, distance, label, number, say
from views.maps import ClassStyle, show_map, style_of
from views.pages.coverage import MAP_HEIGHT
from views.palette import GRADE

COLUMNS = (
    *("priority", "town", "village", "household_id", "grade", "category", "is_eligible", "clause", "treatment"),
    *("hazard", "road_distance_m", "clinic_minutes", "is_isolated", "status", "note"),
)
ANSWERS = {"yes": "yes", "no": "no", "True": "yes", "False": "no"}
NO_HAZARD = frozenset({"", "unknown", "nan", "<NA>"})


def answer_of(value: Any) -> str:
    """Give yes, no or unknown, whatever a truth was written as."""
    return ANSWERS.get(str(value), "unknown")


def rows_of(context: Context, town: str | None) -> pd.DataFrame:
    """Give the dangerous houses to show, with the village's name."""
    rows = context.assessment.housing
    villages = context.frame("villages")
    names = villages.set_index("village_id")["name"] if len(villages) else pd.Series(dtype="str")
    rows = rows.assign(village=rows["village_id"].map(names))
    return rows if town is None else rows[rows["town"] == town]


def show_headline(context: Context, rows: pd.DataFrame) -> None:
    """Show how many houses are dangerous, how many qualify, and how many lie in danger zones."""
    answers, grades = rows["is_eligible"].map(answer_of).value_counts(), rows["grade"].value_counts()
    in_hazard = int((~rows["hazard"].astype(str).isin(NO_HAZARD)).sum())
    isolated = int(rows["is_isolated"].map(answer_of).eq("yes").sum())
    figures = {
        "houses": number(len(rows)),
        "grades": f"{grades.get('C', 0):,} / {grades.get('D', 0):,}",
        "eligible": number(int(answers.get("yes", 0))),
        "eligible_unknown": number(int(answers.get("unknown", 0))),
        "in_hazard": number(in_hazard),
        "isolated": number(isolated),
    }
    language = context.language
    panels.show_figures(
        [(say(language, f"house_{key}"), text, say(language, f"house_{key}_help")) for key, text in figures.items()]
    )


def draw(context: Context, rows: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Draw dangerous houses by grade over villages, roads and hazard zones."""
    towns = atlas.town_names(context.workspace)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    villages = atlas.drawn(context, "villages")
    language = context.language
    if villages is not None:
        text = label("layer", "village_borders", language)
        style = ClassStyle(text, "#00000000", "none", outline="#7d8a94", width=0.8)
        layers.append(villages.layer(text, style, interactive=False))
        states["villages"] = atlas.state(villages)
    hazards = atlas.drawn(context, "hazards")
    if hazards is not None:
        text = label("layer", "hazards", language)
        layers.append(
            hazards.layer(text, ClassStyle(text, "#8c2d80", "hatch", "#8c2d80", "#8c2d80"), interactive=False)
        )
        states["hazards"] = atlas.state(hazards, opacity=0.45)
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        text = label("layer", "roads", language)
        layers.append(roads.layer(text, ClassStyle(text, "#6d7b86", width=1.2), interactive=False))
        states["roads"] = atlas.state(roads)
    households = context.frame("households")
    danger = (
        households[households["household_id"].isin(context.assessment.housing["household_id"])]
        if len(households)
        else households
    )
    houses = atlas.drawn(context, "households", rows="danger", frame=danger) if len(danger) else None
    if houses is not None:
        classes = {
            grade: ClassStyle(
                label("grade", grade, context.language), s.color, s.pattern, s.ink, s.outline, radius=5, rank=rank
            )
            for rank, (grade, s) in enumerate(GRADE.items())
            if grade in "CD"
        }
        values = rows.set_index("household_id")["grade"]
        layers.append(houses.layer(label("page", "housing", language), style_of(GRADE["unknown"], radius=5)))
        states["households"] = atlas.state(houses, values=values, classes=classes, town=town, towns=towns, keep=keep)
    if not layers:
        st.info(say(language, "nothing_to_draw"))
        return
    chosen = [panels.selected("households"), *panels.area("households")] if houses is not None else []
    marked = [("households", place) for name in chosen if (place := houses.position(name or "")) is not None]  # type: ignore[union-attr]
    event = show_map(
        atlas.spec_of(context, layers, label("page", "housing", language)), states, key="housing_map", height=MAP_HEIGHT,
        selected=marked, **atlas.focus(context, town, houses),
    )  # fmt: skip
    panels.take_event(event, "housing_map", {"households": houses.ids} if houses is not None else {})


def show_card(context: Context, rows: pd.DataFrame) -> None:
    """Show the chosen house: grade, eligibility with its clause, proposal, hazard and place."""
    found = rows[rows["household_id"] == panels.selected("households")]
    if found.empty:
        st.info(say(context.language, "house_hint"), icon=":material/ads_click:")
        return
    row, language = next(found.itertuples()), context.language
    st.markdown(f"#### {say(language, 'house')} {panels.plain(row.household_id)}")
    st.caption(f"{panels.plain(row.town)} · {panels.plain(row.village)}")
    st.badge(label("grade", row.grade, language), color="red" if row.grade == "D" else "orange")
    panels.show_pairs(reasons(context, row))


def reasons(context: Context, row: Any) -> list[tuple[str, str]]:
    """Say of a house who qualifies by which clause, what is proposed, and where it stands."""
    language = context.language

    def text(value: Any, otherwise: str = "—") -> str:
        return str(value) if isinstance(value, str) and value else otherwise

    minutes = label("unit", "minutes", language)
    clinic = f"{number(row.clinic_minutes)} {minutes}" if pd.notna(row.clinic_minutes) else "—"
    clause = f"《{context.policy.title}》{row.clause}" if isinstance(row.clause, str) and row.clause else "—"
    pairs = [
        ("is_eligible", label("yes_no", answer_of(row.is_eligible), language)),
        ("reference", clause),
        ("category", categories(row.category, language)),
        ("priority", row.priority if isinstance(row.priority, str) else number(row.priority)),
        ("treatment", label("treatment", text(row.treatment), language)),
        ("hazard", hazards(row.hazard, language) or say(language, "no_hazard")),
        ("place", say(language, "house_place", road=distance(row.road_distance_m, language), clinic=clinic)),
        ("is_isolated", label("yes_no", answer_of(row.is_isolated), language)),
        ("status", label("house_status", text(row.status), language)),
    ]  # fmt: skip
    pairs += [("note", row.note)] if isinstance(row.note, str) and row.note else []
    return [(label("field", key, language), sentence) for key, sentence in pairs]


def hazards(value: Any, language: Language) -> str:
    """Write the danger zones a house lies in; in none is blank.

    >>> hazards("flood;landslide", "zh"), hazards(None, "zh")
    ('洪水、滑坡崩塌', '')
    """
    if not isinstance(value, str) or not value:
        return ""
    comma = ", " if language == "en" else "、"
    return comma.join(label("hazard", kind, language) for kind in value.split(";"))


def categories(value: Any, language: Language) -> str:
    """Write the kinds of a household; not registered is said."""
    if not isinstance(value, str) or not value:
        return say(language, "not_registered")
    return " · ".join(label("category", item, language) for item in value.split(";"))


def table_of(context: Context, shown: pd.DataFrame) -> pd.DataFrame:
    """Make the table under the map, most urgent first, indexed by household; nothing private is in it."""
    language = context.language
    order = ["priority", "town", "household_id"]
    ordered = shown.sort_values(order, kind="stable", na_position="last").set_index("household_id", drop=False)
    table = ordered[list(COLUMNS)].assign(
        is_eligible=ordered["is_eligible"].map(lambda value: label("yes_no", answer_of(value), language)),
        is_isolated=ordered["is_isolated"].map(lambda value: label("yes_no", answer_of(value), language)),
        category=ordered["category"].map(lambda value: categories(value, language)),
        hazard=ordered["hazard"].map(lambda value: hazards(value, language)),
        status=ordered["status"].map(lambda value: label("house_status", value, language) if isinstance(value, str) else value),
        treatment=ordered["treatment"].map(lambda value: label("treatment", value, language) if isinstance(value, str) else value),
    )  # fmt: skip
    return table.rename(columns={name: label("field", name, language) for name in COLUMNS})


def show_rows(context: Context, shown: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Show the houses as a table with the download of just that."""
    language = context.language
    only = panels.show_area("households", language)
    if only is not None:
        shown = shown[shown["household_id"].isin(only)]
    table = table_of(context, shown)
    head, columns, button = st.columns([4, 1, 1], vertical_alignment="bottom")
    with columns:
        table = panels.arrange(table, key="housing", language=language)
    head.caption(say(language, "houses_shown", count=len(table)))
    with button:
        panels.offer_download(
            context,
            {say(language, "dangerous_houses"): table},
            say(language, "dangerous_houses"),
            town=town,
            grade="、".join(keep),
        )
    panels.show_table(table, key="housing_table", ids=list(table.index), kind="households")


def page(context: Context) -> None:
    """Show dangerous houses, who is eligible, and what is proposed."""
    language = context.language
    if context.assessment.housing.empty:
        st.info(say(language, "no_houses"))
        return
    first, second, third = st.columns([1, 1, 1])
    with first:
        town = panels.choose_town(context)
    rows = rows_of(context, town)
    show_headline(context, rows)
    with second:
        grades = rows["grade"].value_counts()
        found = {name: int(grades.get(name, 0)) for name in ("D", "C")}
        keep = panels.choose_classes(label("field", "grade", language), "grade", found, context, "housing_grade")
    with third:
        answers = rows["is_eligible"].map(answer_of).value_counts()
        found = {name: int(answers.get(name, 0)) for name in ("yes", "unknown", "no")}
        title = label("field", "is_eligible", language)
        wanted = panels.choose_classes(title, "yes_no", found, context, "housing_eligible")
    rows = rows[rows["is_eligible"].map(answer_of).isin(wanted)]
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, rows, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context, rows)
    show_rows(context, rows[rows["grade"].isin(keep)], town, keep)
