"""How a map is arranged travels in links; what a browser sends is read with distrust."""

import gc

import pytest
import streamlit as st

from views import look, warm
from views.address import Part, read, written


@pytest.fixture
def held(monkeypatch):
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def event(**more):
    return {"event": {"kind": "look", "nonce": 7, "look": "villages*60,-roads,towns", "base": "vec", **more}}


def test_an_arrangement_is_taken_over_and_said_back_with_what_it_knows(held) -> None:
    held["map"] = event()
    look.take_look("map")
    assert look.look_now("map") == {"text": "villages*60,-roads,towns", "base": "vec", "nonce": 7}
    assert look.look_now("other")["nonce"] == 0


@pytest.mark.parametrize("text", [
    "<img src=x>", "a b", "villages*6000", "../x", "a,,b", "a" * 41, ",".join(["a"] * 21), 5, None, "村",
])  # fmt: skip
def test_what_is_no_arrangement_is_as_if_it_were_not_there(held, text) -> None:
    held["map"] = event(look=text, base=text)
    look.take_look("map")
    assert look.look_now("map") == {"text": "", "base": "", "nonce": 7}


@pytest.mark.parametrize("raw", [None, {}, {"event": None}, event(kind="click"), event(nonce="x"), {"event": [1]}])
def test_other_events_change_nothing(held, raw) -> None:
    held.update(map=raw, look="villages,roads")
    look.take_look("map")
    assert held["look"] == "villages,roads"


def test_each_page_gets_its_own_arrangement_back(held, monkeypatch) -> None:
    monkeypatch.setattr(st, "query_params", {})
    held["look"] = "roads,villages"
    look.turn_page("coverage", "overview")
    assert held["look"] is None
    held["look"] = "towns,villages"
    look.turn_page("overview", "coverage")
    assert held["look"] == "roads,villages"
    monkeypatch.setattr(st, "query_params", {"look": "linked"})
    held["look"] = "linked"
    look.turn_page("coverage", "overview")
    assert held["look"] == "linked", "a link says another"


def test_an_arrangement_stands_in_the_address() -> None:
    part = Part("look", "look")
    assert read(part, written(part, "villages*60,-roads")) == "villages*60,-roads"
    assert written(part, None) == written(part, "") == []


def test_warming_without_an_office_freezes_what_stays(monkeypatch) -> None:
    monkeypatch.setattr(warm, "sweep_later", lambda: None)
    try:
        warm.warm(None, has_pages=False)
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
