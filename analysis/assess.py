"""Wires every analysis to one Assessment. No clock, no files written, no drawing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.access import access_table, arrive
from analysis.choices import NOTHING, RoadChoices
from analysis.claims import contradictions
from analysis.coverage import FINDING_COLUMNS, cover_with_reach
from analysis.features import choose, select
from analysis.housing import assess_housing, dangerous
from analysis.policy import Policy
from analysis.register import unused_claims
from analysis.setting import Setting
from analysis.summary import coverage_table, summarise
from analysis.units import Floats, geometries, make_units, points_of
from layers.problem import Problem
from layers.workspace import Workspace

STAGES = ("roads", "coverage", "access", "housing", "contradictions", "summary")
Timer = Callable[[], float]


@dataclass(frozen=True)
class Assessment:
    """Everything `assess` says about one workspace, under one policy, on one day. Never write to its frames.

    The frames are the files of the contract; `roads` holds the layers of roads.gpkg by name. `stage_seconds` is empty
    unless a timer was given.
    """

    findings: pd.DataFrame
    coverage: pd.DataFrame
    natural_villages: pd.DataFrame
    roads: Mapping[str, Any]
    housing: pd.DataFrame
    access: pd.DataFrame
    contradictions: pd.DataFrame
    summary: Mapping[str, Any]
    day: date
    policy_id: str
    policy_digest: str
    workspace_digest: str
    problems: tuple[Problem, ...] = ()
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    choices_digest: str = ""


def assess(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    rasters: Mapping[str, Path] | None = None,
    max_age_days: int = 0,
    choices: RoadChoices = NOTHING,
    on_stage: Callable[[str], None] | None = None,
    timer: Timer | None = None,
) -> Assessment:
    """Judge every need of a policy on a day, for every unit, with evidence; and roads, houses, access, contradictions.

    Parameters
    ----------
    ws
        The layers, in metres. It is only read.
    rasters
        Name -> file; `dem` (metres) lets new roads and vertical distances follow the terrain.
    max_age_days
        How old a layer may be for its absences to count (inclusive).
    choices
        Drawn lines that were chosen and repairs of the road network that were undone.
    on_stage
        Called with the name of each stage as it begins, one of `STAGES`.
    timer
        A clock in seconds; only with one are `stage_seconds` measured.

    Returns
    -------
    Assessment
        The same inputs give the same tables.

    Raises
    ------
    PolicyError
        The policy has no value on the day, or asks for something the layers cannot hold.

    Examples
    --------
    >>> from pyproj import CRS
    >>> villages = pd.DataFrame({"village_id": ["v1"], "name": ["甲"], "town": ["乙镇"]})
    >>> from analysis.policy import Need
    >>> need = Need("clinic", "卫生站", "has", "facilities", {"kind": "clinic"}, "hard", "三(四)2")
    >>> ws = Workspace({"villages": villages}, CRS("EPSG:4547"), {}, (), "")
    >>> assess(ws, Policy("p", "", "", {}, (need,)), date(2018, 1, 1)).findings["status"].tolist()
    ['unknown']
    """
    clock = _Clock(on_stage, timer)
    setting = Setting(ws, policy, day, max_age_days=max_age_days, dem=(rasters or {}).get("dem"), choices=choices)
    with clock.stage("roads"):
        plan = setting.plan
    with clock.stage("coverage"):
        found = cover_with_reach(ws, policy, day, setting.context())
        coverage = coverage_table(found, [need.id for need in policy.needs])
    with clock.stage("access"):
        access = access_table(ws, policy, day, graph=setting.graph)
    with clock.stage("housing"):
        minutes = _clinic_minutes(setting)
        housing = assess_housing(ws, policy, day, clinic_minutes=minutes, max_age_days=max_age_days)
    with clock.stage("contradictions"):
        wrong = contradictions(ws, policy, day, found)
        unused = unused_claims(ws, _askable(ws, policy))
    findings = found[list(FINDING_COLUMNS)]
    problems = (*ws.problems, *plan.problems, *unused)
    with clock.stage("summary"):
        counts = summarise(findings, coverage, plan.natural_villages, housing, wrong)
        chosen = {"road_choices": choices.record()} if choices.digest else {}
        summary = _basis(ws, policy, day, max_age_days) | dict(counts) | chosen
        core = {} if plan.core is None else {"hardened_core": plan.core.basis}
        summary |= core | {"problems": len(problems)}
    layers = {
        "candidates": plan.candidates,
        "segments": plan.segments,
        "widening": plan.widening,
        "bridges": plan.bridges,
        "safety": plan.safety,
    }
    return Assessment(
        findings=findings,
        coverage=coverage,
        natural_villages=plan.natural_villages,
        roads=layers,
        housing=housing,
        access=access,
        contradictions=wrong,
        summary=summary,
        day=day,
        policy_id=policy.id,
        policy_digest=policy.digest,
        choices_digest=choices.digest,
        workspace_digest=ws.digest,
        problems=problems,
        stage_seconds=clock.seconds,
    )


class _Clock:
    """Tells which stage runs, and how long each took where a timer is given."""

    def __init__(self, on_stage: Callable[[str], None] | None, timer: Timer | None) -> None:
        self.on_stage, self.timer = on_stage, timer
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self.on_stage:
            self.on_stage(name)
        begin = self.timer() if self.timer else 0.0
        yield
        if self.timer:
            self.seconds[name] = self.timer() - begin


def _clinic_minutes(setting: Setting) -> Floats:
    """Minutes by road from every dangerous house to its nearest clinic, NaN where no road leads there."""
    rows = dangerous(setting.ws, setting.policy)
    clinics = choose(setting.ws, "facilities", ["clinic"])
    ways = setting.ways(select(clinics, clinics.is_sure)) if len(rows) else None
    if ways is None or setting.graph is None:
        return np.full(len(rows), np.nan)
    points = points_of(geometries(setting.ws.layers["households"].iloc[rows]))
    return arrive(setting.graph, ways, setting.graph.snap(points))[2]


def _askable(ws: Workspace, policy: Policy) -> dict[str, set[str]]:
    """Unit ids that each need can be asked of, in scope or not."""
    kinds = {need.id: "village" if need.unit == "household" else need.unit for need in policy.needs}
    ids = {kind: set(make_units(ws, kind).frame["unit_id"]) for kind in set(kinds.values())}
    return {need: ids[kind] for need, kind in kinds.items()}


def _basis(ws: Workspace, policy: Policy, day: date, max_age_days: int) -> dict[str, Any]:
    """What the figures rest on: policy, layers, day, CRS."""
    sources = {
        name: {
            "digest": source.digest,
            "file_name": source.file_name,
            "as_of": source.as_of.isoformat(),
            "is_partial": source.is_partial,
            "rows": source.rows,
        }
        for name, source in sorted(ws.sources.items())
    }
    return {
        "day": day.isoformat(),
        "max_age_days": max_age_days,
        "policy": {"id": policy.id, "title": policy.title, "document": policy.document, "digest": policy.digest},
        "crs": ws.crs.to_string(),
        "workspace_digest": ws.digest,
        "layers": sources,
    }
