"""Bureaus send layers one by one: every page has something to say to an office that holds only some of them."""

import math
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from analysis.assess import assess
from analysis.policy import load_policy
from demo.county import Manifest, write_county
from tests.page_context import FAULTS, HELD
from tests.policies_path import POLICY
from tracker.office import create
from views import atlas, desk
from views.context import Context
from views.entry import PAGES

SCRIPT = """
import traceback
from tests.page_context import FAULTS, context_now
from views.entry import PAGES
import streamlit as st
context = context_now()
st.session_state["policy"] = context.policy.title
st.session_state["day"] = st.session_state["standard_day"] = context.day
try:
    PAGES[{name!r}][0](context)
except Exception:
    FAULTS.append(traceback.format_exc())
"""
HOLDINGS = {
    "roads and natural villages": ("natural_villages", "roads"),
    "villages": ("villages",),
    "towns": ("towns",),
    "natural villages": ("natural_villages",),
    "roads": ("roads",),
    "households": ("households",),
    "facilities": ("facilities",),
    "register": ("claims",),
    "villages and facilities": ("villages", "facilities"),
    "villages and households": ("villages", "households"),
    "no towns": ("villages", "natural_villages", "roads", "facilities", "households"),
    "no villages": ("towns", "natural_villages", "roads", "facilities", "households"),
}
FOLDED = ("quality", "users")  # they read the office, not the workspace


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The files of a tiny county."""
    return write_county("tiny", 1, tmp_path_factory.mktemp("partial"))


@pytest.fixture(scope="module", params=HOLDINGS, ids=lambda name: name.replace(" ", "-"))
def context(
    county: Manifest, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Context]:
    """An office that holds only these layers, assessed."""
    folder = tmp_path_factory.mktemp("office") / "office"
    with pytest.MonkeyPatch.context() as patch, create(folder, policy=POLICY, name="示范县（虚构）") as office:
        for file in county.files:
            if file.layer in HOLDINGS[request.param]:
                office.add_layer(file.layer, file.path, **{"as_of": county.as_of, **dict(file.options)})
        patch.setenv(desk.OFFICE_VARIABLE, str(office.path))
        day, policy = office.default_day(), load_policy(POLICY)
        workspace = office.workspace(day)
        HELD["context"] = Context(office, workspace, policy, assess(workspace, policy, day, rasters={}), day, "zh")
        yield HELD["context"]
        desk.desk.cache_clear()


@pytest.mark.parametrize("name", [name for name in PAGES if name not in FOLDED])
def test_every_page_opens(context: Context, name: str) -> None:
    FAULTS.clear()
    opened = AppTest.from_string(SCRIPT.format(name=name), default_timeout=60).run()
    assert not FAULTS, FAULTS[0]
    assert not opened.exception
    assert len(opened.main.children), "a page is never blank"


def test_the_map_opens_on_what_there_is(context: Context) -> None:
    west, south, east, north = atlas.bounds_of(context)
    assert -180 <= west < east <= 180
    assert -90 <= south < north <= 90
    for town in atlas.town_names(context.workspace):
        assert all(math.isfinite(value) for value in atlas.bounds_of(context, town))
