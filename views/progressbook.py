"""Targets against what was observed, and the periodic report: this period, the last one, and what was known then."""

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
from views.labels import label

OPEN_HOUSES = "dangerous_housing_open"
TARGET_COLUMNS = {
    "label": "目标", "due": "期限", "target": "目标值", "unit": "单位", "strength": "力度", "actual": "实际", "actual_day": "实际日期",
    "status": "结论", "shortfall": "还差", "forecast": "到期预计", "forecast_low": "预计下限", "forecast_high": "预计上限",
    "reach_day": "按现速达到日", "reference": "条款", "note": "说明",
}  # fmt: skip


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


def target_table(policy: Policy, seen: pd.DataFrame, day: date) -> pd.DataFrame:
    """Judge every target on a day and write it as people read it."""
    table = progress(policy, day, seen)
    table = table.reindex(columns=list(TARGET_COLUMNS))
    table["status"] = table["status"].map(lambda key: label("progress", key))
    table["unit"] = table["unit"].map(lambda key: label("unit", key))
    table["strength"] = table["strength"].map(lambda key: label("strength", key))
    return table.rename(columns=TARGET_COLUMNS)


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
) -> Mapping[str, pd.DataFrame]:
    """Make the report of a period: targets, projects, money and houses, beside the period before.

    The period before is given twice: as it was known when it ended, and as it is known now, so that a figure corrected
    since does not change in silence. When the rules changed, `own` are the rules the office works under: the same
    periods are scored under them too, in a sheet of their own.
    """
    last = before(period, every)
    moments = {
        period.label: Cut(period.end),
        f"{last.label}（现在所知）": Cut(last.end),
        f"{last.label}（当时所知）": Cut(last.end, last.end),
    }
    under_own = {} if own is None else {"目标（本单位政策）": _targets(ledger, own, None, findings_day, moments)}
    return {
        "目标": _targets(ledger, policy, findings, findings_day, moments),
        **under_own,
        "项目": _steps(ledger, moments),
        "资金（万元）": _money(ledger, moments),
        "危房": _houses(ledger, moments),
        "本期经过": moved_table(ledger, period),
    }


def moved_table(ledger: Ledger, period: Period) -> pd.DataFrame:
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
                        PROJECT_LABELS[name],
                    )
                )
    return pd.DataFrame(sorted(rows), columns=["发生日", "编号", "项目", "乡镇", "步骤"])


def _targets(
    ledger: Ledger, policy: Policy, findings: pd.DataFrame | None, day: date, moments: Mapping[str, Cut]
) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    judged = pd.DataFrame()
    for name, moment in moments.items():
        table = progress(policy, moment.as_of, actuals(ledger, policy, findings, day, moment))
        if not columns:
            judged = table
        columns[f"{name} 实际"] = table["actual"]
        columns[f"{name} 结论"] = table["status"].map(lambda key: label("progress", key))
    head = {
        "目标": judged["label"],
        "期限": judged["due"],
        "目标值": judged["target"],
        "单位": judged["unit"].map(lambda key: label("unit", key)),
    }
    head["力度"] = judged["strength"].map(lambda key: label("strength", key))
    names = list(moments)
    change = columns[f"{names[0]} 实际"] - columns[f"{names[1]} 实际"]
    return pd.DataFrame({**head, **columns, "本期比上期": change, "条款": judged["reference"], "说明": judged["note"]})


def _steps(ledger: Ledger, moments: Mapping[str, Cut]) -> pd.DataFrame:
    table: dict[str, list[Any]] = {"状态": [*PROJECT_LABELS.values(), "合计"]}
    for name, moment in moments.items():
        found = projects.projects(ledger, as_of=moment.as_of, known_on=moment.known_on)
        counts = [sum(item.status == status for item in found) for status in PROJECT_LABELS]
        table[name] = [*counts, len(found)]
    return pd.DataFrame(table)


def _money(ledger: Ledger, moments: Mapping[str, Cut]) -> pd.DataFrame:
    table: dict[str, list[Any]] = {"类别（累计）": list(STAGE_LABELS.values())}
    for name, moment in moments.items():
        sums = funds.totals(funds.postings(ledger, as_of=moment.as_of, known_on=moment.known_on))[()]
        table[name] = [float(getattr(sums, stage) / 10000) for stage in STAGE_LABELS]
    return pd.DataFrame(table)


def _houses(ledger: Ledger, moments: Mapping[str, Cut]) -> pd.DataFrame:
    table: dict[str, list[Any]] = {"状态": [*HOUSE_LABELS.values(), "合计"]}
    for name, moment in moments.items():
        found = houses.houses(ledger, as_of=moment.as_of, known_on=moment.known_on)
        table[name] = [*(sum(item.status == status for item in found) for status in HOUSE_LABELS), len(found)]
    return pd.DataFrame(table)
