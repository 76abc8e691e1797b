"""From the county down to the natural village: what a chosen village holds, drawn on the same map."""

from dataclasses import replace
from typing import Any

from views import atlas, panels
from views.context import Context
from views.labels import label
from views.maps import ClassStyle, MapEvent, style_of
from views.palette import STATE


def village_of_facility(context: Context, event: MapEvent, kinds: list[str], villages: atlas.Drawn) -> MapEvent:
    """Take a click on a facility as one on the village it lies in: its card is the one that speaks of it."""
    if event.clicked is None or event.clicked[0] != "facilities":
        return event
    facilities = context.frame("facilities")
    held = atlas.drawn(context, "facilities", rows=",".join(kinds), frame=facilities[facilities["kind"].isin(kinds)])
    if held is None or event.clicked[1] >= len(held.ids):
        return event
    own = held.frame.iloc[event.clicked[1]]
    place = villages.position(str(own.get("village_id")))
    if place is None:
        inside = villages.frame.geometry.intersects(own.geometry).to_numpy().nonzero()[0]
        place = int(inside[0]) if len(inside) else None
    return replace(event, clicked=None if place is None else ("villages", place))


def add_natural_villages(
    context: Context, layers: list[Any], states: dict[str, Any], village: str | None
) -> list[tuple[str, int]]:
    """Put the natural villages of the chosen village on the map, by the state of their road; give the one selected."""
    places = atlas.drawn(context, "natural_villages")
    rows = context.assessment.natural_villages
    if places is None or rows.empty:
        return []
    language = context.language
    classes = {
        name: ClassStyle(label("state", name, language), s.color, s.pattern, s.ink, s.outline, radius=6)
        for name, s in STATE.items()
    }
    own = rows[rows["village_id"] == village].set_index("natural_village_id")["state"]
    layers.append(places.layer(label("layer", "natural_villages", language), style_of(STATE["unknown"], radius=5)))
    states["natural_villages"] = atlas.state(
        places, values=own, classes=classes, keep=list(classes), visible=bool(len(own)), show_labels=True
    )
    chosen = panels.selected("natural_villages")
    place = places.position(str(chosen)) if chosen in own.index else None
    return [] if place is None else [("natural_villages", place)]
