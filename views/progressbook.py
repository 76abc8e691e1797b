"""Targets against what was observed, and the periodic report: this period, the last one, and what was known then."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from analysis.policy import Policy
from analysis.progress import Period, observations, periods, progress
from tracker import funds, houses, measures, projects
from tracker.funds import STAGE_LABELS
from tracker.ledger import Ledger
from tracker.status import HOUSE_LABELS, PROJECT_LABELS
from views.labels import Language, label, say

NOTES = ("note_met_late", "note_seen_early")  # what analysis.progress says of a target, as the catalogue has it
OPEN_HOUSES = "dangerous_housing_open"
TARGET_COLUMNS = (
    "label", "due", "target", "unit", "strength", "actual", "actual_day", "status", "shortfall", "forecast", "forecast_low",
    "forecast_high", "reach_day", "reference", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """A day, as known on a day (None: all that is known now)."""

    as_of: date
    known_on: date | None = None


def actuals(ledger: Ledger, policy: Policy, findings: pd.DataFrame | None, day: date, moment: Cut) -> pd.DataFrame:
    """Gather the observations of every measure: reported, counted on the map, and counted in the house ledger.

    What somebody reported for the same day replaces what was counted. Open houses are counted only once the ledger has
    houses at all, at the day itself and at every year's end before it.
    """
    reported = measures.observed(ledger, as_of=moment.as_of, known_on=moment.known_on)[["measure", "day", "value"]]
    parts = [reported.assign(low=reported["value"], high=reported["value"])]
    if findings is not None and day <= moment.as_of:
        parts.insert(0, observations(policy, findings, day))
    if any(target.measure == OPEN_HOUSES for target in policy.targets):
        parts.insert(0, _open_houses(ledger, moment))
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True) if kept else parts[-1]


def _open_houses(ledger: Ledger, moment: Cut) -> pd.DataFrame:
    whole = houses.houses(ledger, as_of=moment.as_of, known_on=moment.known_on)
    rows = []
    if whole:
        first = min(house.found for house in whole)
        ends = [date(year, 12, 31) for year in range(first.year, moment.as_of.year)]
        for end in dict.fromkeys([*ends, moment.as_of]):
            count = float(sum(house.is_open for house in houses.houses(ledger, as_of=end, known_on=moment.known_on)))
            rows.append((OPEN_HOUSES, end.isoformat(), count, count, count))
    return pd.DataFrame(rows, columns=["measure", "day", "value", "low", "high"])


def target_table(policy: Policy, seen: pd.DataFrame, day: date, language: Language = "zh") -> pd.DataFrame:
    """Judge every target on a day and write it as people read it; what was seen on its due day or later is no forecast."""
    table = progress(policy, day, seen)
    is_past = table["actual_day"].notna() & (table["actual_day"] >= table["due"])
    table[["forecast", "forecast_low", "forecast_high"]] = table[["forecast", "forecast_low", "forecast_high"]].mask(
        is_past
    )
    table = table.reindex(columns=list(TARGET_COLUMNS))
    table["status"] = table["status"].map(lambda key: label("progress", key, language))
    table["unit"] = table["unit"].map(lambda key: label("unit", key, language))
    table["strength"] = table["strength"].map(lambda key: label("strength", key, language))
    table["note"] = [said_note(note, language) for note in table["note"]]
    return table.rename(columns={name: label("target_column", name, language) for name in TARGET_COLUMNS})


def said_note(note: Any, language: Language) -> str:
    """Write the note of a target in a language; what the document itself says stays as it is.

    >>> said_note("口径见附件；首次达标的记录在 2017-09-30，晚于期限", "en")
    '口径见附件；first met on 2017-09-30, after the due day'
    """
    text = note if isinstance(note, str) else ""
    for key in NOTES:
        pattern = re.escape(say("zh", key, day="@")).replace("@", r"(\S+)")
        text = re.sub(pattern, lambda found, key=key: say(language, key, day=found[1]), text)  # type: ignore[misc]
    return text


def period_name(period: Period, language: Language) -> str:
    """Name a month, quarter, half-year or year as readers expect.

    >>> period_name(Period(date(2018, 4, 1), date(2018, 6, 30), "2018年第二季度"), "en")
    '2018 Q2'
    """
    if language == "zh":
        return period.label
    year, month = period.start.year, period.start.month
    span = period.end.month - month + 1
    parts = {1: f"{year}-{month:02d}", 3: f"{year} Q{(month + 2) // 3}", 6: f"{year} H{(month + 5) // 6}"}
    return parts.get(span, str(year))


def before(period: Period, every: Any) -> Period:
    """Give the period before one.

    >>> before(Period(date(2018, 1, 1), date(2018, 3, 31), ""), "quarter").label
    '2017年第四季度'
    """
    end = period.start - timedelta(days=1)
    return periods(every, end, end)[0]


def report_tables(
    ledger: Ledger,
    policy: Policy,
    findings: pd.DataFrame | None,
    findings_day: date,
    period: Period,
    every: Any,
    *,
    own: Policy | None = None,
    language: Language = "zh",
) -> Mapping[str, pd.DataFrame]:
    """Make the report of a period: targets, projects, money and houses, beside the period before.

    The period before is given twice: as it was known when it ended, and as it is known now, so that a figure corrected
    since does not change in silence. When the rules changed, `own` are the rules the office works under: the same
    periods are scored under them too, in a sheet of their own.
    """
    last = before(period, every)
    moments = {
        period_name(period, language): Cut(period.end),
        say(language, "as_known_now", last=period_name(last, language)): Cut(last.end),
        say(language, "as_known_then", last=period_name(last, language)): Cut(last.end, last.end),
    }
    under_own = (
        {}
        if own is None
        else {say(language, "targets_office_policy"): _targets(ledger, own, None, findings_day, moments, language)}
    )
    return {
        say(language, "target"): _targets(ledger, policy, findings, findings_day, moments, language),
        **under_own,
        label("field", "need", language): _steps(ledger, moments, language),
        say(language, "money_cny_10k"): _money(ledger, moments, language),
        say(language, "dangerous_houses"): _houses(ledger, moments, language),
        say(language, "steps_in_this_period"): moved_table(ledger, period, language),
    }


def moved_table(ledger: Ledger, period: Period, language: Language) -> pd.DataFrame:
    """List every step projects took within a period (both days inside)."""
    rows = []
    for item in projects.projects(ledger, as_of=period.end):
        for name, day in item.dates.items():
            if period.start <= day <= period.end:
                rows.append(
                    (
                        day.isoformat(),
                        item.project_id,
                        item.description.title,
                        item.description.town,
                        label("project_status", name, language),
                    )
                )
    return pd.DataFrame(
        sorted(rows),
        columns=[
            say(language, "day"),
            label("field", "subject", language),
            label("field", "need", language),
            label("field", "town", language),
            say(language, "step"),
        ],
    )


def _targets(
    ledger: Ledger,
    policy: Policy,
    findings: pd.DataFrame | None,
    day: date,
    moments: Mapping[str, Cut],
    language: Language,
) -> pd.DataFrame:
    actual, verdict = (label("target_column", name, language) for name in ("actual", "status"))
    columns: dict[str, Any] = {}
    judged = pd.DataFrame()
    for name, moment in moments.items():
        table = progress(policy, moment.as_of, actuals(ledger, policy, findings, day, moment))
        if not columns:
            judged = table
        columns[f"{name} {actual}"] = table["actual"]
        columns[f"{name} {verdict}"] = table["status"].map(lambda key: label("progress", key, language))
    judged["unit"] = judged["unit"].map(lambda key: label("unit", key, language))
    judged["strength"] = judged["strength"].map(lambda key: label("strength", key, language))
    first = ("label", "due", "target", "unit", "strength")
    head = {label("target_column", name, language): judged[name] for name in first}
    names = list(moments)
    change = columns[f"{names[0]} {actual}"] - columns[f"{names[1]} {actual}"]
    judged["note"] = [said_note(note, language) for note in judged["note"]]
    tail = {label("target_column", name, language): judged[name] for name in ("reference", "note")}
    return pd.DataFrame({**head, **columns, say(language, "against_the_last_period"): change, **tail})


def _steps(ledger: Ledger, moments: Mapping[str, Cut], language: Language) -> pd.DataFrame:
    table: dict[str, list[Any]] = {
        label("field", "status", language): [
            *(label("project_status", key, language) for key in PROJECT_LABELS),
            label("field", "sum", language),
        ]
    }
    for name, moment in moments.items():
        found = projects.projects(ledger, as_of=moment.as_of, known_on=moment.known_on)
        counts = [sum(item.status == status for item in found) for status in PROJECT_LABELS]
        table[name] = [*counts, len(found)]
    return pd.DataFrame(table)


def _money(ledger: Ledger, moments: Mapping[str, Cut], language: Language) -> pd.DataFrame:
    table: dict[str, list[Any]] = {
        say(language, "kind_cumulative"): [label("fund_stage", key, language) for key in STAGE_LABELS]
    }
    for name, moment in moments.items():
        sums = funds.totals(funds.postings(ledger, as_of=moment.as_of, known_on=moment.known_on))[()]
        table[name] = [float(getattr(sums, stage) / 10000) for stage in STAGE_LABELS]
    return pd.DataFrame(table)


def _houses(ledger: Ledger, moments: Mapping[str, Cut], language: Language) -> pd.DataFrame:
    table: dict[str, list[Any]] = {
        label("field", "status", language): [
            *(label("house_status", key, language) for key in HOUSE_LABELS),
            label("field", "sum", language),
        ]
    }
    for name, moment in moments.items():
        found = houses.houses(ledger, as_of=moment.as_of, known_on=moment.known_on)
        table[name] = [*(sum(item.status == status for item in found) for status in HOUSE_LABELS), len(found)]
    return pd.DataFrame(table)
