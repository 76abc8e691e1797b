"""One HTML file that opens from a memory stick: the same map, its scripts and its data inside, no network."""

import base64
import gzip
import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from geo.errors import InputError
from geo.tiles import TileSource
from views import assets
from views.compile import inline_json, script_module
from views.labels import HTML_LANGUAGE, Language, label
from views.maps import LayerState, MapSpec, compile_spec, layer_patch, words
from views.tilestore import EVERYONE, pack, store

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_START = """
const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
};
useSource({
  tile: async (key) => (DATA.tiles[key] ? unpack(DATA.tiles[key]) : null),
  codes: async (digest) => unpack(DATA.values[digest]),
  texts: async (digest) => JSON.parse(new TextDecoder().decode(await unpack(DATA.values[digest]))),
});
const atlas = new AtlasMap(document.getElementById("map"), { title: DATA.title, words: DATA.words, compose }, window.L, () => {});
atlas.tiles.options.maxNativeZoom = DATA.maxZoom + 1;
const fit = () => { atlas.root.style.height = `${Math.max(320, window.innerHeight - atlas.holder.offsetTop - 12)}px`; };
window.addEventListener("resize", fit);
atlas.apply({ ...DATA.patch, height: 600 }).then(fit);
atlas.holder.atlas = atlas;
"""


def export_html(
    spec: MapSpec,
    states: Mapping[str, LayerState],
    *,
    title: str,
    basis: Mapping[str, str],
    max_zoom: int = 13,
    max_bytes: int = 40_000_000,
) -> bytes:
    """Write a map as one self-contained HTML page.

    Parameters
    ----------
    spec, states
        What `show_map` shows. Only layers that are visible, and only columns in use, are written.
    title
        Heading of the page.
    basis
        What the figures rest on (files, policy, day, code version), shown under the map: label and text.
    max_zoom
        The last tile zoom written; beyond it the map is enlarged.
    max_bytes
        Refuse to write more than this.

    Raises
    ------
    InputError
        If a layer is kept for some roles only, or the page would be too large.

    """
    seen = replace(spec, hillshade=None, layers=tuple(_visible(spec, states)))
    compiled = compile_spec(seen)
    patches = {layer.id: layer_patch(layer, states.get(layer.id) or LayerState()) for layer in seen.layers}
    data = {
        "title": title,
        "words": words(spec.language),
        "maxZoom": max_zoom,
        "tiles": _tiles(seen, max_zoom, max_bytes),
        "values": _values(patches),
        "patch": {
            "key": "export",
            "bounds": list(seen.bounds),
            "view": None,
            "reportsView": False,
            "states": patches,
            "selected": {},
            "focus": None,
            "flash": None,
        },
    }
    page = _page(title, basis, script_module(compiled), data, spec.language)
    if len(page) > max_bytes:
        raise InputError(
            f"导出的网页有 {len(page) / 1e6:.0f} MB，超过 {max_bytes / 1e6:.0f} MB。请少选图层或降低最大级别。"
        )
    return page


def _visible(spec: MapSpec, states: Mapping[str, LayerState]) -> Iterator[Any]:
    for layer in spec.layers:
        kept = store().sources.get(layer.source)
        state = states.get(layer.id) or LayerState(visible=layer.visible)
        if not state.visible or kept is None:
            continue
        if kept.audience != EVERYONE:
            raise InputError(f"图层“{layer.label}”只限部分角色查看，不能导出到网页。请先关闭该图层。")
        yield layer


def _tiles(spec: MapSpec, max_zoom: int, max_bytes: int) -> dict[str, str]:
    """Every tile of every layer from the zoom where the map fills a screen, compressed."""
    found: dict[str, str] = {}
    size = 0
    for layer in spec.layers:
        kept = store().sources.get(layer.source)
        if kept is None:
            continue
        for z, x, y in _covering(kept.item, max_zoom):
            content = kept.item.tile(z, x, y) if z >= layer.min_zoom else b""
            if content:
                text = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
                size += len(text)
                found[f"{layer.source}/{z}/{x}/{y}"] = text
            if size > max_bytes:
                raise InputError(f"导出的网页超过 {max_bytes / 1e6:.0f} MB。请少选图层或降低最大级别。")
    return found


def _covering(source: TileSource, max_zoom: int) -> Iterator[tuple[int, int, int]]:
    bounds = source.bounds
    if bounds is None:
        return
    west, south, east, north = bounds
    for z in range(3, max_zoom + 1):
        rows = [int((0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)) * 2**z) for lat in (north, south)]
        columns = [int((lon + 180) / 360 * 2**z) for lon in (west, east)]
        for x in range(columns[0] - 1, columns[1] + 2):
            for y in range(rows[0] - 1, rows[1] + 2):
                if 0 <= x < 2**z and 0 <= y < 2**z:
                    yield z, x, y


def _values(patches: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for patch in patches.values():
        for digest in patch["columns"].values():
            column = store().columns.get(digest)
            if column is not None and column.audience == EVERYONE:
                found[digest] = base64.b64encode(gzip.compress(pack(column.item), 9, mtime=0)).decode()
        texts = store().blobs.get(patch["texts"]) if patch["texts"] else None
        if texts is not None and texts.audience == EVERYONE:
            found[patch["texts"]] = base64.b64encode(texts.item).decode()
    return found


def _page(title: str, basis: Mapping[str, str], module: str, data: Mapping[str, Any], language: Language) -> bytes:
    held = assets.load()

    def text(name: str) -> str:
        return held.files[name].content.decode()

    styles = "\n".join(_inline_images(text(name)) for name in ("leaflet.css", "fullscreen.css", "atlas.css"))
    own = text("atlas.js").replace("export default async function mount", "async function mount")
    compose = module.replace("export default function", "const compose = function", 1)
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in basis.items())
    scripts = "".join(f"<script>{_safe(text(name))}</script>\n" for name in ("leaflet.js", "fullscreen.js"))
    page = f"""<!DOCTYPE html>
<html lang="{HTML_LANGUAGE[language]}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{styles}
body {{ margin: 8px 12px; font: 14px/1.5 "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: #16202a; }}
h1 {{ font-size: 20px; margin: 4px 0 8px; }}
details dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; }}
details dd {{ margin: 0; word-break: break-all; }}
</style></head><body>
<h1>{html.escape(title)}</h1>
<details><summary>{label("text", "facts", language)}</summary><dl>{rows}</dl></details>
<div id="map" class="atlas-holder"></div>
{scripts}<script type="module">
const DATA = {inline_json(dict(data))};
{_safe(own)}
{_safe(compose)}
{_START}
</script></body></html>
"""
    return page.encode()


def _safe(script: str) -> str:
    """A closing tag inside a script would end it."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _inline_images(style: str) -> str:
    """Put the few images of the libraries into the style; a rule without its image is harmless."""
    held = assets.load()
    for name, asset in held.files.items():
        if name.startswith("images/"):
            address = f"data:image/png;base64,{base64.b64encode(asset.content).decode()}"
            style = style.replace(f"url({name})", f"url({address})")
    return style
