"""What another deadline would mean: which goals are reached by a day at the pace seen so far."""

import calendar
import math
from dataclasses import replace
from datetime import date

import pandas as pd

from analysis.policy import Policy, Target
from analysis.progress import progress

VERDICTS = ("met", "on_pace", "doubtful", "behind", "unknown")
COLUMNS = ("target_id", "label", "due", "target", "unit", "actual", "actual_day", "forecast", "forecast_low", "forecast_high", "reach_day", "verdict")  # fmt: skip


def goals(policy: Policy) -> tuple[Target, ...]:
    """Give the last target of every measure: what is to stand in the end."""
    last: dict[str, Target] = {}
    for target in policy.targets:
        if target.measure not in last or target.day >= last[target.measure].day:
            last[target.measure] = target
    return tuple(last.values())


def goals_by(policy: Policy, day: date, deadline: date, actuals: pd.DataFrame) -> pd.DataFrame:
    """Judge every goal as if it were due on another day.

    Parameters
    ----------
    policy
        Whose targets are asked about; of targets that form a series the last one.
    day
        Today: observations after it are not looked at.
    deadline
        The day assumed, before or after the document's own (inclusive).
    actuals
        Observations as `analysis.progress.progress` reads them. May be empty: then every goal is unknown.

    Returns
    -------
    DataFrame
        `COLUMNS`. `due` is the document's own day. `verdict` is `met` (already observed), `on_pace` (even the slowest
        pace seen reaches it by the deadline), `doubtful` (some pace seen does, some does not), `behind` (not even the
        quickest does, or the deadline is over and it was missed), `unknown` (fewer than two observations).

    Examples
    --------
    >>> from analysis.policy import load_policy
    >>> policy = load_policy("policies/haojiang-2017.toml")
    >>> days = ["2016-12-31", "2017-12-31"]
    >>> seen = pd.DataFrame({"measure": ["poverty_exit_people"] * 2, "day": days, "value": [500, 1000]})
    >>> for year in (2018, 2019):
    ...     found = goals_by(policy, date(2017, 12, 31), date(year, 12, 31), seen).set_index("target_id")
    ...     print(year, found.loc["poverty_exit_2018", "verdict"])
    2018 behind
    2019 on_pace
    """
    asked = goals(policy)
    moved = replace(policy, targets=tuple(replace(target, day=deadline) for target in asked))
    rows = progress(moved, day, actuals)
    rows["due"] = [target.day.isoformat() for target in asked]
    rows["verdict"] = [
        _verdict(row, target, is_over=deadline <= day)
        for row, target in zip(rows.to_dict("records"), asked, strict=True)
    ]
    return rows[list(COLUMNS)]


def _verdict(row: dict[str, object], target: Target, *, is_over: bool) -> str:
    status = str(row["status"])
    if status == "met":
        return "met"
    if is_over:
        return "behind" if "behind" in status else "unknown"
    values = [float(str(row[name])) for name in ("forecast", "forecast_low", "forecast_high")]
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "unknown"
    reached = [value >= target.value if target.bound == "at_least" else value <= target.value for value in known]
    return "on_pace" if all(reached) else ("doubtful" if any(reached) else "behind")


def last_whole_year(deadline: date) -> int:
    """Give the last year that is over by a day: works count at the end of their year.

    >>> last_whole_year(date(2019, 12, 31)), last_whole_year(date(2019, 12, 30))
    (2019, 2018)
    """
    return deadline.year if (deadline.month, deadline.day) == (12, 31) else deadline.year - 1


def quarter_ends(day: date, years: int) -> list[date]:
    """List the ends of quarters after a day (exclusive), up to so many years on.

    >>> [str(end) for end in quarter_ends(date(2018, 6, 30), 1)]
    ['2018-09-30', '2018-12-31', '2019-03-31', '2019-06-30', '2019-09-30', '2019-12-31']
    """
    months = [(year, month) for year in range(day.year, day.year + years + 1) for month in (3, 6, 9, 12)]
    ends = [date(year, month, calendar.monthrange(year, month)[1]) for year, month in months]
    return [end for end in ends if end > day]


def needed_each_month(count: int, day: date, deadline: date) -> float | None:
    """Say how many a month it takes to finish a number by a deadline; None when the deadline is over.

    >>> needed_each_month(60, date(2018, 6, 30), date(2018, 12, 31))
    10.0
    """
    months = (deadline.year - day.year) * 12 + deadline.month - day.month
    return None if months <= 0 else count / months
