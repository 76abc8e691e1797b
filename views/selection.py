"""What is selected, on the map and in the table alike: one feature of a kind, and the features inside a drawn area."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from views.labels import Language, say
from views.maps import MapEvent


def selected(kind: str) -> str | None:
    """Give the id selected on map or in table, None when nothing of the kind is."""
    return st.session_state.get(f"selected_{kind}")


def select(kind: str, feature_id: str | None, *, on_map: bool = False) -> None:
    """Make this the selection of map and table alike; the map moves there unless it was chosen on the map."""
    st.session_state[f"selected_{kind}"] = feature_id
    if kind == "natural_villages":
        st.session_state.pop("selected_roads", None)  # one card at a time
    st.session_state["go_to"] = None if on_map or feature_id is None else (kind, feature_id)


def take_event(event: MapEvent, key: str, ids: Mapping[str, pd.Index]) -> None:
    """Take over what was clicked or encircled on the map, once per action."""
    if event.nonce <= st.session_state.get(f"nonce_{key}", 0):
        return
    st.session_state[f"nonce_{key}"] = event.nonce
    inside = {
        name: [str(known[place]) for layer, place in event.selected if layer == name and place < len(known)]
        for name, known in ids.items()
    }
    if any(inside.values()):
        for name, found in inside.items():
            st.session_state[f"area_{name}"] = found
        st.rerun()
    if event.clicked is None:
        return
    name, position = event.clicked
    if name in ids and 0 <= position < len(ids[name]):
        select(name, str(ids[name][position]), on_map=True)
        st.rerun()


def area(kind: str) -> list[str]:
    """Give the ids inside the area drawn last, none when no area was drawn."""
    return list(st.session_state.get(f"area_{kind}", ()))


def show_area(kind: str, language: Language) -> list[str] | None:
    """Say how many features the drawn area holds, and offer to see only them; None when all are to be seen."""
    inside = area(kind)
    if not inside:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(say(language, "area_holds", count=len(inside)), color="violet", icon=":material/select_all:")
        is_only = st.toggle(say(language, "area_only"), value=True, key=f"only_{kind}")
        st.button(
            say(language, "area_clear"), key=f"clear_{kind}", icon=":material/close:", on_click=_clear, args=(kind,)
        )
    return inside if is_only else None


def _clear(kind: str) -> None:
    st.session_state.pop(f"area_{kind}", None)
