"""The whole view in the address: a link shows the same page, place, filters, day, policy and selection again.

Households are not among what an address may name: addresses are kept by browsers and sent by messages.

Where the map stands is written into the address by the browser, as it moves (`component/atlas.js`): no run of the page is
needed for it. Here it is read when a link is followed or a step back is taken, and written into links and bookmarks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

import streamlit as st

Parameters = dict[str, list[str]]


VIEW = "view"


@dataclass(frozen=True)
class Part:
    """One part of the view: its name in the address, its key in the session, and the pages it belongs to (all: none)."""

    name: str
    key: str
    pages: tuple[str, ...] = ()
    is_many: bool = False
    standard: Any = None


PARTS = (
    Part("policy", "policy_stem"),
    Part("day", "day"),
    Part("lang", "language_code", standard="zh"),
    Part("town", "town_kept"),
    Part("village", "selected_villages", ("overview", "coverage", "compare")),
    Part("natural_village", "selected_natural_villages", ("roads", "coverage")),
    Part("need", "coverage_need", ("coverage", "compare")),
    Part("status", "coverage_status", ("coverage",), is_many=True),
    Part("color", "coverage_color", ("coverage",), standard="status"),
    Part("group", "overview_group", ("overview",), is_many=True),
    Part("state", "roads_state", ("roads",), is_many=True),
    Part("all", "roads_all", ("roads",), standard=False),
    Part("grade", "housing_grade", ("housing",), is_many=True),
    Part("eligible", "housing_eligible", ("housing",), is_many=True),
    Part("slide", "meeting_slide", ("meeting",), standard=0),
    Part("mode", "compare_mode", ("compare",)),
    Part("shown", "compare_look", ("compare",)),
    Part("against_day", "compare_day", ("compare",)),
    Part("against_policy", "compare_policy", ("compare",)),
    Part("against_threshold", "compare_threshold", ("compare",)),
    Part(VIEW, "view_kept"),
    Part("look", "look"),
    Part("base", "base_map"),
)


def parts_of(page: str) -> list[Part]:
    """List the parts of the view that a page has."""
    return [part for part in PARTS if not part.pages or page in part.pages]


def standard_of(part: Part) -> Any:
    """Give what is so anyway and needs no words: what the page set as usual, or the part's standard."""
    return st.session_state.get(f"standard_{part.key}", part.standard)


def written(part: Part, value: Any) -> list[str]:
    """Write a value as the texts of the address; nothing for what is so anyway.

    >>> written(Part("day", "day"), date(2018, 6, 30)), written(Part("town", "town_kept"), None)
    (['2018-06-30'], [])
    """
    if value is None or value == standard_of(part) or value in ([], ""):
        return []
    if part.is_many:
        return [str(item) for item in value]
    if isinstance(value, tuple):
        return [",".join(str(item) for item in value)]
    return [value.isoformat() if isinstance(value, date) else str(value)]


def read(part: Part, texts: list[str]) -> Any:
    """Read the texts of an address; what cannot be read is as if it were not there.

    >>> read(Part("day", "day"), ["2018-06-30"]), read(Part("day", "day"), ["heute"])
    (datetime.date(2018, 6, 30), None)
    """
    if part.is_many:
        return texts
    if not texts:
        return part.standard
    try:
        if part.name in {"day", "against_day"}:
            return date.fromisoformat(texts[0])
        if part.name == VIEW:
            longitude, latitude, zoom = (float(text) for text in texts[0].split(","))
            return (longitude, latitude, zoom) if abs(latitude) < 86 and abs(longitude) <= 180 else None
        if part.name in {"slide", "against_threshold"}:
            return int(texts[0])
        if part.name == "all":
            return texts[0] == "True"
    except ValueError:
        return part.standard
    return texts[0]


def now_in_address(page: str) -> Parameters:
    """Give what the address says of this page's parts."""
    return {part.name: found for part in parts_of(page) if (found := st.query_params.get_all(part.name))}


def without_view(parameters: Parameters) -> Parameters:
    """Leave out where the map stands, which is the browser's to write."""
    return {name: texts for name, texts in parameters.items() if name != VIEW}


def now_in_session(page: str) -> Parameters:
    """Give what the address would say of what is shown."""
    pairs = {part.name: written(part, st.session_state.get(part.key)) for part in parts_of(page)}
    return {name: texts for name, texts in pairs.items() if texts}


def take_in(page: str) -> None:
    """Before anything is drawn: take over a link that was followed, or the step back; else leave all as it is."""
    found = now_in_address(page)
    before = st.session_state.get("address")
    is_turned = st.session_state.get("page") != page
    if without_view(found) == (before or {}) and not is_turned:
        return
    if not found and (is_turned or before is None):
        return
    for part in parts_of(page):
        value = read(part, found.get(part.name, []))
        if part.name == VIEW:
            take_view(value)
            continue
        if value is None or value == part.standard:
            st.session_state.pop(part.key, None)
        else:
            st.session_state[part.key] = value
    if VIEW not in found:
        go_to_named(found, before or {})
    st.session_state["address"] = without_view(found)


def go_to_named(found: Parameters, before: Parameters) -> None:
    """Move the map to the village a link newly names, where the link does not say what part of the map to show."""
    for name, kind in (("natural_village", "natural_villages"), ("village", "villages")):
        if name in found and found[name] != before.get(name):
            st.session_state["go_to"] = (kind, found[name][0])
            return


def take_view(value: Any) -> None:
    """Send the maps of the page to where a link says; each link once."""
    if value is None:
        return
    held = st.session_state
    held["view_turn"] = held.get("view_turn", 0) + 1
    held.update(view=value, view_linked=(*value, held["view_turn"]), view_fresh=True)


def write_out(page: str) -> None:
    """After everything is drawn: bring the address up to what is shown."""
    st.session_state.pop("view_fresh", None)
    wanted = without_view(now_in_session(page))
    if wanted != without_view(now_in_address(page)):
        st.query_params.from_dict(wanted)
    st.session_state["address"] = wanted


def link(page: str, parameters: Mapping[str, list[str]]) -> str:
    """Write the link to what is shown."""
    base = (st.context.url or "").split("?")[0]
    del page
    query = urlencode(dict(parameters), doseq=True)
    return f"{base}?{query}" if query else base
