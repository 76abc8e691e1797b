"""Places and stretches along many lines at once are those shapely gives one by one, to the last bit."""

import numpy as np
import pytest
import shapely
import shapely.ops
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.stretches import places_along, stretches

STEP = st.integers(-40, 40)
LINE = st.lists(st.tuples(STEP, STEP), min_size=2, max_size=12, unique=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(LINE, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_as_shapely_to_the_last_bit(asked):
    lines = np.array([shapely.LineString(np.array(xy) * 1.1 + 4e6) for xy, _, _ in asked], dtype=object)
    length = shapely.length(lines)
    one, two = np.array([low for _, low, _ in asked]), np.array([high for _, _, high in asked])
    at = np.where(one > 0.9, np.round(one * length), one * length)
    expected = shapely.get_coordinates(shapely.line_interpolate_point(lines, at))
    assert (places_along(lines, np.arange(len(lines)), at) == expected).all()
    start, end = np.minimum(one, two) * length, np.maximum(one, two) * length
    cut = stretches(lines, start, end)
    for line, low, high, mine in zip(lines, start, end, cut, strict=True):
        theirs = shapely.ops.substring(line, low, high)
        ends = shapely.get_coordinates(mine)[[0, -1]]
        assert mine.length == pytest.approx(theirs.length)
        assert (ends == shapely.get_coordinates(theirs)[[0, -1]]).all()


def test_several_places_on_one_line_and_beyond_its_ends():
    bent = shapely.LineString([(0, 0), (3, 0), (3, 0), (3, 4)])
    places = places_along([bent, bent], np.array([1, 0, 1, 1]), np.array([7.0, 3.0, -1.0, 99.0]))
    assert places.tolist() == [[3.0, 4.0], [3.0, 0.0], [0.0, 0.0], [3.0, 4.0]]


def test_nothing_asked_nothing_found():
    assert places_along([], np.empty(0, np.int64), np.empty(0)).shape == (0, 2)
    assert len(stretches([], [], [])) == 0
