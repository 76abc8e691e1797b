"""The exported page: everything inside, nothing from outside, nothing that is not for everyone."""

import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from shapely import Point, box

from geo.errors import InputError, StoreError
from views import assets
from views.export_html import export_html
from views.maps import ClassStyle, LayerState, MapSpec, TileLayer, register_column, register_labels, register_source

EVIL = "</script><script>window.__x=1</script><img src=x onerror=window.__x=1>${window.__x=1}"


@pytest.fixture(scope="module")
def county() -> tuple[MapSpec, dict[str, LayerState]]:
    try:
        assets.load()
    except StoreError as missing:
        pytest.skip(str(missing))
    cells = [box(113 + i * 0.02, 25, 113.02 + i * 0.02, 25.02) for i in range(2)]
    frame = gpd.GeoDataFrame({"village_id": ["a", "b"]}, geometry=cells, crs=4490)
    layer = TileLayer("villages", "村" + EVIL, register_source(frame, id_field="village_id", kind="polygon"), "polygon")
    state = LayerState(
        columns={"s": register_column(np.array([0, 1])), "unused": register_column(np.array([9, 9]))},
        color_by="s",
        classes=(ClassStyle("好" + EVIL, "#3a8fc4"), ClassStyle("差", "#c8450b", "cross")),
        labels_column=register_labels([EVIL, "乙村"]),
        show_labels=True,
    )
    return MapSpec((layer,), (113, 25, 113.04, 25.02), hillshade="abc"), {"villages": state}


def test_nothing_points_outside_and_nothing_is_markup(county) -> None:
    page = export_html(*county, title="县" + EVIL, basis={"政策": EVIL}, max_zoom=12).decode()
    # Leaflet's banner links to its site; nothing is loaded from there, and the policy would refuse it.
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page.replace('href="https://leafletjs.com"', ""))
    assert not re.search(r"(url\(|import\(|fetch\()[\"']?(https?:)?//", page)
    assert "/atlas/hillshade" not in page
    assert page.count("<script") == 3 + page.count("<script>window") == 3
    assert "default-src 'none'" in page
    assert len(re.findall(r"<img", page.split("<script")[0])) == 0


def test_the_same_map_gives_the_same_page(county) -> None:
    first = export_html(*county, title="县", basis={"日": "2026-11-22"}, max_zoom=10)
    assert export_html(*county, title="县", basis={"日": "2026-11-22"}, max_zoom=10) == first


def test_a_layer_kept_for_some_is_refused_and_hidden_ones_stay_home(county) -> None:
    spec, states = county
    houses = gpd.GeoDataFrame({"household_id": ["h"]}, geometry=[Point(113.01, 25.01)], crs=4490)
    digest = register_source(houses, id_field="household_id", kind="point", audience=frozenset({"households"}))
    both = replace(spec, layers=(*spec.layers, TileLayer("houses", "住户", digest, "point")))
    with pytest.raises(InputError, match="部分角色"):
        export_html(both, states, title="县", basis={}, max_zoom=9)
    hidden = {**states, "houses": LayerState(visible=False)}
    page = export_html(both, hidden, title="县", basis={}, max_zoom=9).decode()
    assert digest not in page
    assert "住户" not in page


def test_a_page_too_large_to_mail_is_refused(county) -> None:
    with pytest.raises(InputError, match="超过"):
        export_html(*county, title="县", basis={}, max_zoom=12, max_bytes=5000)
