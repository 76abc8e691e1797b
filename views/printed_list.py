"""The programme by year as a paper to sign: projects by town, subtotals, money and where it comes from, maps, digests."""

import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
import typst
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from analysis.plan import Programme
from analysis.policy import Policy, value_on
from geo.errors import InputError
from views import programme_files
from views.briefing_fonts import find_font, missing_letters
from views.briefing_map import draw_furniture, draw_lines, draw_towns
from views.briefing_pptx import printable
from views.context import Context
from views.drawing import source_text
from views.labels import label, number
from views.planning import Question, Works
from views.publication import INTERNAL_MARK
from views.version import code_version

TEMPLATE = Path(__file__).with_name("printed_list.typ")
Paper = Literal["a3", "a4"]
WIDTHS = {"number": 0.5, "project": 0.9, "route": 3.0, "chainage": 1.5, "km": 0.8, "new_km": 0.8, "surface": 1.0, "cost": 1.0, "villages": 3.0, "people": 0.9, "poor": 0.9, "after": 0.9, "why": 3.2}  # fmt: skip
NUMERIC = {"km", "new_km", "cost", "people", "poor"}
SUMMED = ("km", "new_km", "cost", "people", "poor")
DECIMALS = {"km": 3, "new_km": 3, "cost": 1, "people": 0, "poor": 0}
CLAUSES = (
    "hardening.min_population", "hardening.surfaces", "hardening.snap_m", "hardening.detour_factor", "road.max_grade_percent",
    "cost.hardening_cny10k_per_km", "cost.new_road_cny10k_per_km", "subsidy.road_cny10k_per_km", "road.min_pavement_m",
)  # fmt: skip


def told(key: str, **figures: object) -> str:
    """Give a text of the group `printed`; the paper is in Chinese, as it is signed."""
    return label("printed", key).format(**figures)


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


def basis_of(context: Context, question: Question) -> list[dict[str, Any]]:
    """Lay out where money comes from, the clauses and prices, and what the paper was generated from."""
    funds = [[str(year), number(amount, 1), "", ""] for year, amount in question.budgets]
    shares = context.policy.tables.get("fund_shares", {})
    if shares.get("quote"):
        funds.append(
            [told("shares"), "", str(shares["quote"]), f"《{context.policy.title}》{shares.get('reference', '')}"]
        )
    money = {
        "title": told("money"),
        "columns": [told(f"money_{name}") for name in ("year", "budget", "source", "document")],
        "widths": [0.6, 1, 3, 3],
        "numeric": [False, True, False, False],
        "rows": [{"kind": "row", "cells": cells} for cells in funds],
    }
    clauses = {
        "title": told("clauses"),
        "columns": [told(f"clause_{name}") for name in ("name", "value", "source", "strength", "quote")],
        "widths": [2, 1.2, 3, 0.8, 4],
        "numeric": [False] * 5,
        "rows": [{"kind": "row", "cells": cells} for cells in clause_rows(context.policy, context)],
    }
    done = context.assessment
    facts = [
        (told("fact_policy"), f"《{context.policy.title}》{context.policy.document} ；{done.policy_digest[:16]}"),
        (told("fact_day"), context.day.isoformat()),
        (told("fact_data"), done.workspace_digest),
        (told("fact_code"), code_version()),
    ]
    if done.choices_digest:
        chosen = done.summary["road_choices"]
        text = told("fact_chosen", lines=len(chosen["drawn_lines"]), apart=len(chosen["kept_apart"]))
        facts.append((told("fact_choices"), f"{text} {done.choices_digest}"))
    for name, source in sorted(context.workspace.sources.items()):
        if name in ("roads", "natural_villages", "towns", "villages", "bridges"):
            facts.append(
                (label("layer", name), f"{source.file_name}；{source.as_of}；{source.rows:,} 行；{source.digest[:16]}")
            )
    generated = {
        "title": told("generated"),
        "columns": [told("fact_name"), told("fact_value")],
        "widths": [1, 6],
        "numeric": [False, False],
        "rows": [{"kind": "row", "cells": [printable(text) for text in fact]} for fact in facts],
    }
    return [money, clauses, generated]


def clause_rows(policy: Policy, context: Context) -> list[list[str]]:
    """List the figures of the policy the programme rests on, with clause or source and price year; missing ones say so."""
    rows = []
    for key in CLAUSES:
        value = value_on(policy, key, context.day)
        name = policy.labels.get(key) or told("parameter_" + key.replace(".", "_"))
        if value is None:
            rows.append([name, told("missing"), told("missing_text"), "—", "—"])
            continue
        amount = "、".join(label("surface", str(item)) for item in value.amount) if isinstance(value.amount, list | tuple) else f"{value.amount:g} {'' if value.unit == 'none' else label('unit', value.unit)}"  # fmt: skip
        rows.append(
            [
                name,
                amount,
                source_text(value, "zh"),
                label("strength", value.strength) if value.reference else "—",
                value.quote or "—",
            ]
        )
    return [[printable(cell) for cell in row] for row in rows]


def _picture(context: Context, works: Works, rows: Sequence[Sheet], year: int) -> bytes:
    """Draw where a year builds; what was built before it thinner, what comes later thinnest."""
    ws, font = context.workspace, FontProperties(family=find_font().family)
    figure = Figure(figsize=(12.6, 8.0), dpi=140, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, 0.8, 0.96))
    roads = ws.get("roads")
    if roads is not None:
        draw_lines(axes, roads.geometry, "#aab5bc", 0.6)
    lines = works.lines.set_index("project_id").geometry
    year_of = {row.project_id: row.year for row in rows}
    groups = {
        "now": [name for name, own in year_of.items() if own == year],
        "before": [name for name, own in year_of.items() if own < year],
        "after": [name for name, own in year_of.items() if own > year],
    }
    styles = {"after": ("#e0a35a", 1.1), "before": ("#2a7ab0", 1.6), "now": ("#c23f05", 3.2)}
    keys = []
    for name, (color, width) in styles.items():
        draw_lines(axes, lines.reindex(groups[name]).dropna(), color, width)
        text = told(f"map_{name}", year=year, count=len(groups[name]))
        keys.append(Line2D([], [], color=color, lw=width, label=text))
    draw_towns(axes, ws, font)
    for name in groups["now"]:
        spot = lines.get(name)
        if spot is not None and not shapely.is_empty(spot):
            at = shapely.centroid(spot)
            axes.plot([at.x], [at.y], marker="o", ms=4, mfc="#c23f05", mec="white", mew=0.6, zorder=9)
            axes.annotate(
                name,
                (at.x, at.y),
                xytext=(3, 3),
                textcoords="offset points",
                fontproperties=font,
                fontsize=6.5,
                zorder=10,
                parse_math=False,
            )
    draw_furniture(axes, ws, font)
    prop = font.copy()
    prop.set_size(10)
    figure.legend(handles=keys[::-1], loc="upper right", bbox_to_anchor=(0.995, 0.97), prop=prop, frameon=False)
    mark = [context.office.name, INTERNAL_MARK, told("map_crs", crs=ws.crs.to_string())]
    figure.text(
        0.82, 0.03, "\n".join(mark), fontproperties=font, fontsize=8.5, color="#333333", va="bottom", linespacing=1.5
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


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
                (root / year["picture"]).write_bytes(_picture(context, works, rows, year["year"]))
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
    notes = [told("note_ceiling"), told("note_carry"), *made.notes]
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
