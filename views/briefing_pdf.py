"""A briefing as an A4 paper, set by typst; texts go in as data, so that no name is ever read as a command."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import typst

from geo.errors import InputError
from views.briefing import Briefing
from views.briefing_fonts import find_font
from views.briefing_pptx import BAR_ORDER, printable, rows_of
from views.labels import label
from views.palette import STATUS
from views.publication import HIDDEN

TEMPLATE = Path(__file__).with_name("briefing.typ")
_TITLES = {"分镇": "各乡镇情况（村·项）", "道路分镇": "自然村通硬化路", "危房分镇": "C、D级危房"}


def paper(brief: Briefing) -> bytes:
    """Write a briefing as a PDF; the same briefing and fonts give the same bytes.

    Raises
    ------
    InputError
        The machine has no Chinese font, or the paper cannot be set.
    """
    font = find_font()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copyfile(TEMPLATE, root / "main.typ")
        for at, picture in enumerate(brief.pictures):
            (root / f"map{at}.png").write_bytes(picture.png)
        (root / "data.json").write_text(json.dumps(_data(brief, font.family), ensure_ascii=False), encoding="utf-8")
        try:
            made: bytes = typst.compile(
                str(root / "main.typ"), root=str(root), font_paths=[str(font.path.parent)], timestamp=0
            )
        except (RuntimeError, ValueError) as error:
            raise InputError(f"PDF 排版失败：{error}。请改用 pptx 或 html，并把这句话告诉维护人员。") from error
    return made


def _data(brief: Briefing, family: str) -> dict[str, Any]:
    clauses = brief.tables["政策参数"]
    clauses = clauses[clauses["类别"] == "要求"][["名称", "取值", "条款", "原文或来源"]]
    facts = pd.DataFrame({"项目": list(brief.sources), "内容": list(brief.sources.values())})
    tables = [_table(title, brief.tables[name]) for name, title in _TITLES.items() if name in brief.tables]
    last = [_table("要求和条款", clauses, (2.2, 1, 2.2, 6), 8), _table("数据依据", facts, (1.6, 6), 8)]
    return {
        "font": family,
        "title": printable(brief.title),
        "office": printable(brief.office),
        "mark": brief.rules.mark,
        "watermark": "" if brief.rules.is_public else brief.rules.mark,
        "day": brief.day,
        "version": brief.sources["数据版本"],
        "notes": [printable(note) for note in (*brief.notes, *_missing(brief))],
        "figures": [{"label": item.label, "value": item.value, "note": item.note} for item in brief.figures],
        "keys": [
            {"label": label("status", n), "color": STATUS[n].color, "outline": STATUS[n].outline} for n in BAR_ORDER
        ],
        "bars": _bars(brief),
        "tables": tables,
        "pictures": [
            {"title": item.title, "file": f"map{at}.png", "text": item.text} for at, item in enumerate(brief.pictures)
        ],
        "last": last,
    }


def _missing(brief: Briefing) -> tuple[str, ...]:
    if not brief.missing:
        return ()
    return (
        f"下列字本机字体没有，文中可能显示为方框：{'、'.join(f'U+{ord(letter):04X}' for letter in brief.missing)}。",
    )


def _bars(brief: Briefing) -> list[dict[str, Any]]:
    found = []
    for row in brief.tables.get("总览", pd.DataFrame()).to_dict("records"):
        counts = {name: row[label("status", name)] for name in BAR_ORDER}
        if HIDDEN in counts.values():
            continue
        every = sum(counts.values())
        parts = [
            {
                "share": count / every,
                "text": str(count) if count / every >= 0.04 else "",
                "color": STATUS[name].color,
                "outline": STATUS[name].outline,
                "ink": "#ffffff" if name in ("met", "gap") else "#16202a",
            }
            for name, count in counts.items()
            if count
        ]
        low, high = row["至少（%）"], row["至多（%）"]
        text = f"{low:.0f}%" if low == high else f"{low:.0f}—{high:.0f}%"
        found.append({"label": printable(str(row["项目"])), "parts": parts, "range": text})
    return found


def _table(title: str, table: pd.DataFrame, widths: tuple[float, ...] = (), size: float = 9) -> dict[str, Any]:
    numeric = [all(not isinstance(value, str) or value == HIDDEN for value in table[name]) for name in table.columns]
    return {
        "title": title,
        "columns": [str(name) for name in table.columns],
        "rows": rows_of(table),
        "numeric": numeric,
        "widths": list(widths) or [1.0 if is_number else 1.3 for is_number in numeric],
        "size": size,
    }
