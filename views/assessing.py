"""Assess an office as it stands on a day: the one way for commands, exports and publishing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from analysis.assess import Assessment, assess
from analysis.policy import load_policy
from tracker.office import Office
from views.choices import road_choices


def assess_office(
    desk: Office,
    *,
    policy: Path | None = None,
    day: date | None = None,
    on_stage: Callable[[str], None] | None = None,
    timer: Callable[[], float] | None = None,
) -> Assessment:
    """Assess an office under its own policy or another, on a day or on the latest day of its data."""
    on = day or desk.default_day()
    allowance = int(desk.settings.get("max_age_days", 0))
    return assess(
        desk.workspace(on),
        load_policy(policy or desk.policy_path),
        on,
        rasters=desk.rasters(on),
        max_age_days=allowance,
        choices=road_choices(desk, on),
        on_stage=on_stage,
        timer=timer,
    )


def published_tables(done: Assessment) -> dict[str, object]:
    """Name the tables of an assessment that other departments may read beside the layers."""
    roads = {name: frame for name, frame in done.roads.items() if len(frame)}
    tables = {
        "findings": done.findings,
        "coverage": done.coverage,
        "natural_village_states": done.natural_villages,
        "contradictions": done.contradictions,
    }
    return {**tables, **{f"road_{name}": frame for name, frame in roads.items()}}
