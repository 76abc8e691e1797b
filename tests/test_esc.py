"""Text that means harm must reach the map as text."""

import json

import folium
import folium.plugins
import pytest

from geo.errors import InputError
from views import assets
from views.compile import VectorTiles, compile_map, esc, inline_json, refuse_foreign, script_module

PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
    "`);alert(1);(`",
    "\\`${alert(1)}",
    "</script><script>alert(1)</script>",
    '"]});alert(1);//',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "\u2028alert(1)",
    "&lt;b&gt;",
    "{{7*7}}{% raw %}",
    "{{{7*7}}}{# {{ cycler.__init__.__globals__ }}",
    "<svg/onload=alert(1)>",
    "<!--<script>",
    "甲村<b>",
    "]]>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_esc_leaves_nothing_that_markup_or_a_template_literal_acts_on(payload: str) -> None:
    safe = esc(payload)
    assert not set("<>\"'$`\\{") & set(safe)


def test_esc_reads_back_as_the_same_text() -> None:
    import html

    for payload in PAYLOADS:
        assert html.unescape(esc(payload)) == payload


@pytest.mark.parametrize("payload", PAYLOADS)
def test_json_in_a_script_stays_json(payload: str) -> None:
    text = inline_json({"name": payload})
    assert json.loads(text) == {"name": payload}
    assert not set("<>&\u2028\u2029") & set(text)
    assert not [mark for mark in ("{{", "{%", "{#") if mark in text]


class Held:
    def address(self, name: str) -> str:
        return f"/atlas/assets/d/{name}"


def base() -> folium.Map:
    return folium.Map(location=[25, 110], zoom_start=9, tiles=None)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_layers_cannot_leave_their_string(payload: str) -> None:
    composed = base()
    VectorTiles([{"id": "v", "label": payload}]).add_to(composed)
    script = script_module(compile_map(composed, Held()))  # type: ignore[arg-type]
    assert "</script" not in script
    line = next(text for text in script.splitlines() if "atlas.vectorTiles(" in text)
    literal = line[line.index("vectorTiles(") + 12 : line.rindex(").addTo")]
    assert json.loads(literal)["layers"][0]["label"] == payload


def test_the_same_composition_has_the_same_text() -> None:
    first, second = (compile_map(base(), Held()) for _ in range(2))  # type: ignore[arg-type]
    assert first == second


def test_folium_asks_only_for_files_held_here() -> None:
    compiled = compile_map(base(), Held())  # type: ignore[arg-type]
    assert compiled.scripts == ("/atlas/assets/d/leaflet.js",)
    assert compiled.styles == ("/atlas/assets/d/leaflet.css",)


@pytest.mark.parametrize(
    "add",
    [
        lambda m: folium.TileLayer("OpenStreetMap").add_to(m),
        lambda m: folium.TileLayer("//t0.tianditu.gov.cn/{z}/{x}/{y}", attr="x").add_to(m),
        lambda m: folium.raster_layers.ImageOverlay("https://example.org/a.png", [[0, 0], [1, 1]]).add_to(m),
        lambda m: folium.plugins.HeatMap([[25, 110]]).add_to(m),
        lambda m: folium.Marker([25, 110], icon=folium.CustomIcon("http://10.0.0.1/i.png")).add_to(m),
    ],
)
def test_anything_from_outside_is_refused(add) -> None:
    composed = base()
    add(composed)
    with pytest.raises(InputError, match=r"外部地址|本机没有"):
        compile_map(composed, Held())  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["https://a.b/c", "//a.b/c", "wss://x/y", "ftp://x/y", "HTTP://X/y"])
def test_foreign_addresses_of_any_kind(text: str) -> None:
    with pytest.raises(InputError):
        refuse_foreign(f'"{text}"')


def test_our_scripts_never_write_markup_and_name_no_outside_address() -> None:
    text = assets.bundle().decode()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert forbidden not in text
    refuse_foreign("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//")))
    assert text.count("export ") == 1
    assert "import {" not in text
