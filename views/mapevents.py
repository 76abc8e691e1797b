"""What the browser sends back, read with distrust."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from views.mapspec import Feature, LayerState, MapEvent, MapSpec
from views.tilestore import store

MOST_PLACES = 20_001  # one more than a line may have, so that a longer one is refused and not cut


def read_event(spec: MapSpec, states: Mapping[str, LayerState], raw: Any, key: str) -> MapEvent:
    """Read what the browser sent; anything that does not fit is as if nothing had been done."""
    if not isinstance(raw, Mapping):
        return MapEvent()
    ids = {layer.id for layer in spec.layers}
    try:
        west, south, east, north = (float(value) for value in raw["bounds"])
        longitude, latitude = (float(value) for value in raw["center"])
        zoom, nonce = float(raw["zoom"]), int(raw["nonce"])
        clicked = raw.get("clicked")
        found = (str(clicked[0]), int(clicked[1])) if clicked and clicked[0] in ids else None
        line = [(float(lon), float(lat)) for lon, lat in raw.get("line", ())][:MOST_PLACES]
        ring = [(float(lon), float(lat)) for lon, lat in raw.get("ring", ())]
    except (KeyError, TypeError, ValueError, IndexError):
        return MapEvent()
    chosen = _inside(spec, states, ring, set(raw.get("layers", ())), nonce, key) if ring else ()
    drawn = tuple(line) if raw.get("kind") == "drawn" else None
    return MapEvent(found, chosen, (west, south, east, north), zoom, (longitude, latitude), nonce, drawn)


def _inside(
    spec: MapSpec,
    states: Mapping[str, LayerState],
    ring: list[tuple[float, float]],
    shown: set[str],
    nonce: int,
    key: str,
) -> tuple[Feature, ...]:
    """Return every feature that touches the ring and passes the filters, also those too small to be drawn."""
    place = f"{key}·area"
    before = st.session_state.get(place)
    if before and before[0] == nonce:
        return tuple(before[1])
    found: list[Feature] = []
    for layer in spec.layers:
        kept = store().sources.get(layer.source)
        if kept is None or not layer.interactive or layer.id not in shown:
            continue
        positions = kept.item.within(ring)
        state = states.get(layer.id) or LayerState()
        for name, allowed in state.filters.items():
            column = store().columns.get(state.columns[name])
            positions = positions[np.isin(column.item[positions], allowed)] if column else positions[:0]
        found += [(layer.id, int(position)) for position in positions]
    st.session_state[place] = (nonce, tuple(found))
    return tuple(found)
