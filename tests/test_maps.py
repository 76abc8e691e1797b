"""What a page says about a map, and what it refuses."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Point, box

from geo.errors import InputError
from views import maps, palette
from views.mapevents import read_event
from views.maps import (
    ClassStyle,
    LayerState,
    MapEvent,
    MapSpec,
    TileLayer,
    register_column,
    register_labels,
    register_source,
    style_of,
)

BOUNDS = (113.0, 25.0, 114.0, 26.0)


@pytest.fixture(scope="module")
def houses() -> gpd.GeoDataFrame:
    places = [Point(113.1 + 0.1 * i, 25.5) for i in range(5)]
    return gpd.GeoDataFrame({"household_id": list("abcde")}, geometry=places, crs="EPSG:4490")


@pytest.fixture(scope="module")
def layer(houses) -> TileLayer:
    return TileLayer("houses", "住户", register_source(houses, id_field="household_id", kind="point"), "point")


@pytest.fixture
def spec(layer) -> MapSpec:
    return MapSpec((layer,), BOUNDS)


def test_a_frame_without_its_id_or_with_the_same_id_twice_is_refused(houses) -> None:
    with pytest.raises(InputError, match="没有“road_id”"):
        register_source(houses, id_field="road_id", kind="point")
    twice = houses.assign(household_id="a")
    with pytest.raises(InputError, match="重复"):
        register_source(twice, id_field="household_id", kind="point")


def test_a_column_of_another_length_is_refused(layer) -> None:
    state = LayerState(columns={"grade": register_column(np.zeros(4, np.uint8))}, color_by="grade")
    with pytest.raises(InputError, match="5 个要素，4 个值"):
        maps.layer_patch(layer, state)


@pytest.mark.parametrize("options", [{"color_by": "grade"}, {"filters": {"grade": (1,)}}])
def test_a_column_that_is_not_there_is_refused(layer, options) -> None:
    with pytest.raises(InputError, match="grade"):
        maps.layer_patch(layer, LayerState(**options))


def test_a_filter_is_a_few_hundred_bytes_and_no_data(layer) -> None:
    codes = register_column(np.arange(5, dtype=np.uint8))
    texts = register_labels(["甲", "乙", "丙", "丁", "戊"])
    styles = tuple(style_of(swatch) for swatch in palette.STATUS.values())
    state = LayerState({"s": codes}, "s", styles, {"s": (0, 2)}, labels_column=texts)
    patch = json.dumps(maps.layer_patch(layer, state), ensure_ascii=False)
    assert len(patch.encode()) < 1500
    assert "甲" not in patch
    only = maps.layer_patch(layer, replace(state, classes=(), filters={"s": (0, 2)}))
    assert len(json.dumps(only)) < 400
    assert only["filters"] == {"s": [0, 2]}


def test_unused_columns_are_not_sent(layer) -> None:
    used, unused = (register_column(np.full(5, n, np.uint8)) for n in (1, 2))
    sent = maps.layer_patch(layer, LayerState({"used": used, "unused": unused}, "used"))
    assert sent["columns"] == {"used": used}


def test_a_large_selection_goes_by_digest() -> None:
    few = maps._selection([("v", 3), ("h", 1), ("v", 4)])
    assert few == {"v": [3, 4], "h": [1]}
    many = maps._selection([("v", i) for i in range(101)])
    assert isinstance(many["v"], str)


def test_focus_on_a_feature_is_its_bounds(spec) -> None:
    found = maps._focus(spec, ("houses", 2), 7)
    assert found is not None
    assert found["bounds"] == pytest.approx([113.3, 25.5, 113.3, 25.5])
    assert found["nonce"] == 7
    assert maps._focus(spec, ("houses", 99), 0) is None
    assert maps._focus(spec, ("nowhere", 0), 0) is None
    assert maps._focus(spec, BOUNDS, 0) == {"bounds": list(BOUNDS), "nonce": 0}


# --- what the browser sends ----------------------------------------------------------------------------------------

VIEW = {"bounds": [113, 25, 114, 26], "center": [113.5, 25.5], "zoom": 10, "nonce": 5}
RING = [[113.05, 25.4], [113.35, 25.4], [113.35, 25.6], [113.05, 25.6]]


@pytest.fixture
def session(monkeypatch) -> dict:
    kept: dict = {}
    monkeypatch.setattr("views.mapevents.st.session_state", kept)
    return kept


def test_a_click_is_read(spec, session) -> None:
    event = read_event(spec, {}, {**VIEW, "clicked": ["houses", 3]}, "m")
    assert event == MapEvent(("houses", 3), (), (113.0, 25.0, 114.0, 26.0), 10.0, (113.5, 25.5), 5)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "x",
        [],
        {},
        {**VIEW, "nonce": "x"},
        {**VIEW, "bounds": [1, 2, 3]},
        {**VIEW, "center": None},
        {**VIEW, "clicked": ["houses", "x"]},
        {**VIEW, "ring": [[1]]},
        {**VIEW, "ring": 5},
        {**VIEW, "clicked": 5},
    ],
)
def test_what_does_not_fit_is_as_if_nothing_was_done(spec, session, raw) -> None:
    assert read_event(spec, {}, raw, "m") == MapEvent()


def test_a_layer_that_is_not_on_the_map_cannot_be_clicked(spec, session) -> None:
    assert read_event(spec, {}, {**VIEW, "clicked": ["secret", 0]}, "m").clicked is None


def test_an_area_selects_what_touches_it_and_passes_the_filter(spec, session) -> None:
    raw = {**VIEW, "ring": RING, "layers": ["houses"]}
    assert read_event(spec, {}, raw, "all").selected == (("houses", 0), ("houses", 1), ("houses", 2))
    grade = register_column(np.array([0, 1, 0, 1, 0], np.uint8))
    state = LayerState({"g": grade}, filters={"g": (1,)})
    assert read_event(spec, {"houses": state}, raw, "some").selected == (("houses", 1),)
    assert read_event(spec, {}, {**raw, "layers": []}, "hidden").selected == ()


def test_an_area_is_searched_once_and_stays_when_the_filter_changes(spec, session) -> None:
    raw = {**VIEW, "ring": RING, "layers": ["houses"]}
    first = read_event(spec, {}, raw, "m").selected
    grade = register_column(np.array([1, 1, 1, 1, 1], np.uint8))
    state = LayerState({"g": grade}, filters={"g": (0,)})
    assert read_event(spec, {"houses": state}, raw, "m").selected == first
    assert read_event(spec, {"houses": state}, {**raw, "nonce": 6}, "m").selected == ()


# --- composition ---------------------------------------------------------------------------------------------------


class Held:
    digest = "d"

    def address(self, name: str) -> str:
        return f"/atlas/assets/d/{name}"


def test_the_same_spec_gives_the_same_definition(spec, monkeypatch) -> None:
    monkeypatch.setattr(maps.assets, "load", Held)
    maps.definition_of.cache_clear()
    first = dict(maps.definition_of(spec, "d"))
    maps.definition_of.cache_clear()
    assert dict(maps.definition_of(replace(spec), "d")) == first
    assert dict(maps.definition_of(replace(spec, hillshade="abc"), "d")) != first
    maps.definition_of.cache_clear()


def test_other_bounds_are_the_same_composition(spec, monkeypatch) -> None:
    monkeypatch.setattr(maps.assets, "load", Held)
    first, second = (maps.compile_spec(replace(spec, bounds=bounds)) for bounds in (BOUNDS, (100.0, 30.0, 101.0, 31.0)))
    assert first == second, "a page that narrows its bounds would mount the map anew"


def test_relief_and_layer_control_come_only_with_a_dem(spec, monkeypatch) -> None:
    monkeypatch.setattr(maps.assets, "load", Held)
    maps.definition_of.cache_clear()
    plain = maps.definition_of(spec, "d")["module"]
    shaded = maps.definition_of(replace(spec, hillshade="abc"), "d")["module"]
    maps.definition_of.cache_clear()
    assert "/atlas/hillshade/abc/{z}/{x}/{y}.png" in shaded
    assert "hillshade" not in plain
    assert "L.control.layers" not in plain


def test_a_source_that_was_not_registered_is_refused(spec) -> None:
    unknown = replace(spec.layers[0], source="nope")
    with pytest.raises(InputError, match="没有登记"):
        maps.compose(MapSpec((unknown,), BOUNDS))


# --- palette -------------------------------------------------------------------------------------------------------


def lightness(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    y = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def test_every_status_differs_in_pattern_and_unknown_is_never_plain() -> None:
    for table in (palette.STATUS, palette.STATE):
        assert len({swatch.pattern for swatch in table.values()}) == len(table)
        assert table["unknown"].pattern == "hatch"
    assert palette.NO_DATA.pattern == "hatch"
    assert palette.GRADE["unknown"].pattern == "hatch"


def test_statuses_can_be_told_apart_without_colour() -> None:
    values = sorted(lightness(swatch.color) for swatch in palette.STATUS.values())
    assert min(np.diff(values)) >= 8


# Machado, Oliveira and Fernandes (2009), severity 1, linear RGB.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(color: str, matrix: list[list[float]]) -> np.ndarray:
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    x, y, z = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(np.array(matrix) @ linear, 0, 1) / np.array([0.9505, 1, 1.089])  # fmt: skip
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("table", ["STATUS", "STATE"])
def test_statuses_stay_apart_for_colour_blind_readers(kind: str, table: str) -> None:
    swatches = [swatch.color for swatch in getattr(palette, table).values()]
    for i, first in enumerate(swatches):
        for second in swatches[i + 1 :]:
            apart = float(np.linalg.norm(seen(first, BLINDNESS[kind]) - seen(second, BLINDNESS[kind])))
            assert apart >= 18, (first, second, apart)


def test_style_of_keeps_the_swatch() -> None:
    style = style_of(palette.STATUS["gap"], width=2, rank=3)
    assert (style.label, style.pattern, style.width, style.rank) == ("缺口", "cross", 2, 3)
    assert ClassStyle("x", "#000").pattern == "solid"


def test_polygons_may_be_registered_as_points() -> None:
    frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[box(113, 25, 113.1, 25.1)], crs="EPSG:4490")
    point = register_source(frame, id_field="id", kind="point")
    area = register_source(frame, id_field="id", kind="polygon")
    assert point != area
    assert shapely.get_type_id(frame.geometry.values[0]) == 3
