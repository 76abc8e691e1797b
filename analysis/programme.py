"""The programme by year and budget on the joint network, checked step by step before anyone sees it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.frontier import frontier
from analysis.plan_check import check_programme
from analysis.polish import TRIES, solve
from analysis.roads import RoadPlan
from analysis.schedule import FREE, MUST, NEVER, Schedule, Task, greedy, is_possible, pass_up, reached
from analysis.works_tree import WorksTree, works_tree
from analysis.worth import Weights, fair_shares, told, village_numbers, worth_of, year_weights
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PROJECT_COLUMNS = [
    *("project_id", "year", "road_ids", "natural_village_ids", "length_km", "cost_cny10k", "people", "poor_people"),
    *("why", "after", "new_km"),
]
NEW_ALIGNMENT = "NEW"


@dataclass(frozen=True)
class Programme:
    """A programme by year, what it reaches and how far it can be from the best.

    `objective` is people connected, summed over the years they are connected (weighted when weights were given);
    `bound` is what no programme on the same network of works and money can exceed; `gap` = (bound - objective) /
    bound. `schedule`, `task` and `tree` are what compare and stability go on from.
    """

    projects: pd.DataFrame
    frontier: pd.DataFrame
    geometry: gpd.GeoDataFrame
    objective: float
    bound: float
    gap: float
    seconds: float
    solver: str
    notes: tuple[str, ...]
    tree: WorksTree
    schedule: Schedule
    task: Task


def programme(
    road_plan: RoadPlan,
    *,
    budgets: Mapping[int, float],
    gap: float = 0.01,
    seconds: float = 10,
    locked_in: Collection[str] = (),
    locked_out: Collection[str] = (),
    weights: Mapping[str, float] | Weights | None = None,
    tree: WorksTree | None = None,
    frontier_steps: int = 12,
    tries: int = TRIES,
    prices: Floats | None = None,
) -> Programme:
    """Choose what to build in which year, so that the most people are connected for the longest.

    Parameters
    ----------
    budgets
        Year -> 万元. What a year leaves over is not carried into the next.
    gap
        How far from the best the programme may be before HiGHS is asked to better it (0.01 = 1 %).
    seconds
        Wall time for the search.
    locked_in, locked_out
        Project ids or natural village ids that must, or must not, be in the programme; what a locked project needs
        before it is locked in with it.
    weights
        Worth of one unit by measure (`analysis.worth.MEASURES`), or `Weights` with years and fair shares of towns;
        every person alike when missing.
    tree
        `works_tree(road_plan)` made before: a what-if then takes a fraction of a second.
    frontier_steps
        How many budgets the frontier shows; 0 leaves it empty.
    tries
        How often a few works are freed and searched anew before HiGHS is asked; 1 for an answer on a slider.
    prices
        `schedule.money` of a programme that differs little: a faster start.

    Returns
    -------
    Programme
        Projects in order of year. Nothing to build, or no money: an empty programme.

    Raises
    ------
    InputError
        For budgets that are no amounts, locks that are unknown, contradict each other or cost more than there is,
        and missing prices.
    RuntimeError
        When the independent check finds a fault: a bug, never shown as a programme.
    """
    start = monotonic()
    years, money = _budgets(budgets)
    tree = tree or works_tree(road_plan)
    weighed = weights if isinstance(weights, Weights) else Weights(weights or {})
    task, notes = _task(road_plan, tree, (years, money), locked_in, locked_out, weighed)
    found = solve(task, gap=gap, seconds=seconds, tries=tries, start=prices)
    if not is_possible(task, found.year):
        need = task.cost[task.lock == MUST].sum()
        raise InputError(
            f"锁定的项目（连同前置项目）共需 {need:.1f} 万元，按年预算 {money.tolist()} 安排不下，请减少锁定或增加预算"
        )
    projects = _projects(road_plan, tree, found, years)
    check_programme(road_plan, tree, found.year, money)
    beside = frontier(road_plan, tree, steps=frontier_steps, at=float(money.sum()))
    notes += (*tree.notes, *_length_note(tree), *_greedy_note(task, found))
    shapes = project_lines(road_plan, tree, projects["project_id"])
    geometry = gpd.GeoDataFrame(projects, geometry=shapes, crs=road_plan.candidates.crs)
    return Programme(
        projects,
        beside,
        geometry,
        found.objective,
        found.bound,
        found.gap,
        monotonic() - start,
        found.solver,
        notes,
        tree,
        found,
        task,
    )


def _budgets(budgets: Mapping[int, float]) -> tuple[list[int], Floats]:
    years = sorted(int(year) for year in budgets)
    money = np.array([float(budgets[year]) for year in years], np.float64)
    if not years or not np.isfinite(money).all() or (money < 0).any():
        raise InputError(f"预算应为“年份=万元”，每年一个不小于零的数，得到 {dict(budgets)}")
    return years, money


def _task(
    road_plan: RoadPlan,
    tree: WorksTree,
    budgets: tuple[list[int], Floats],
    locked_in: Collection[str],
    locked_out: Collection[str],
    weights: Weights,
) -> tuple[Task, tuple[str, ...]]:
    worth = worth_of(road_plan, tree, weights)
    lock = np.full(len(tree.cost), FREE, np.int64)
    where = _names(road_plan, tree) if len(locked_in) or len(locked_out) else {}
    lock[[_find(where, name) for name in locked_out]] = NEVER
    for name in locked_in:
        work = _find(where, name)
        while work >= 0:
            if lock[work] == NEVER:
                raise InputError(
                    f"{name} 被锁定为必建，但它的前置项目 {tree.project_id[work]} 被锁定为不建，请取消其中一个"
                )
            lock[work] = MUST
            work = int(tree.parent[work])
    blank = road_plan.candidates["poor_population"].isna().sum()
    notes = (f"{blank} 个自然村贫困人口不明，按 0 计权",) if blank and weights.measures.get("poor_people") else ()
    years, money = budgets
    fair = fair_shares(road_plan, tree, weights, float(money.sum()))
    return Task(tree.parent, tree.cost, worth, lock, money, year_weights(weights, years), fair), (
        *told(weights),
        *notes,
    )


def _names(road_plan: RoadPlan, tree: WorksTree) -> dict[str, int]:
    rows, work = tree.village_rows
    names = dict(zip(_ids(road_plan)[rows].tolist(), work.tolist(), strict=True))
    return names | {project_id: work for work, project_id in enumerate(tree.project_id)}


def _ids(road_plan: RoadPlan) -> Any:
    """Return the ids of the candidates as text."""
    return road_plan.candidates["natural_village_id"].astype("object").astype(str).to_numpy()


def _find(where: Mapping[str, int], name: str) -> int:
    if str(name) not in where:
        raise InputError(f"锁定的 {name} 不在可安排的项目或自然村里：请检查编号，或它已通硬化路、人口不足、费用不明")
    return where[str(name)]


def _projects(road_plan: RoadPlan, tree: WorksTree, found: Schedule, years: list[int]) -> pd.DataFrame:
    """Lay out one row a project, in order of year and number."""
    chosen = np.flatnonzero(found.year < len(years))
    chosen = chosen[np.argsort(found.year[chosen], kind="stable")]
    ids = _ids(road_plan)
    people, poor = (village_numbers(road_plan, tree, column) for column in ("population", "poor_population"))
    beyond, whole = people.copy(), tree.cost.copy()
    taken = found.year < len(years)
    pass_up(tree.parent, taken, beyond)
    pass_up(tree.parent, taken, whole)
    length, roads = _kilometres(road_plan, tree), _road_ids(road_plan, tree)
    rows = []
    for work in chosen.tolist():
        parent = int(tree.parent[work])
        count = len(tree.villages[work])
        direct = f"直接连通 {count} 个自然村 {people[work]:.0f} 人" if count else "共用路段，没有直接连通的自然村"
        rate = f"，每万元 {beyond[work] / whole[work]:.1f} 人" if whole[work] > 0 else ""
        rows.append(
            (
                tree.project_id[work],
                years[found.year[work]],
                ";".join(dict.fromkeys(roads[work])),
                ";".join(sorted(ids[tree.villages[work]].tolist())),
                float(length[work] + tree.new_km[work]),
                float(tree.cost[work]),
                float(people[work]),
                float(poor[work]),
                f"{direct}；连同后续项目共 {beyond[work]:.0f} 人{rate}",
                tree.project_id[parent] if parent >= 0 else "",
                float(tree.new_km[work]),
            )
        )
    return pd.DataFrame(rows, columns=PROJECT_COLUMNS)


def _kilometres(road_plan: RoadPlan, tree: WorksTree) -> Floats:
    """Say how much road every work hardens; whole millimetres are added up."""
    edges, work = tree.edge_rows
    if road_plan.states is None:
        return np.zeros(len(tree.cost))
    length = np.r_[0, np.cumsum(road_plan.states.network.edge_length_mm[edges], dtype=np.int64)]
    end = np.cumsum(np.bincount(work, minlength=len(tree.cost)))
    return np.asarray(np.diff(length[np.r_[0, end]]) / 1e6, np.float64)


def _road_ids(road_plan: RoadPlan, tree: WorksTree) -> list[list[str]]:
    """Name the roads of every work, edge by edge from its far end to the core."""
    edges, work = tree.edge_rows
    if road_plan.states is None or road_plan.core is None:
        return [[] for _ in tree.cost]
    roads = road_plan.states.network.edge_road[edges]
    names = np.append(np.asarray(road_plan.core.road_ids, object), NEW_ALIGNMENT)  # -1 is no road of the layer
    told = names[np.where(roads >= 0, roads, -1)].astype(str).tolist()
    end = np.cumsum(np.bincount(work, minlength=len(tree.cost))).tolist()
    return [told[start:stop] for start, stop in zip([0, *end], end, strict=False)]


def project_lines(road_plan: RoadPlan, tree: WorksTree, project_ids: Iterable[str]) -> Any:
    """Draw projects of a tree of works, one shape each in metres: the road it hardens and, straight, the road it builds."""
    number = {project_id: work for work, project_id in enumerate(tree.project_id)}
    works = np.array([number[project_id] for project_id in project_ids], np.int64)
    if road_plan.states is None or len(works) == 0:
        return [shapely.MultiLineString()] * len(works)
    place = np.full(len(tree.cost), -1, np.int64)
    place[works] = np.arange(len(works))
    edges, work = tree.edge_rows
    drawn = place[work] >= 0
    lines, at = road_plan.states.network.edge_geometry[edges[drawn]], place[work[drawn]]
    built = works[tree.new_km[works] > 0]
    if len(built):
        rows = np.array([tree.villages[work][0] for work in built], np.int64)
        seats = shapely.get_coordinates(road_plan.candidates.geometry.to_numpy()[rows])
        villages = pd.Index(road_plan.natural_villages["natural_village_id"])
        ends = road_plan.states.join_xy[villages.get_indexer(road_plan.candidates["natural_village_id"].iloc[rows])]
        lines = np.r_[lines, shapely.linestrings(np.stack([seats, ends], axis=1))]
        at = np.r_[at, place[built]]
    order = np.argsort(at, kind="stable")
    shapes = np.full(len(works), shapely.MultiLineString(), object)
    shapely.multilinestrings(lines[order], indices=at[order], out=shapes)
    return shapely.line_merge(shapes)


def _length_note(tree: WorksTree) -> tuple[str, ...]:
    if not np.isfinite(tree.bound_mm) or tree.bound_mm <= 0:
        return ()
    more = tree.length_mm / tree.bound_mm - 1
    return (f"全部候选村共用路网需硬化 {tree.length_mm / 1e6:.1f} 公里，离最短的可能至多差 {more:.2%}",)


def _greedy_note(task: Task, found: Schedule) -> tuple[str, ...]:
    usual = reached(task, greedy(replace(task, lock=np.zeros(len(task.lock), np.int64))))
    if usual <= 0:
        return ()
    plain = task.years is None and task.fair is None
    unit = "人·年" if plain else "（加权）"
    return (
        f"按“每万元人数”排队的做法得 {usual:.0f} {unit}，本计划得 {found.objective:.0f} {unit}，上限 {found.bound:.0f} {unit}",
    )
