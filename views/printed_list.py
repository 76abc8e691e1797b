"""The programme by year as a paper to sign: projects by town, subtotals, money and where it comes from, maps, digests."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import typst

from analysis.plan import Programme
from geo.errors import InputError
from views import programme_files
from views.briefing_fonts import find_font, missing_letters
from views.briefing_pptx import printable
from views.context import Context
from views.labels import label, number
from views.planning import Question, Works
from views.printed_parts import basis_of, picture, told
from views.publication import INTERNAL_MARK
from views.road_words import named_in
from views.version import code_version

TEMPLATE = Path(__file__).with_name("printed_list.typ")
Paper = Literal["a3", "a4"]
WIDTHS = {"number": 0.5, "project": 0.9, "route": 3.0, "chainage": 1.5, "km": 0.8, "new_km": 0.8, "surface": 1.0, "cost": 1.0, "villages": 3.0, "people": 0.9, "poor": 0.9, "after": 0.9, "why": 3.2}  # fmt: skip
NUMERIC = {"km", "new_km", "cost", "people", "poor"}
SUMMED = ("km", "new_km", "cost", "people", "poor")
DECIMALS = {"km": 3, "new_km": 3, "cost": 1, "people": 0, "poor": 0}


@dataclass(frozen=True)
class Sheet:
    """What the paper needs of one project."""

    project_id: str
    year: int
    town: str
    cells: Mapping[str, Any]


def sheets(made: Programme, works: Works, roads: Any) -> list[Sheet]:
    """Lay out one entry a project, with the town most of its people live in (else of its road)."""
    plan = works.road_plan
    villages = plan.natural_villages.set_index("natural_village_id")
    work_of = {project_id: work for work, project_id in enumerate(made.tree.project_id)}
    is_drawn = plan.states.is_drawn if plan.states is not None else np.empty(0, bool)
    found = []
    for project in made.projects.itertuples():
        ids = [name for name in str(project.natural_village_ids).split(";") if name]
        edges = made.tree.edges[work_of[project.project_id]]
        drawn_km = 0.0
        if plan.states is not None and len(edges):
            drawn_km = float(plan.states.network.edge_length_mm[edges[is_drawn[edges]]].sum()) / 1e6
        parts = programme_files.sections(work_of[project.project_id], made, plan, roads, "zh")
        found.append(
            Sheet(
                str(project.project_id),
                int(project.year),
                _town(villages.loc[ids], parts),
                {
                    "project": project.project_id,
                    "route": _route(parts) or told("new_road"),
                    "chainage": _chainage(parts),
                    "km": float(project.length_km),
                    "new_km": float(project.new_km) + drawn_km,
                    "surface": "、".join(dict.fromkeys(label("surface", str(part["surface"])) for part in parts if isinstance(part.get("surface"), str))),
                    "cost": float(project.cost_cny10k),
                    "villages": "、".join(str(name) for name in villages.loc[ids, "name"]) or "—",
                    "people": float(project.people),
                    "poor": float(project.poor_people),
                    "after": project.after or "—",
                    "why": project.why,
                },
            )
        )  # fmt: skip
    return found


def _town(villages: pd.DataFrame, parts: Sequence[Mapping[str, Any]]) -> str:
    known = villages.dropna(subset=["town"])
    if len(known):
        return str(known.groupby("town")["population"].sum().sort_values(ascending=False, kind="stable").index[0])
    towns = [str(part["town"]) for part in parts if isinstance(part.get("town"), str)]
    return towns[0] if towns else told("no_town")


def _route(parts: Sequence[Mapping[str, Any]]) -> str:
    texts = []
    for part in parts:
        names = [part.get(key) for key in ("route_code", "name", "road_id")]
        held = [str(name) for name in names if isinstance(name, str) and name]
        texts.append(" ".join(dict.fromkeys(held[:2])) if held else "")
    listed = list(dict.fromkeys(text for text in texts if text))
    more = told("more_roads", count=len(listed)) if len(listed) > 4 else ""
    return "、".join(listed[:4]) + more


def _chainage(parts: Sequence[Mapping[str, Any]]) -> str:
    spans = [f"K{part['start_km']:.3f}–K{part['end_km']:.3f}" for part in parts if part.get("start_km") is not None]
    return " ".join(spans[:2]) + ("…" if len(spans) > 2 else "") if spans else "—"


def table_of(rows: Sequence[Sheet]) -> dict[str, Any]:
    """Lay out a year: projects by town, a subtotal after each town, the total last."""
    laid: list[dict[str, Any]] = []
    place = 0
    for town in sorted({row.town for row in rows}):
        own = [row for row in rows if row.town == town]
        for row in own:
            place += 1
            laid.append({"kind": "row", "cells": _cells({**row.cells, "number": place})})
        laid.append({"kind": "subtotal", "cells": _sums(told("subtotal", town=town, count=len(own)), own)})
    laid.append({"kind": "total", "cells": _sums(told("year_total", count=len(rows)), rows)})
    return {
        "columns": [told(f"column_{name}") for name in WIDTHS],
        "widths": list(WIDTHS.values()),
        "numeric": [name in NUMERIC for name in WIDTHS],
        "rows": laid,
    }


def _cells(values: Mapping[str, Any]) -> list[str]:
    return [
        number(values[name], DECIMALS[name]) if name in DECIMALS else printable(str(values.get(name, ""))) for name in WIDTHS
    ]  # fmt: skip


def _sums(title: str, rows: Sequence[Sheet]) -> list[str]:
    sums = {name: sum(float(row.cells[name]) for row in rows) for name in SUMMED}
    return _cells({**dict.fromkeys(WIDTHS, ""), **sums, "route": title})


def summary_of(rows: Sequence[Sheet], question: Question) -> dict[str, Any]:
    """Lay out towns by years: kilometres, money and people; the budget and what is left of it below."""
    years = [year for year, _ in question.budgets]
    names = [
        told("column_town"),
        *(told(f"sum_{what}", year=year) for year in years for what in ("km", "cost", "people")),
    ]
    names += [told("sum_all_km"), told("sum_all_cost"), told("sum_all_people")]

    def line(own: Sequence[Sheet]) -> list[str]:
        cells = []
        for year in [*years, None]:
            held = [row for row in own if year is None or row.year == year]
            cells += [
                number(sum(float(row.cells[key]) for row in held), DECIMALS[key]) for key in ("km", "cost", "people")
            ]
        return cells

    towns = sorted({row.town for row in rows})
    laid = [{"kind": "row", "cells": [town, *line([row for row in rows if row.town == town])]} for town in towns]
    laid.append({"kind": "total", "cells": [told("all"), *line(rows)]})
    used = {year: sum(float(row.cells["cost"]) for row in rows if row.year == year) for year in years}
    money = [*((amount, used[year]) for year, amount in question.budgets), (question.total_cny10k, sum(used.values()))]
    for key, values in (
        ("budget", [amount for amount, _ in money]),
        ("left", [amount - spent for amount, spent in money]),
    ):
        cells = [told(key)]
        for value in values:
            cells += ["", number(value, 1), ""]
        laid.append({"kind": "subtotal", "cells": cells})
    numeric = [False, *([True] * (len(names) - 1))]
    return {"title": told("summary"), "columns": names, "widths": [1.6, *([1.0] * (len(names) - 1))], "numeric": numeric, "rows": laid}  # fmt: skip


def printed_list(
    context: Context, works: Works, made: Programme, question: Question, *, paper: Paper = "a3", with_maps: bool = True
) -> bytes:
    """Write the programme as a PDF to print and sign; the same programme, data and fonts give the same bytes.

    Raises
    ------
    InputError
        Nothing is planned, the machine has no Chinese font, or the paper cannot be set.
    """
    rows = sheets(made, works, context.frame("roads"))
    if not rows:
        raise InputError("这个方案里没有项目，没有可打印的清单。请先增加预算。")
    font = find_font()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copyfile(TEMPLATE, root / "main.typ")
        data = _data(context, rows, question, made, font.family, paper)
        for year in data["years"]:
            if with_maps:
                year["picture"] = f"map{year['year']}.png"
                (root / year["picture"]).write_bytes(
                    picture(context, works, {row.project_id: row.year for row in rows}, year["year"])
                )
        letters = missing_letters([text for row in rows for text in map(str, row.cells.values())], font)
        if letters:
            data["notes"].append(told("letters", letters="、".join(f"U+{ord(letter):04X}" for letter in letters)))
        (root / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        try:
            made_pdf: bytes = typst.compile(
                str(root / "main.typ"), root=str(root), font_paths=[str(font.path.parent)], timestamp=0
            )
        except (RuntimeError, ValueError) as error:
            raise InputError(f"PDF 排版失败：{error}。请把这句话告诉维护人员。") from error
    return made_pdf


def _data(
    context: Context, rows: Sequence[Sheet], question: Question, made: Programme, family: str, paper: Paper
) -> dict[str, Any]:
    years = [(year, amount) for year, amount in question.budgets if any(row.year == year for row in rows)]
    first, last = question.budgets[0][0], question.budgets[-1][0]
    notes = [
        told("note_ceiling"),
        told("note_carry"),
        *(named_in(note, context.assessment.natural_villages) for note in made.notes),
    ]
    if question.locked_in or question.locked_out:
        notes.append(told("note_locks", inside=len(question.locked_in), outside=len(question.locked_out)))
    pages = []
    for year, amount in years:
        own = [row for row in rows if row.year == year]
        spent = sum(float(row.cells["cost"]) for row in own)
        text = told("year_text", budget=number(amount, 1), spent=number(spent, 1), left=number(amount - spent, 1))
        pages.append(
            {
                "year": year, "title": told("year_title", year=year, count=len(own)), "text": text, "table": table_of(own),
                "picture": "", "picture_title": told("map_title", year=year),
            }
        )  # fmt: skip
    return {
        "font": family,
        "paper": paper,
        "picture_cm": 23 if paper == "a3" else 15.2,
        "title": printable(told("title", first=first, last=last, years=len(question.budgets))),
        "subtitle": told("subtitle", day=context.day.isoformat(), policy=context.policy.title),
        "office": printable(context.office.name),
        "mark": INTERNAL_MARK,
        "watermark": label("app", "synthetic") if context.is_synthetic else "",
        "footer": told("footer", data=context.assessment.workspace_digest[:12], policy=context.assessment.policy_digest[:12], code=code_version()),
        "notes": [printable(note) for note in notes],
        "summary": [summary_of(rows, question)],
        "years": pages,
        "basis": basis_of(context, question),
        "signing": {"title": told("sign"), "columns": [told(f"sign_{name}") for name in ("made", "checked", "towns", "bureau", "leader")], "day": told("sign_day")},
    }  # fmt: skip
