"""Why a natural village is not connected: what is missing, over which segments, at what cost, on which clause."""

from typing import Any

from views import road_words
from views.context import Context
from views.labels import Language, distance, label, money, number, say


def listed(text: Any, language: Language) -> str:
    """Write ids joined by semicolons as a list; nothing is a dash."""
    return (", " if language == "en" else "、").join(text.split(";")) if isinstance(text, str) and text else "—"


def names_of(context: Context, ids: Any) -> Any:
    """Name natural villages joined by semicolons; a code without a name stays."""
    if not isinstance(ids, str) or not ids:
        return ids
    table = context.assessment.natural_villages
    names = dict(zip(table["natural_village_id"].astype(str), table["name"].fillna(""), strict=True))
    return ";".join(names.get(one) or one for one in ids.split(";"))


def reasons(context: Context, row: Any) -> list[tuple[str, str]]:
    """Say what is missing for a natural village, over which segments, at what cost and who shares it."""
    language = context.language
    answer = {"yes": "yes", "True": "yes", "no": "no", "False": "no"}.get(str(row.is_due), "unknown")
    km = label("unit", "km", language)
    people = say(language, f"due_{answer}", people=number(row.population), threshold=number(row.threshold))
    near = say(
        language, "road_distances", hardened=distance(row.hardened_distance_m, language), any=distance(row.road_distance_m, language)
    )  # fmt: skip
    cost = say(
        language, "cost_and_subsidy", cost=money(row.cost_cny10k, language), subsidy=money(row.subsidy_cny10k, language)
    )
    pairs = [
        ("population", people),
        ("gap_km", f"{number(row.gap_km, 2)} {km}"),
        ("new_km", f"{number(row.new_km, 2)} {km}"),
        ("nearest_road", near),
        ("outlet", row.outlet if isinstance(row.outlet, str) and row.outlet else "—"),
        ("segment_ids", listed(row.segment_ids, language)),
        ("shared_with", listed(names_of(context, row.shared_with), language)),
        ("cost", cost),
        ("reference", clause(context)),
    ]
    note = road_words.told(row.note, language)
    pairs += [("note", note)] if note else []
    return [(label("field", key, language), text) for key, text in pairs]


def clause(context: Context) -> str:
    """Name the clause that sets the population threshold."""
    values = context.policy.values.get("hardening.min_population", ())
    if not values:
        return say(context.language, "no_threshold", policy=context.policy.title)
    return f"《{context.policy.title}》{values[-1].reference}"
