"""What proves a finding, on the map: the facility, road, line or area that was found is drawn, moved to and flashed."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from analysis.features import ID_OF
from analysis.policy import Need
from views import atlas
from views.context import Context
from views.labels import Language, label
from views.maps import ClassStyle

ASKED = "coverage_flash"
MARGIN = 0.25  # of the wider side, left free around what is shown


@dataclass(frozen=True)
class Proof:
    """The feature a finding rests on: its layer and id."""

    layer: str
    feature_id: str


def kinds_of(need: Need) -> list[str]:
    """List the facility kinds a need asks for."""
    kinds = need.parameters.get("kind") or []
    return [kinds] if isinstance(kinds, str) else list(kinds)


def proof_of(context: Context, row: Any) -> Proof | None:
    """Name the feature that proves a finding, None when it is no feature or has no place on the map.

    Of several the first is pointed at.
    """
    layer, ids = row.evidence_layer, row.evidence_id
    if layer not in ID_OF or layer == "households" or not isinstance(ids, str) or not ids:
        return None
    frame = context.workspace.get(layer)
    if frame is None or "geometry" not in frame:
        return None
    place = _positions(context.workspace.digest, layer, frame).get(ids.split(";")[0])
    return None if place is None else Proof(layer, str(frame[ID_OF[layer]].iloc[place]))


@st.cache_resource(show_spinner=False, max_entries=40)
def _positions(digest: str, layer: str, _frame: Any) -> dict[str, int]:
    """Tell the row of every feature that lies somewhere, once per workspace and layer; roads also by name."""
    del digest
    lies = (_frame.geometry.notna() & ~_frame.geometry.is_empty).to_numpy().nonzero()[0]
    found: dict[str, int] = {}
    for column in (ID_OF[layer], *(("name", "route_code") if layer == "roads" else ())):
        if column in _frame:
            texts = _frame[column].to_numpy(dtype=object)
            for place in lies:
                found.setdefault(str(texts[place]), int(place))
    return found


def name_of(context: Context, proof: Proof, language: Language) -> str:
    """Write the feature as people name it: layer, name where it has one, id."""
    frame = context.frame(proof.layer)
    row = frame.iloc[_positions(context.workspace.digest, proof.layer, frame)[proof.feature_id]]
    held = [row.get(name) for name in ("name", "route_code")]
    named = [str(text) for text in held if isinstance(text, str) and text][:1]
    return " ".join([label("layer", proof.layer, language), *named, proof.feature_id])


def ask(context: Context, village: str, need_id: str, proof: Proof) -> None:
    """Show the proof on the map: the map turns to the need, moves to village and proof, and flashes the proof."""
    held = st.session_state
    held["coverage_need"] = need_id
    held["coverage_color"] = "status"
    held[ASKED] = (village, need_id)
    villages, frame = context.frame("villages"), context.frame(proof.layer)
    shapes = [
        villages.loc[villages["village_id"] == village].geometry,
        frame.iloc[[_positions(context.workspace.digest, proof.layer, frame)[proof.feature_id]]].geometry,
    ]
    boxes = pd.DataFrame(
        [shape.to_crs("EPSG:4326").total_bounds for shape in shapes if len(shape)], columns=list("wsen")
    )
    west, south = boxes[["w", "s"]].min()
    east, north = boxes[["e", "n"]].max()
    margin = MARGIN * max(east - west, north - south) / 2
    held["go_to_bounds"] = (west - margin, south - margin, east + margin, north + margin)


def asked(context: Context, findings: pd.DataFrame, village: str | None, need: Need) -> Proof | None:
    """Give the proof that was asked for, while its village and need are still shown."""
    if village is None or st.session_state.get(ASKED) != (village, need.id):
        return None
    rows = findings[(findings["unit_id"] == village) & (findings["need"] == need.id)]
    return None if rows.empty else proof_of(context, next(rows.itertuples()))


def add(context: Context, proof: Proof | None, layers: list[Any], states: dict[str, Any], need: Need) -> Any:
    """Put the proof on the map where its layer is not there yet; give what flashes, None when nothing does."""
    if proof is None:
        return None
    kinds = kinds_of(need)
    if proof.layer == "facilities" and "facilities" in states and kinds:
        facilities = context.frame("facilities")
        held = atlas.drawn(
            context, "facilities", rows=",".join(kinds), frame=facilities[facilities["kind"].isin(kinds)]
        )
    elif proof.layer in states:
        held = atlas.drawn(context, proof.layer)
    else:
        held = None
    place = held.position(proof.feature_id) if held is not None else None
    if place is not None:
        return (proof.layer, place)
    if proof.layer in states:
        return None
    frame = context.frame(proof.layer)
    own = frame[frame[ID_OF[proof.layer]].astype(str) == proof.feature_id]
    held = atlas.drawn(context, proof.layer, rows=f"proof {proof.feature_id}", frame=own)
    if held is None:
        return None
    text = label("layer", proof.layer, context.language)
    style = ClassStyle(text, "#8c2d80", "hatch", "#8c2d80", "#8c2d80", width=3.0, radius=6)
    layers.append(held.layer(text, style, interactive=False))
    states[proof.layer] = atlas.state(held, opacity=0.6)
    return (proof.layer, 0)
