"""A folium map rendered once: a script, the files it needs and its markup, none of them from outside.

folium composes; what reaches the browser is fixed text with stable names, so that the same composition has the same
hash. Data never passes through here: it travels as tiles and patches.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import folium
from branca.element import CssLink, Element, JavascriptLink
from folium.template import Template

from geo.errors import InputError
from views.assets import FOLIUM, Assets

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[^\s\"'`)<>]+", re.IGNORECASE)
_HARMLESS = ("http://www.w3.org/2000/svg",)


@dataclass(frozen=True)
class Compiled:
    """One composition: the script's body defines `map_name`; `html` holds the element it draws in."""

    script: str
    html: str
    map_name: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]


class VectorTiles(folium.MacroElement):  # type: ignore[misc]
    """All tile layers of a map, drawn by our own canvas layer."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = atlas.vectorTiles({{ this.text }}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        super().__init__()
        self._name = "VectorTiles"
        self.text = inline_json({"layers": layers})


def esc(text: object) -> str:
    """Make any text safe inside markup and inside the script templates folium writes.

    `html.escape` alone is not enough: folium puts popups into template literals, where `${...}` runs, and reads what
    it has rendered as a Jinja template once more, where `{{...}}` runs on the server.

    >>> esc('<b>${x}`\\\\')
    '&lt;b&gt;&#36;&#123;x}&#96;&#92;'
    """
    safe = html.escape(str(text), quote=True)
    for raw, entity in (("$", "&#36;"), ("`", "&#96;"), ("\\", "&#92;"), ("{", "&#123;")):
        safe = safe.replace(raw, entity)
    return safe


def compile_map(composed: folium.Map, assets: Assets) -> Compiled:
    """Render a folium map to fixed text.

    Parameters
    ----------
    composed
        The map with its layers and plugins. Its names are replaced by stable ones.
    assets
        The local files that take the place of folium's.

    Raises
    ------
    InputError
        If an element asks for a file that is not held here, or any address in the result is not local.

    """
    figure = composed.get_root()
    for number, element in enumerate(_walk(figure)):
        element._id = f"{number:04d}"
    scripts, styles = _links(composed, assets)
    figure.render()
    script = _own_text(figure.script)
    markup = _own_text(figure.html)
    refuse_foreign(script + markup + " ".join(scripts + styles))
    return Compiled(script, markup, composed.get_name(), tuple(scripts), tuple(styles))


def refuse_foreign(text: str) -> None:
    """Stop at the first address that leads outside.

    >>> refuse_foreign('L.tileLayer("/atlas/hillshade/{z}/{x}/{y}.png")')
    """
    for found in _ADDRESS.findall(text):
        if not found.startswith(_HARMLESS):
            raise InputError(f"地图里有外部地址“{found[:80]}”。本系统在内网运行，只能使用本机地址。")


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element._children.values():
        yield from _walk(child)


def _links(composed: folium.Map, assets: Assets) -> tuple[list[str], list[str]]:
    """Collect the local addresses of every file the elements ask for, each once, in order."""
    scripts: dict[str, None] = {}
    styles: dict[str, None] = {}
    for element in _walk(composed):
        for found, wanted in ((scripts, "default_js"), (styles, "default_css")):
            for name, _ in getattr(element, wanted, ()):
                if name not in FOLIUM:
                    raise InputError(f"地图组件 {type(element).__name__} 需要“{name}”，本机没有这个文件。")
                local = FOLIUM[name]
                if local is not None:
                    found[assets.address(local)] = None
            setattr(element, wanted, [])
        if isinstance(element, JavascriptLink | CssLink):
            raise InputError(f"地图组件带有链接“{element.url}”。请把文件列入 views/assets.py。")
    return list(scripts), list(styles)


def _own_text(part: Element) -> str:
    """Join what the elements wrote, in order."""
    return "\n".join(child.render() for child in part._children.values()).strip()


def script_module(compiled: Compiled) -> str:
    """Wrap the script as a module: it is given Leaflet, our layer and returns the map.

    The page may show the same map twice, so the element is found inside `root`, not by its id.
    """
    wanted = re.compile(r'L\.map\(\s*"' + re.escape(compiled.map_name) + '"')
    body, count = wanted.subn("L.map(root", compiled.script)
    if count != 1:
        raise InputError("地图脚本不是预期的样子：请检查 folium 版本。")
    return f"export default function (L, atlas, root) {{\n{body}\nreturn {compiled.map_name};\n}}\n"


def inline_json(value: Any) -> str:
    """Write JSON that may stand inside a script element and inside a template of folium's.

    A brace before a brace, per cent or hash sign can only be part of a text, and would open a Jinja expression.

    >>> inline_json("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for raw, safe in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(raw, safe)
    return re.sub(r"\{(?=[{%#])", r"\\u007b", text)
