"""A briefing as one web page that opens from a memory stick: pictures, styles and tables inside, no network."""

import base64
import html
from pathlib import Path
from typing import Any

import pandas as pd

from views.briefing import Briefing, Picture
from views.briefing_pptx import BAR_ORDER, printable, rows_of
from views.compile import inline_json
from views.labels import label
from views.palette import STATUS
from views.publication import HIDDEN

SCRIPT = Path(__file__).with_name("briefing_page.js")
SHORT = ("总览", "分镇", "道路分镇", "危房分镇")
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 16px 20px 60px; color: #16202a;
  font: 15px/1.55 "Microsoft YaHei", "Noto Sans CJK SC", "PingFang SC", sans-serif; }
h1 { font-size: 26px; line-height: 1.3; color: #1f4e79; margin: 12px 0 4px; }
h2 { font-size: 19px; color: #1f4e79; border-bottom: 2px solid #1f4e79; margin: 32px 0 10px; padding-bottom: 2px; }
.mark { position: sticky; top: 0; background: #fff; color: #8a2a00; font-weight: bold; padding: 6px 0; text-align: right;
  border-bottom: 1px solid #e3e8ec; z-index: 3; }
.note, .count, figcaption { color: #5b6770; font-size: 13px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px; }
.card { background: #f2f6f9; padding: 12px 16px; border-radius: 4px; }
.card b { display: block; font-size: 30px; line-height: 1.3; color: #1f4e79; }
.bar { display: grid; grid-template-columns: 13em 1fr 6em; gap: 10px; align-items: center; margin: 4px 0; }
.bar > span:first-child { text-align: right; }
.bar .pieces { display: flex; height: 24px; }
.pieces i { font-style: normal; font-weight: bold; font-size: 13px; text-align: center; overflow: hidden; line-height: 22px; }
.key { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; margin: 0 5px 0 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { background: #1f4e79; color: #fff; text-align: left; position: sticky; top: 0; }
th, td { padding: 4px 8px; border: 1px solid #d4dce2; vertical-align: top; }
tbody tr:nth-child(even) { background: #f6f9fb; }
.number { text-align: right; white-space: nowrap; }
.short, th { white-space: nowrap; }
.frame { max-height: 70vh; overflow: auto; }
.frame table { width: max-content; min-width: 100%; }
.frame td { max-width: 28em; }
img { width: 100%; border: 1px solid #e3e8ec; }
figure { margin: 12px 0 24px; }
details { margin: 8px 0; } summary { cursor: pointer; font-weight: bold; padding: 6px 0; }
input { font: inherit; padding: 5px 10px; width: min(26em, 100%); margin: 6px 12px 8px 0; border: 1px solid #8a98a3; }
@media print { .mark { position: fixed; top: 0; right: 0; border: 0; } .frame { max-height: none; } }
"""


def page(brief: Briefing) -> bytes:
    """Write a briefing as one self-contained web page; the same briefing gives the same bytes."""
    lists = {name: _columns(table) for name, table in brief.tables.items() if name not in SHORT}
    sections = [
        _section("总体情况", f'<div class="cards">{"".join(map(_card, brief.figures))}</div>'),
        _section("各项覆盖情况", _bars(brief.tables.get("总览", pd.DataFrame()))),
        *(_section(picture.title, _figure(picture)) for picture in brief.pictures),
        *(_section(_TITLES[name], _grid(brief.tables[name])) for name in SHORT if name in brief.tables),
        _section("清单（点开搜索）", '<div id="lists"></div>'),
        _section("数据依据", _grid(_facts(brief))),
    ]
    notes = "".join(f'<p class="note">{_text(note)}</p>' for note in brief.notes)
    text = f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(brief.title)}</title><style>{_STYLE}</style></head><body>
<div class="mark">{_text(brief.rules.mark)}</div>
<h1>{_text(brief.title)}</h1>
<p>{_text(brief.office)}　评估日 {_text(brief.day)}</p>{notes}
{"".join(sections)}
<script type="application/json" id="tables">{inline_json(lists)}</script>
<script>{SCRIPT.read_text(encoding="utf-8")}</script>
</body></html>
"""
    return text.encode()


_TITLES = {"总览": "各项情况", "分镇": "各乡镇情况（村·项）", "道路分镇": "自然村通硬化路", "危房分镇": "C、D级危房"}


def _text(value: Any) -> str:
    return html.escape(printable(str(value)))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{body}</section>\n"


def _card(figure: Any) -> str:
    return (
        f'<div class="card">{_text(figure.label)}<b>{_text(figure.value)}</b>'
        f'<span class="note">{_text(figure.note)}</span></div>'
    )


def _figure(picture: Picture) -> str:
    inside = base64.b64encode(picture.png).decode()
    caption = _text(picture.text)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{inside}"><figcaption>{caption}</figcaption></figure>'
    )


def _facts(brief: Briefing) -> pd.DataFrame:
    return pd.DataFrame({"项目": list(brief.sources), "内容": list(brief.sources.values())})


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    numeric = [all(not isinstance(value, str) or value == HIDDEN for value in table[name]) for name in table.columns]
    return {"columns": [str(name) for name in table.columns], "rows": rows_of(table), "numeric": numeric}


def _grid(table: pd.DataFrame) -> str:
    held = _columns(table)
    head = "".join(f"<th>{_text(name)}</th>" for name in held["columns"])
    lines = []
    for row in held["rows"]:
        cells = zip(row, held["numeric"], strict=True)
        line = "".join(
            f'<td class="number">{_text(v)}</td>' if number else f"<td>{_text(v)}</td>" for v, number in cells
        )
        lines.append(f"<tr>{line}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _bars(table: pd.DataFrame) -> str:
    keys = "".join(
        f'<span class="key" style="background:{STATUS[name].color};border:1px solid {STATUS[name].outline}"></span>'
        f"{_text(label('status', name))}"
        for name in BAR_ORDER
    )
    return f"<p>{keys}</p>" + "".join(_bar(row) for row in table.to_dict("records"))


def _bar(row: dict[str, Any]) -> str:
    counts = {name: row[label("status", name)] for name in BAR_ORDER}
    if HIDDEN in counts.values():
        return ""
    pieces = "".join(
        f'<i style="flex:{count};background:{STATUS[name].color};border:1px solid {STATUS[name].outline};'
        f'color:{"#fff" if name in ("met", "gap") else "#16202a"}">{count}</i>'
        for name, count in counts.items()
        if count
    )
    low, high = row["至少（%）"], row["至多（%）"]
    share = f"{low:.0f}%" if low == high else f"{low:.0f}—{high:.0f}%"
    return f'<div class="bar"><span>{_text(row["项目"])}</span><span class="pieces">{pieces}</span><b>{share}</b></div>'
