"""How a person arranged a map – order of layers, what is hidden, how opaque, which base map – kept for links and bookmarks."""

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

_TEXT = re.compile(r"(?:[+-]?[A-Za-z0-9_]{1,40}(?:\*\d{1,3})?)(?:,[+-]?[A-Za-z0-9_]{1,40}(?:\*\d{1,3})?){0,19}")
_BASE = re.compile(r"[a-z0-9_-]{1,24}")


def take_look(key: str) -> None:
    """Before the page runs: take over what the person arranged on a map."""
    held = st.session_state.get(key)
    event = held.get("event") if isinstance(held, Mapping) else None
    take_place(event)
    if not isinstance(event, Mapping) or event.get("kind") != "look" or not isinstance(event.get("nonce"), int):
        return
    st.session_state["look"] = clean(_TEXT, event.get("look"))
    st.session_state["base_map"] = clean(_BASE, event.get("base"))
    st.session_state[f"look_nonce_{key}"] = event["nonce"]


def take_place(event: Any) -> None:
    """Keep where the map stood when something was done on it, for links and bookmarks."""
    try:
        (longitude, latitude), zoom = event["center"], float(event["zoom"])
        st.session_state["view"] = (round(float(longitude), 5), round(float(latitude), 5), round(zoom, 2))
    except (KeyError, TypeError, ValueError):
        return  # nothing that says where


def clean(pattern: re.Pattern[str], text: Any) -> str | None:
    """Return a text of the expected form, None for any other."""
    return text if isinstance(text, str) and pattern.fullmatch(text) else None


def look_now(key: str) -> dict[str, Any]:
    """Write the arrangement as the browser reads it; the nonce tells it what of its own this already knows."""
    return {
        "text": clean(_TEXT, st.session_state.get("look")) or "",
        "base": clean(_BASE, st.session_state.get("base_map")) or "",
        "nonce": st.session_state.get(f"look_nonce_{key}", 0),
    }


def turn_page(before: str | None, now: str) -> None:
    """Keep the arrangement of the page left; give the page opened its own back, unless the address says another."""
    held = st.session_state
    kept = held.setdefault("looks", {})
    if before is not None:
        kept[before] = held.get("look")
    if "look" not in st.query_params:
        held["look"] = kept.get(now)
