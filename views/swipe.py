"""Two maps in one place with a handle between them: what is left of it shows one side, what is right the other."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from geo.errors import StoreError
from views import assets
from views.labels import label
from views.look import take_look
from views.mapevents import read_event
from views.maps import Feature, LayerState, MapEvent, MapSpec, component, patch_of
from views.plain import plain


@dataclass(frozen=True)
class Side:
    """One of the two maps: what it shows, how, under which heading, and what is selected on it."""

    title: str
    spec: MapSpec
    states: Mapping[str, LayerState]
    selected: Sequence[Feature] = ()


def show_swipe(sides: tuple[Side, Side], *, key: str, height: int) -> tuple[MapEvent, MapEvent]:
    """Show both sides over the same place and return what the person did last on each.

    The handle is dragged, or moved by the arrow keys; both maps move together. The view is that of the maps
    `pair_left` and `pair_right`, so that it is kept when one changes between one map and two.
    """
    try:
        held = assets.load()
    except StoreError as missing:
        st.error(plain(missing))
        return MapEvent(), MapEvent()
    patches = [
        patch_of(side.spec, side.states, key=name, height=height, selected=side.selected, look_key=key)
        for name, side in zip(("pair_left", "pair_right"), sides, strict=True)
    ]
    data = {
        "entry": held.address("atlas.js"),
        "failed": label("text", "map_failed", sides[0].spec.language),
        "map": "+".join(patch["map"] for patch in patches),
        "sides": patches,
        "titles": [side.title for side in sides],
    }
    result = component()(key=key, data=data, on_event_change=functools.partial(take_look, key))
    raw = getattr(result, "event", None)
    return _event(sides, 0, raw, key), _event(sides, 1, raw, key)


def _event(sides: tuple[Side, Side], number: int, raw: Any, key: str) -> MapEvent:
    """Read the event if it was on this side."""
    if not isinstance(raw, Mapping) or raw.get("side") != number:
        return MapEvent()
    return read_event(sides[number].spec, sides[number].states, raw, f"{key}·{number}")
