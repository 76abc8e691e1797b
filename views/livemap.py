"""The live map as one file: every need of the villages, what may be clicked, searched and filtered, and nothing personal."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.policy import Need
from geo.errors import InputError
from views import atlas
from views.briefing_tables import kept_apart
from views.context import Context
from views.explain import figure
from views.export_html import Around, Theme, export_html
from views.labels import label, say
from views.maps import ClassStyle, LayerState, TileLayer, register_labels
from views.pages.coverage import OUT_OF_SCOPE, status_classes, village_needs, village_status
from views.panels import SIGN
from views.pinyin import initials
from views.publication import Rules, masked

MAX_ZOOM = 13
LAYER = "villages"


def livemap(context: Context, rules: Rules, facts: dict[str, str]) -> bytes:
    """Write the map of every need as one page that opens from a file.

    Parameters
    ----------
    context
        What the person may see: a town clerk's holds the own towns.
    rules
        Internal: villages, natural villages and roads. Public: towns and villages only, without the needs that speak of
        few households. Households are never written.
    facts
        What the figures rest on.

    Raises
    ------
    InputError
        Public without a map review number, or no village has a place.

    """
    if not rules.has_maps:
        raise InputError("没有填写审图号，公开版不能附地图和界线：请填写审图号，或导出内部版。")
    villages = atlas.drawn(context, LAYER)
    needs = _needs(context, rules)
    if villages is None or not needs:
        raise InputError("没有行政村界线或没有要判定的项目，做不出地图：请先导入行政村图层。")
    layers, states = _ground(context, rules)
    layers = [villages.layer(label("layer", LAYER, context.language), ClassStyle("", "#e6e6e6")), *layers]
    classes, names = status_classes(context), _names(villages)
    themes = [
        Theme(
            need.label,
            {
                LAYER: replace(
                    atlas.state(villages, values=village_status(context, need.id), classes=classes, opacity=0.8),
                    labels_column=names,
                ),
                **states,
            },
        )
        for need in needs
    ]
    cards: dict[str, list[Any]] = {LAYER: list(_village_cards(context, villages, needs, rules))}
    if not rules.is_public:
        cards |= _natural_cards(context)
    spec = atlas.spec_of(context, layers, say(context.language, "seven_facilities"))
    around = Around(
        layer=LAYER, themes=tuple(themes), cards=cards, statuses=tuple(style.label for style in classes.values()),
        mark=rules.mark, notes=rules.notes,
    )  # fmt: skip
    title = f"{context.office.name} · {label('page', 'coverage', context.language)}"
    return export_html(spec, themes[0].states, title=title, basis=facts, max_zoom=MAX_ZOOM, around=around)


def _needs(context: Context, rules: Rules) -> list[Need]:
    apart = kept_apart(context.workspace, context.policy, rules)
    return [need for need in village_needs(context) if need.id not in apart]


def _ground(context: Context, rules: Rules) -> tuple[list[TileLayer], dict[str, LayerState]]:
    """Give the layers beside the villages: roads and natural villages inside the office, town borders for everyone."""
    language = context.language
    layers: list[TileLayer] = []
    states: dict[str, LayerState] = {}
    roads = None if rules.is_public else atlas.drawn(context, "roads")
    if roads is not None:
        text = label("layer", "roads", language)
        layers.append(roads.layer(text, ClassStyle(text, "#7d8b95", width=1.0), interactive=False))
        states["roads"] = atlas.state(roads)
    natural = None if rules.is_public else atlas.drawn(context, "natural_villages")
    if natural is not None:
        text = label("layer", "natural_villages", language)
        layers.append(natural.layer(text, ClassStyle(text, "#16202a", radius=3.5, outline="#ffffff")))
        states["natural_villages"] = replace(atlas.state(natural), labels_column=_names(natural))
    towns = atlas.drawn(context, "towns")
    if towns is not None:
        text = label("layer", "town_borders", language)
        style = ClassStyle(text, "#00000000", "none", outline="#2b3a46", width=1.8)
        layers.append(towns.layer(text, style, interactive=False))
        states["towns"] = atlas.state(towns, show_labels=True)
    return layers, states


def _names(drawn: atlas.Drawn) -> str:
    """Register the names shown under the pointer, without any number somebody typed into one."""
    return register_labels([masked(str(name)) for name in drawn.frame["name"].fillna("")])


def _village_cards(
    context: Context, villages: atlas.Drawn, needs: list[Need], rules: Rules
) -> Iterator[dict[str, Any]]:
    """Write for every village what a click shows: each need with its status, and inside the office its figures."""
    findings = context.assessment.findings
    findings = findings[(findings["unit_kind"] == "village") & findings["need"].isin([need.id for need in needs])]
    held = {(row.unit_id, row.need): row for row in findings.itertuples(index=False)}
    for (_, place), bounds in zip(villages.frame.iterrows(), _bounds(villages.frame), strict=True):
        rows = []
        for need in needs:
            row = held.get((place["village_id"], need.id))
            status = OUT_OF_SCOPE if row is None else str(row.status)
            rows.append([need.label, status, _told(context, need, row, status, rules)])
        yield _card(place, "village_id", rows, bounds, rules)


def _told(context: Context, need: Need, row: Any, status: str, rules: Rules) -> str:
    text = f"{SIGN.get(status, '')} {label('status', status, context.language)}".strip()
    if row is None:
        return text
    if not rules.is_public:
        numbers = [figure(value, row.unit, need.kind) for value in (row.value, row.threshold)]
        if any(numbers):
            text += f" · {numbers[0] or '—'} / {numbers[1] or '—'}"
    return f"{text} · {need.reference}" if need.reference else text


def _natural_cards(context: Context) -> dict[str, list[Any]]:
    """Write for every natural village what a click shows: people, state, what is missing, what it would cost."""
    drawn = atlas.drawn(context, "natural_villages")
    found = context.assessment.natural_villages
    if drawn is None or found.empty:
        return {}
    held = {row.natural_village_id: row for row in found.itertuples(index=False)}
    names = ("population", "state", "gap_km", "new_km", "cost_cny10k")
    heads = [label("field", name, context.language) for name in names]
    cards = []
    for (_, place), bounds in zip(drawn.frame.iterrows(), _bounds(drawn.frame), strict=True):
        row = held.get(place["natural_village_id"])
        values = ["—" if row is None or pd.isna(getattr(row, name)) else getattr(row, name) for name in names]
        texts = [
            label("state", str(value), context.language) if name == "state" else _number(value)
            for name, value in zip(names, values, strict=True)
        ]
        rows = [[head, "", text] for head, text in zip(heads, texts, strict=True)]
        cards.append(_card(place, "natural_village_id", rows, bounds, Rules()))
    return {"natural_villages": cards}


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):,.2f}".rstrip("0").rstrip(".")


def _bounds(frame: Any) -> list[list[float]]:
    """Give the box of every feature in degrees; a point's box is widened to some two kilometres."""
    boxes = frame.geometry.to_crs("EPSG:4326").bounds
    return [
        [round(w - 0.01, 5), round(s - 0.01, 5), round(e + 0.01, 5), round(n + 0.01, 5)]
        for w, s, e, n in boxes.itertuples(index=False)
    ]


def _card(place: Any, key: str, rows: list[Any], bounds: list[float], rules: Rules) -> dict[str, Any]:
    name = masked(str(place["name"])) if isinstance(place["name"], str) else "—"
    town = place["town"] if isinstance(place.get("town"), str) else "—"
    code = "" if rules.is_public else str(place[key])
    keys = " ".join((name, initials(name), code)).upper()
    return {"name": name, "place": f"{town} {code}".strip(), "keys": keys, "rows": rows, "bounds": bounds}
