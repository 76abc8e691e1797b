"""What the plan command asks and tells beside the programme: weights, the bureau's own list, swaps, stability."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from analysis.plan import Programme, Weights, clinic_people, compare, marginal, stability
from analysis.policy import Policy, value_on
from analysis.roads import RoadPlan
from geo.errors import InputError
from geo.read import read
from layers.workspace import Workspace
from views import reports
from views.own_list import read_own_list


def _pairs(texts: Iterable[str], example: str) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, amount = text.partition("=")
        try:
            found[name.strip()] = float(amount)
        except ValueError:
            raise InputError(f"“{text}”无法识别：请写成 {example}") from None
    return found


def read_weights(
    workspace: Workspace,
    policy: Policy,
    day: date,
    roads: RoadPlan,
    *,
    weights: tuple[str, ...],
    year_weights: tuple[str, ...],
    town_bonus: float,
    fair_share: float | None,
) -> Weights:
    """Read weights as they are written on the command line.

    Raises
    ------
    InputError
        For what is no weight, and for clinics weighed where there is no clinic.
    """
    measures = _pairs(weights, "poor_people=2")
    years = {int(year): weight for year, weight in _pairs(year_weights, "2018=2").items() if year.isdigit()}
    clinics = None
    if measures.get("clinic_people"):
        value = value_on(policy, "hardening.snap_m", day)
        clinics = clinic_people(workspace, roads, snap_m=float(value.amount) if value else 0.0)
    found = Weights(measures, years, town_bonus, fair_share, clinics)
    found.check()
    return found


def marginal_lines(made: Programme) -> list[str]:
    """Say what more money would reach, from where the frontier stands."""
    table = made.frontier
    if len(table) < 2:
        return []
    steps = [
        f"{row.budget_cny10k:,.0f} 万元可连通 {row.people:,.0f} 人（上限 {row.bound:,.0f}；按性价比排队 {row.people_greedy:,.0f}；再加 1 万元约 {gain:.1f} 人）"
        for row, gain in zip(table.iloc[:-1].itertuples(), marginal(table).iloc[1:], strict=True)
        if gain == gain
    ]
    return ["钱与人：", *steps[:: max(1, len(steps) // 4)]]


def beside(
    roads: RoadPlan,
    made: Programme,
    budgets: Mapping[int, float],
    weights: Weights,
    own_list: Path | None,
    with_stability: bool,
    out: Path | None,
) -> tuple[dict[str, Any], list[str]]:
    """Compare the bureau's own list and draw for stability where asked -> figures, lines; tables go to `out`."""
    data: dict[str, Any] = {}
    lines: list[str] = []
    if own_list is not None:
        ids = roads.natural_villages["natural_village_id"].astype(str).tolist()
        own, strangers = read_own_list(read(own_list).frame, ids)
        found = compare(roads, own, budgets, best=made)
        lines += [
            found.sentence,
            *(
                f"{row.step}. 不做 {row.take_out or '—'}，改做 {row.take_in or '—'}：{row.people_change:+,.0f} 人"
                for row in found.swaps.itertuples()
            ),
        ]
        if strangers or found.unknown or found.not_reached:
            lines.append(
                f"清单里 {len(strangers)} 个编码没有、{len(found.unknown)} 个不是候选、{len(found.not_reached)} 个按这份预算做不到"
            )
        data["compared"] = {
            "own_people": found.own_people, "best_people": found.best_people, "swapped_people": found.swapped_people,
            "swaps": len(found.swaps), "not_reached": list(found.not_reached), "unknown": [*found.unknown, *strangers],
        }  # fmt: skip
        if out is not None:
            reports.write_table(found.swaps, out / "swaps.csv")
    if with_stability:
        table = stability(roads, budgets=budgets, weights=weights, tree=made.tree, made=made)
        counts = {name: int((table["verdict"] == name).sum()) for name in ("certain", "arguable", "out")}
        first = {"people": "人口", "cost": "单价", "weights": "权重"}[str(table.attrs["check_first"])]
        lines.append(
            f"稳 {counts['certain']} 个、两可 {counts['arguable']} 个、不在线上 {counts['out']} 个；先核实{first}"
        )
        data["stability"] = {**counts, "check_first": table.attrs["check_first"]}
        if out is not None:
            reports.write_table(table, out / "stability.csv")
    return data, lines
