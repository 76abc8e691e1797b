"""An old period under the rules of then and under the rules of now: what changed, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from analysis.assess import Assessment, assess
from analysis.policy import Policy, load_policy
from analysis.policy_changes import in_force, policy_changes, rescored_needs, rescored_targets
from geo.errors import InputError
from tracker import policies
from tracker.office import Office
from views import progressbook
from views.choices import road_choices
from views.labels import Language, label, say

NO_FINDINGS = pd.DataFrame({"need": [], "status": []}, dtype="str")


@dataclass(frozen=True)
class Rescored:
    """A period scored twice. Empty `changes`: the rules of then are those of now."""

    day: date
    old_since: str
    new_since: str
    changes: pd.DataFrame
    targets: pd.DataFrame
    needs: pd.DataFrame


def rules_then(desk: Office, day: date) -> tuple[Policy, str]:
    """Return the policy the office worked under on a day, and since when; the present file where none was noted."""
    version = policies.held_on(desk, day)
    path: Path = desk.policy_path if version is None else version.path
    return load_policy(path), "" if version is None else f"{version.since}（{version.reason}）"


def rescore(desk: Office, day: date, *, today: date, on_stage: Callable[[str], None] | None = None) -> Rescored:
    """Score a day under the rules in force then and under those in force today, from the data of that day.

    Nothing is assessed when the rules are the same: the tables then hold the one score twice.
    """
    then, old_since = rules_then(desk, day)
    now = load_policy(desk.policy_path)
    version = policies.held_on(desk, today)
    changes = policy_changes(then, now, old_day=day, new_day=today)
    old, new = in_force(then, day), in_force(now, today)
    found = [_assessed(desk, old, day, on_stage)]
    found.append(_assessed(desk, new, day, on_stage) if len(changes) else found[0])
    cut = progressbook.Cut(day)
    findings = [None if done is None else done.findings for done in found]
    seen = [
        progressbook.actuals(desk.ledger, policy, frame, day, cut)
        for policy, frame in zip((old, new), findings, strict=True)
    ]
    frames = [NO_FINDINGS if frame is None else frame for frame in findings]
    return Rescored(
        day=day,
        old_since=old_since,
        new_since="" if version is None else f"{version.since}（{version.reason}）",
        changes=changes,
        targets=rescored_targets(old, new, day, seen[0], seen[1], changes),
        needs=rescored_needs(old, new, frames[0], frames[1], changes),
    )


def _assessed(desk: Office, policy: Policy, day: date, on_stage: Callable[[str], None] | None) -> Assessment | None:
    try:
        workspace = desk.workspace(day)
    except InputError:  # no layer is that old
        return None
    allowance = int(desk.settings.get("max_age_days", 0))
    return assess(
        workspace, policy, day, rasters=desk.rasters(day), max_age_days=allowance, choices=road_choices(desk, day), on_stage=on_stage,
    )  # fmt: skip


def rescored_tables(done: Rescored, language: Language) -> dict[str, pd.DataFrame]:
    """Write both scores as people read them: targets, needs, and what changed in the rules."""
    targets = done.targets.copy()
    for side in ("old", "new"):
        targets[f"{side}_status"] = [_named("progress", key, language) for key in targets[f"{side}_status"]]
    targets["unit"] = targets["unit"].map(lambda key: label("unit", key, language))
    changes = done.changes.assign(
        old=[_worded(text, language) for text in done.changes["old"]],
        new=[_worded(text, language) for text in done.changes["new"]],
        kind=[label("rescored", f"kind_{kind}", language) for kind in done.changes["kind"]],
    )
    tables = {
        "targets": targets.drop(columns="target_id"),
        "needs": done.needs.drop(columns="need"),
        "changes": changes.drop(columns="key"),
    }
    yes = label("yes_no", "yes", language)
    written = {}
    for name, table in tables.items():
        if "is_changed" in table:
            first = ["label", "is_changed", "reason"]
            table = table[[*first, *(column for column in table.columns if column not in first)]]
            table = table.sort_values("is_changed", ascending=False, kind="stable", ignore_index=True)
            table = table.assign(is_changed=[yes if is_so else "" for is_so in table["is_changed"]])
        table = table.rename(columns={column: label("rescored", column, language) for column in table.columns})
        written[say(language, f"rescored_{name}")] = table
    return written


def _worded(text: str, language: Language) -> str:
    """Write the strength words of a changed target or need as people read them."""
    for key in ("hard", "best_effort", "principle", "ceiling"):
        text = text.replace(f"力度 {key}", f"力度 {label('strength', key, language)}")
    return text


def _named(group: str, key: object, language: Language) -> str:
    return label(group, key, language) if isinstance(key, str) else ""
