"""A link shows the same view again; nothing unreadable or personal gets through it."""

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from views.address import PARTS, Part, read, written

SAMPLES = {
    "day": date(2018, 6, 30), "against_day": date(2017, 12, 31), "against_threshold": 100, "view": (113.5, 24.25, 11.5), "slide": 2, "all": True, "status": ["gap", "unknown"],
    "group": ["七有"], "state": ["harden"], "grade": ["D"], "eligible": ["yes"],
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_survives_the_address(part: Part) -> None:
    value = SAMPLES.get(part.name, "南山镇")
    assert read(part, written(part, value)) == value
    assert read(part, []) in (part.standard, [])


def test_no_household_is_ever_named_in_an_address() -> None:
    assert not [part for part in PARTS if "household" in part.key or "house" in part.name]


@pytest.mark.parametrize(("name", "text"), [("day", "morgen"), ("view", "1,2"), ("view", "1,99,3"), ("slide", "x")])
def test_what_cannot_be_read_is_as_if_it_were_not_there(name: str, text: str) -> None:
    part = next(part for part in PARTS if part.name == name)
    assert read(part, [text]) == part.standard


def script() -> None:
    import streamlit as st

    from views import address

    page = st.session_state.setdefault("asked_page", "coverage")
    address.take_in(page)
    st.session_state["page"] = page
    st.pills("s", ["gap", "met"], selection_mode="multi", key="coverage_status")
    st.text(str(st.session_state.get("town_kept")))
    address.write_out(page)


def in_address(app: AppTest) -> dict[str, list[str]]:
    return {name: texts if isinstance(texts, list) else [texts] for name, texts in dict(app.query_params).items()}


def test_a_link_is_followed_and_kept() -> None:
    app = AppTest.from_function(script)
    app.query_params["town"] = "南山镇"
    app.query_params["status"] = ["gap"]
    app.run()
    assert app.session_state["coverage_status"] == ["gap"]
    assert app.text[0].value == "南山镇"
    assert in_address(app) == {"town": ["南山镇"], "status": ["gap"]}


def test_what_is_chosen_goes_into_the_address_and_back_leads_back() -> None:
    app = AppTest.from_function(script).run()
    assert in_address(app) == {}
    app.session_state["coverage_status"] = ["met"]
    app.run()
    assert in_address(app) == {"status": ["met"]}
    app.query_params.clear()  # the browser went a step back
    app.run()
    assert app.session_state["coverage_status"] == []
    assert in_address(app) == {}


def test_turning_to_another_page_keeps_the_town() -> None:
    app = AppTest.from_function(script)
    app.query_params["town"] = "南山镇"
    app.run()
    app.session_state["asked_page"] = "roads"
    app.query_params.clear()  # Streamlit clears the address on a page switch
    app.run()
    assert app.text[0].value == "南山镇"
    assert in_address(app) == {"town": ["南山镇"]}


def test_where_the_map_stands_is_read_from_a_link_and_left_to_the_browser() -> None:
    app = AppTest.from_function(script)
    app.query_params["town"] = "南山镇"
    app.query_params["view"] = "113.3,24.6,11.5"
    app.run()
    assert app.session_state["view_linked"] == (113.3, 24.6, 11.5, 1)
    app.query_params["view"] = "113.4,24.6,11.5"  # the map was moved: nothing is to be done
    app.run()
    assert app.session_state["view_linked"] == (113.3, 24.6, 11.5, 1)
    app.query_params["town"] = "云山镇"  # a step back, or another link
    app.run()
    assert app.session_state["view_linked"] == (113.4, 24.6, 11.5, 2)


def test_a_link_that_names_a_village_and_no_place_goes_there() -> None:
    app = AppTest.from_function(script)
    app.query_params["village"] = "v1"
    app.run()
    assert app.session_state["go_to"] == ("villages", "v1")
    app.session_state["go_to"] = None
    app.run()
    assert app.session_state["go_to"] is None
