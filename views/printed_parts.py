"""What stands beside the projects on the paper to sign: money and clauses, what it was made from, a map a year."""

import io
from collections.abc import Mapping
from typing import Any

import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from analysis.policy import Policy, value_on
from views.briefing_fonts import find_font
from views.briefing_map import draw_furniture, draw_lines, draw_towns
from views.briefing_pptx import printable
from views.context import Context
from views.drawing import source_text
from views.labels import label, number
from views.planning import Question, Works
from views.publication import INTERNAL_MARK
from views.version import code_version

CLAUSES = (
    "hardening.min_population", "hardening.surfaces", "hardening.snap_m", "hardening.detour_factor", "road.max_grade_percent",
    "cost.hardening_cny10k_per_km", "cost.new_road_cny10k_per_km", "subsidy.road_cny10k_per_km", "road.min_pavement_m",
)  # fmt: skip


def told(key: str, **figures: object) -> str:
    """Give a text of the group `printed`; the paper is in Chinese, as it is signed."""
    return label("printed", key).format(**figures)


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
                value.note if value.note == label("text", "assumed_in_meeting") else source_text(value, "zh"),
                label("strength", value.strength) if value.reference else "—",
                value.quote or "—",
            ]
        )
    return [[printable(cell) for cell in row] for row in rows]


def picture(context: Context, works: Works, year_of: Mapping[str, int], year: int) -> bytes:
    """Draw where a year builds; what was built before it thinner, what comes later thinnest."""
    ws, font = context.workspace, FontProperties(family=find_font().family)
    figure = Figure(figsize=(12.6, 8.0), dpi=140, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, 0.8, 0.96))
    roads = ws.get("roads")
    if roads is not None:
        draw_lines(axes, roads.geometry, "#aab5bc", 0.6)
    lines = works.lines.set_index("project_id").geometry
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
