"""The sheets of a visit on paper, one a village or one a house: sketch, what is known, what is asked, room to write."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst

from geo.errors import InputError
from layers.workspace import Workspace
from tracker.questions import KINDS, UNKNOWN_WORD, YES_NO, Question
from tracker.visit_workbook import PRIVATE
from tracker.visits import Row, Visit
from views.briefing_fonts import find_font
from views.briefing_pptx import printable
from views.visit_map import sketch

TEMPLATE = Path(__file__).with_name("visit.typ")
MOST_SHEETS = 300
NEAR_M = 500.0
_IN_BLOCKS = 3  # with more questions than that a row gets a box of its own
Private = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Sheet:
    """One sheet: its heading, its rows by kind, and its sketch."""

    title: str
    sub: str
    rows: Sequence[Row]
    picture: bytes | None


def paper(
    visit: Visit,
    rows: Sequence[Row],
    workspace: Workspace,
    *,
    office: str,
    by_house: bool = False,
    private: Private | None = None,
) -> bytes:
    """Write the sheets of a visit as a PDF; the same visit, map and fonts give the same bytes.

    Raises
    ------
    InputError
        Too many sheets for one file, no Chinese font, or the paper cannot be set.
    """
    sheets = _by_house(rows, workspace) if by_house else _by_village(rows, workspace)
    if len(sheets) > MOST_SHEETS:
        raise InputError(f"一次最多印 {MOST_SHEETS} 份，现在是 {len(sheets)} 份。请分几次走访，或改为按村打印。")
    font = find_font()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copyfile(TEMPLATE, root / "main.typ")
        listed = [_sheet(root, at, sheet, private or {}) for at, sheet in enumerate(sheets)]
        data = {
            "font": font.family, "title": printable(visit.title), "office": printable(office), "visit": f"{printable(visit.title)} {visit.visit_id}",
            "day": visit.day.isoformat(), "who": printable(visit.who), "mark": _mark(visit, private), "sheets": listed,
        }  # fmt: skip
        (root / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        try:
            made: bytes = typst.compile(
                str(root / "main.typ"), root=str(root), font_paths=[str(font.path.parent)], timestamp=0
            )
        except (RuntimeError, ValueError) as error:
            raise InputError(f"走访单排版失败：{error}。请改用 Excel，并把这句话告诉维护人员。") from error
    return made


def sheet_count(rows: Sequence[Row], *, by_house: bool) -> int:
    """Return how many sheets the rows would make: one a village, or one a household beside those."""
    single = [row for row in rows if row.kind in ("households", "houses")] if by_house else []
    others = {row.village_id for row in rows if not by_house or row.kind not in ("households", "houses")}
    return len(others) + len({row.id for row in single})


def _mark(visit: Visit, private: Private | None) -> str:
    if private:
        return "含个人信息：只供走访人使用，用后销毁"
    return "内部资料，不得转发" if visit.is_personal else "内部资料"


def _by_village(rows: Sequence[Row], workspace: Workspace) -> list[Sheet]:
    order = list(dict.fromkeys(row.village_id for row in rows))
    made = []
    for village_id in order:
        mine = [row for row in rows if row.village_id == village_id]
        numbered = _numbered(mine)
        picture = sketch(workspace, village_id, numbered) if village_id else None
        name = mine[0].village or "未登记到村"
        made.append(Sheet(f"{name} 走访单", f"{mine[0].town}　{village_id}", mine, picture))
    return made


def _by_house(rows: Sequence[Row], workspace: Workspace) -> list[Sheet]:
    """One sheet a household; rows that are no household come on the sheet of their village."""
    single = [row for row in rows if row.kind in ("households", "houses")]
    made = _by_village([row for row in rows if row not in single], workspace)
    for unit in dict.fromkeys(row.id for row in single):
        mine = [row for row in single if row.id == unit]
        row = mine[0]
        picture = sketch(workspace, row.village_id, [(1, row)], near_m=NEAR_M) if row.village_id else None
        made.append(
            Sheet(f"{row.village or '未登记到村'} 户 {unit} 走访单", f"{row.town}　{row.village_id}", mine, picture)
        )
    return made


def _numbered(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """Number the rows kind by kind, as the tables do; villages and needs have no mark of their own."""
    found = []
    for kind in KINDS:
        listed = [row for row in rows if row.kind == kind]
        if kind not in ("needs", "villages", "projects"):
            found += list(enumerate(listed, start=1))
    return found


def _sheet(root: Path, at: int, sheet: Sheet, private: Private) -> dict[str, Any]:
    name = ""
    if sheet.picture is not None:
        name = f"map{at}.png"
        (root / name).write_bytes(sheet.picture)
    groups = [
        _group(kind, listed, private) for kind in KINDS if (listed := [row for row in sheet.rows if row.kind == kind])
    ]
    facts = ["没有去看的留空；去了也弄不清的勾“不清楚”。台账：发出这份单子时台账上的数。"]
    return {"title": printable(sheet.title), "sub": printable(sheet.sub), "map": name, "facts": facts, "groups": groups}


def _group(kind: str, rows: Sequence[Row], private: Private) -> dict[str, Any]:
    questions = rows[0].questions
    title = f"{KINDS[kind]}（{len(rows)}）"
    if len(questions) > _IN_BLOCKS or kind == "houses":
        blocks = [
            {
                "title": f"{at}　{printable(row.name)}{_person(private.get(row.id, {}))}", "known": printable(row.known),
                "answers": [_answer(question, row) for question in row.questions],
            }
            for at, row in enumerate(rows, start=1)
        ]  # fmt: skip
        return {"title": title, "columns": [], "widths": [], "rows": [], "blocks": blocks}
    shared = {row.known for row in rows} if kind != "needs" else set()
    has_known = any(row.known for row in rows) and len(shared) != 1
    title += f"　{printable(shared.pop())}" if len(shared) == 1 and not has_known else ""
    known, room = (["已知情况"], [3.4 if kind == "needs" else 1.6]) if has_known else ([], [])
    first = ["事项", *known] if kind == "needs" else ["号", "名称", *known]
    heads = ["核实"] if kind == "needs" else [f"{question.label}（核实）" for question in questions]
    asks = [2.6 if len(question.choices) > len(YES_NO) else 2.0 if question.choices else 1.7 for question in questions]
    widths = [1.5, *room, 2.2, 1.6] if kind == "needs" else [0.4, 1.3, *room, *asks, 1.5]
    listed = []
    for at, row in enumerate(rows, start=1):
        texts = [row.title] if kind == "needs" else [str(at), row.name]
        texts += [row.known] if has_known else []
        answers = [_answer(question, row) for question in row.questions]
        listed.append({"texts": [printable(text) for text in texts], "answers": answers})
    return {"title": title, "columns": [*first, *heads, "备注"], "widths": widths, "rows": listed, "blocks": []}


def _person(person: Mapping[str, str]) -> str:
    said = "　".join(f"{word} {person[name]}" for name, word in PRIVATE.items() if person.get(name))
    return f"　{printable(said)}" if said else ""


def _answer(question: Question, row: Row) -> dict[str, Any]:
    had = question.show(row.sent.get(question.field, ""))
    words = [word for word in question.words if word != UNKNOWN_WORD]
    return {
        "label": question.label,
        "had": printable(had),
        "words": [*words, UNKNOWN_WORD] if words else [],
        "unit": question.unit,
        "unclear": UNKNOWN_WORD,
    }
