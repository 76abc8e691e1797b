"""One HTML file that opens from a memory stick: the same map, its scripts and its data inside, no network."""

import base64
import gzip
import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geo.errors import InputError
from geo.tiles import TileSource
from views import assets
from views.compile import inline_json, script_module
from views.labels import HTML_LANGUAGE, Language, label, say
from views.maps import LayerState, MapSpec, compile_spec, layer_patch, words
from views.tilestore import EVERYONE, pack, store

PANEL = Path(__file__).with_name("livemap.js")
_AROUND_STYLE = """
.mark { position: fixed; top: 6px; right: 14px; margin: 0; color: #8a2a00; font-weight: bold; background: #fff; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; margin: 4px 0 8px; }
.bar select, .bar input[type=search] { font: inherit; padding: 4px 8px; max-width: 18em; }
.bar fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 12px; }
.bar legend { float: left; margin-right: 8px; }
#found { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; }
#found button { font: inherit; padding: 4px 10px; margin-bottom: 6px; cursor: pointer; }
main { display: grid; grid-template-columns: minmax(0, 1fr) 22em; gap: 12px; }
#card { overflow-y: auto; max-height: 82vh; border: 1px solid #c7d0d6; border-radius: 4px; padding: 4px 14px; }
#card h2 { font-size: 18px; margin: 8px 0 0; } #card dl { margin: 6px 0; } #card dt { font-weight: 600; margin-top: 6px; }
#card dd { margin: 0; padding-left: 8px; border-left: 4px solid #9aa5ad; }
#card dd.met { border-color: #1f5f8b; } #card dd.gap { border-color: #c23f05; } #card dd.disputed { border-color: #b98a00; }
.hint, footer { color: #4a5761; }
:focus-visible { outline: 3px solid #d6006c; outline-offset: 1px; }
@media (max-width: 900px) { main { grid-template-columns: minmax(0, 1fr); } #card { max-height: none; } }
"""
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
const atlas = new AtlasMap(document.getElementById("map"), { title: DATA.title, words: DATA.words, compose }, window.L, (_, event) => panel?.(event));
atlas.tiles.options.maxNativeZoom = DATA.maxZoom + 1;
const fit = () => { atlas.root.style.height = `${Math.max(320, window.innerHeight - atlas.holder.offsetTop - 12)}px`; };
window.addEventListener("resize", fit);
DATA.patch.height = 600;
const panel = DATA.themes ? makePanel(atlas, DATA) : null;
atlas.apply(DATA.patch).then(fit);
atlas.holder.atlas = atlas;
"""


@dataclass(frozen=True)
class Theme:
    """One way to colour the map: its name, and how each layer then looks."""

    label: str
    states: Mapping[str, LayerState]


@dataclass(frozen=True)
class Around:
    """What stands around an exported map: themes, the classes one may switch off, cards, mark and notes.

    `cards` holds, by layer and position, what a click or a search shows: name, place, keys, rows, bounds.
    """

    layer: str
    themes: tuple[Theme, ...]
    cards: Mapping[str, list[Any]]
    statuses: tuple[str, ...]
    mark: str
    notes: tuple[str, ...] = ()


def export_html(
    spec: MapSpec,
    states: Mapping[str, LayerState],
    *,
    title: str,
    basis: Mapping[str, str],
    max_zoom: int = 13,
    max_bytes: int = 40_000_000,
    around: Around | None = None,
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
    around
        Themes, filters, search and cards beside the map; without it, the map alone.

    Raises
    ------
    InputError
        If a layer is kept for some roles only, or the page would be too large.

    """
    seen = replace(spec, hillshade=None, surfaces=(), layers=tuple(_visible(spec, states)))
    compiled = compile_spec(seen)
    patches = {layer.id: layer_patch(layer, states.get(layer.id) or LayerState()) for layer in seen.layers}
    themes: list[dict[str, Any]] = [
        {
            "label": theme.label,
            "states": {i.id: layer_patch(i, theme.states.get(i.id) or LayerState()) for i in seen.layers},
        }
        for theme in (around.themes if around else ())
    ]
    values = _values(patches)
    for theme in themes:
        values |= _values(theme["states"])
    data = {
        "title": title,
        "words": {**words(spec.language), "click_one": say(spec.language, "livemap_click")},
        "maxZoom": max_zoom,
        "tiles": _tiles(seen, max_zoom, max_bytes),
        "values": values,
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
    if around is not None:
        data |= {"themes": themes, "layer": around.layer, "cards": around.cards, "statuses": around.statuses}
    page = _page(title, basis, script_module(compiled), data, spec.language, around)
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


def _page(
    title: str,
    basis: Mapping[str, str],
    module: str,
    data: Mapping[str, Any],
    language: Language,
    around: Around | None,
) -> bytes:
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
{_AROUND_STYLE if around else ""}
</style></head><body>
<h1>{html.escape(title)}</h1>
<details><summary>{label("text", "facts", language)}</summary><dl>{rows}</dl></details>
{_body(around, language)}
{scripts}<script type="module">
const DATA = {inline_json(dict(data))};
{_safe(own)}
{_safe(compose)}
{_safe(PANEL.read_text(encoding="utf-8")) if around else ""}
{_START}
</script></body></html>
"""
    return page.encode()


def _body(around: Around | None, language: Language) -> str:
    """Write what stands around the map; every text is escaped."""
    if around is None:
        return '<div id="map" class="atlas-holder"></div>'

    def text(key: str) -> str:
        return html.escape(say(language, key))

    notes = "".join(f"<p>{html.escape(note)}</p>" for note in around.notes)
    return f"""<p class="mark">{html.escape(around.mark)}</p>
<div class="bar" role="search"><label>{text("livemap_need")} <select id="theme"></select></label>
<fieldset id="statuses"><legend>{text("livemap_status")}</legend></fieldset>
<label>{text("livemap_search")} <input id="search" type="search" autocomplete="off"></label></div>
<ul id="found" aria-live="polite"></ul>
<main><div id="map" class="atlas-holder"></div><aside id="card" aria-live="polite"></aside></main>
<footer>{notes}</footer>"""


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
