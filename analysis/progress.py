"""Targets and milestones against a day: what is met, what is behind, where the pace leads, which reports fall due."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args

import pandas as pd

from analysis.policy import Policy, Target
from analysis.policy_format import Cadence
from geo.errors import InputError, PolicyError

PROGRESS_COLUMNS = (
    *("target_id", "label", "measure", "due", "target", "high", "unit", "bound", "strength", "reference", "catalogue"),
    *("status", "actual", "actual_low", "actual_high", "actual_day", "shortfall", "met_day"),
    *("forecast", "forecast_low", "forecast_high", "reach_day", "observations", "note"),
)
DUTY_COLUMNS = ("duty_id", "label", "period", "start", "end", "due", "strength", "reference")
MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
NUMERALS = "一二三四"


@dataclass(frozen=True)
class Period:
    """A whole month, quarter, half-year or year; both days are inside it."""

    start: date
    end: date
    label: str


def progress(policy: Policy, day: date, actuals: pd.DataFrame) -> pd.DataFrame:
    """Hold every target of a policy against what was observed up to a day.

    Parameters
    ----------
    policy
        Whose targets are judged.
    day
        Observations after it are not looked at; on a target's due day (inclusive) it is judged.
    actuals
        One row per observation: `measure` (as in the target), `day` (ISO text or date), `value` in the target's unit,
        and optionally `low` and `high` where the figure is not exactly known. A later row of the same measure and day
        replaces an earlier one. May be empty.

    Returns
    -------
    DataFrame
        One row per target in the policy's order, columns `PROGRESS_COLUMNS`. `status` is `met`; `behind` (due, known
        to be missed); `best_effort_behind` (the same, but the document only says 力争, 基本, 原则上 …: amber, not
        red); `not_due`; or `unknown` (due, and nothing observed since the due day that settles it, or low and high
        lie on both sides of the target: never shown as missed). `forecast` is the value on the due day at the mean pace since the first observation,
        `forecast_low` and `forecast_high` at the slowest and quickest pace between two successive observations; missing
        with fewer than two (for the range: three) observations. `reach_day` is when the mean pace reaches the target.

    Raises
    ------
    InputError
        A column is missing, or a day cannot be read.

    Examples
    --------
    >>> from analysis.policy import load_policy
    >>> policy = load_policy("policies/haojiang-2017.toml")
    >>> seen = pd.DataFrame({"measure": ["poverty_exit_people"], "day": ["2017-12-31"], "value": [1300]})
    >>> progress(policy, date(2017, 12, 31), seen)[["target_id", "status", "shortfall"]].values.tolist()[:2]
    [['poverty_exit_2016', 'met', 0.0], ['poverty_exit_2017', 'behind', 48.0]]
    """
    observed = _observed(actuals, day)
    rows = [_row(target, day, observed[observed["measure"] == target.measure]) for target in policy.targets]
    frame = pd.DataFrame(rows, columns=list(PROGRESS_COLUMNS))
    numbers = [name for name in PROGRESS_COLUMNS if name.startswith(("actual", "forecast", "target", "high", "short"))]
    floats = [name for name in numbers if name not in {"target_id", "actual_day"}]
    texts = [name for name in PROGRESS_COLUMNS if name not in {*floats, "observations"}]
    return frame.astype({**dict.fromkeys(floats, "float64"), **dict.fromkeys(texts, "str"), "observations": "int64"})


def observations(policy: Policy, findings: pd.DataFrame, day: date) -> pd.DataFrame:
    """Turn findings into observations of the targets that count a share of units.

    Parameters
    ----------
    findings
        As `assess` gives them: one row per unit and need, with `need` and `status`.
    day
        The day the findings describe.

    Returns
    -------
    DataFrame
        `measure, day, value, low, high`: `low` counts only what is met, `high` also the disputed and unknown, `value`
        is `low`. A need without findings has no row. Needs that are themselves a share of households are left out:
        a share of villages says something else.

    Examples
    --------
    >>> from analysis.policy import load_policy
    >>> policy = load_policy("policies/renhua-2016.toml")
    >>> findings = pd.DataFrame({"need": ["cleaning"] * 4, "status": ["met", "met", "gap", "unknown"]})
    >>> observations(policy, findings, date(2018, 12, 31)).values.tolist()
    [['cleaning_share', '2018-12-31', 0.5, 0.5, 0.75]]
    """
    kinds = {need.id: need.kind for need in policy.needs}
    rows = {}
    for target in policy.targets:
        if not target.need or target.unit != "share" or kinds.get(target.need) == "share":
            continue
        states = findings.loc[findings["need"] == target.need, "status"]
        if len(states):
            low, high = (states == "met").mean(), (states != "gap").mean()
            rows[target.measure] = (target.measure, day.isoformat(), low, low, high)
    return pd.DataFrame(list(rows.values()), columns=["measure", "day", "value", "low", "high"])


def periods(cadence: Cadence, start: date, end: date) -> list[Period]:
    """List the whole periods of a cadence that touch a range of days (both inclusive).

    Raises
    ------
    InputError
        The cadence is not month, quarter, half_year or year, or the range is backwards.

    Examples
    --------
    >>> [period.label for period in periods("quarter", date(2018, 2, 1), date(2018, 4, 1))]
    ['2018年第一季度', '2018年第二季度']
    """
    if cadence not in get_args(Cadence):
        raise InputError(f"报告周期：不认识 {cadence}；只能是 {'、'.join(get_args(Cadence))}")
    if end < start:
        raise InputError(f"报告周期：结束日 {end} 早于开始日 {start}；请把两个日期对调")
    months = MONTHS[cadence]
    year, month = start.year, (start.month - 1) // months * months + 1
    found = []
    while date(year, month, 1) <= end:
        after = (year + (month + months > 12), (month + months - 1) % 12 + 1)
        found.append(
            Period(date(year, month, 1), date(*after, 1) - timedelta(days=1), _period_label(cadence, year, month))
        )
        year, month = after
    return found


def reports_due(policy: Policy, start: date, end: date) -> pd.DataFrame:
    """List the reports, briefings and reviews that a policy asks for between two days (both inclusive).

    A duty falls due at the end of its period, or on the day of the year that the policy names.

    Returns
    -------
    DataFrame
        One row per duty and period, columns `DUTY_COLUMNS`, days as ISO text, ordered by due day. Empty when the
        document gives no cadence (“定期” is none).

    Examples
    --------
    >>> from analysis.policy import load_policy
    >>> policy = load_policy("policies/renhua-2016.toml")
    >>> reports_due(policy, date(2017, 1, 1), date(2017, 12, 31))["due"].tolist()
    ['2017-06-30', '2017-12-31']
    """
    table = policy.tables.get("reporting", {})
    rows = []
    for duty in table.get("duties", []):
        for period in periods(duty["every"], start, end):
            due = _due(policy, duty, period)
            if start <= due <= end:
                rows.append(_duty(duty, period.label, period.start, period.end, due))
    for event in table.get("events", []):
        due = date.fromisoformat(str(event["day"]))
        if start <= due <= end:
            rows.append(_duty(event, due.isoformat(), due, due, due))
    rows.sort(key=lambda row: (row[5], row[0]))
    return pd.DataFrame(rows, columns=list(DUTY_COLUMNS)).astype("str")


def _duty(duty: dict[str, Any], period: str, start: date, end: date, due: date) -> tuple[str, ...]:
    days = (start.isoformat(), end.isoformat(), due.isoformat())
    return (duty["id"], duty["label"], period, *days, duty.get("strength", "hard"), duty["reference"])


def _due(policy: Policy, duty: dict[str, Any], period: Period) -> date:
    if "due_month" not in duty:
        return period.end
    try:
        return date(period.end.year, duty["due_month"], duty.get("due_day", 1))
    except ValueError as error:
        raise PolicyError(
            f"政策 {policy.id}：reporting.duties {duty['id']} 的 due_month、due_day 不成日期；请改正"
        ) from error


def _period_label(cadence: Cadence, year: int, month: int) -> str:
    if cadence == "month":
        return f"{year}年{month}月"
    if cadence == "quarter":
        return f"{year}年第{NUMERALS[(month - 1) // 3]}季度"
    if cadence == "half_year":
        return f"{year}年{'上' if month == 1 else '下'}半年"
    return f"{year}年"


def _observed(actuals: pd.DataFrame, day: date) -> pd.DataFrame:
    missing = [name for name in ("measure", "day", "value") if name not in actuals.columns]
    if missing:
        raise InputError(f"进度数据：缺少列 {'、'.join(missing)}；请补上 measure（指标）、day（日期）、value（数值）")
    try:
        days = pd.to_datetime(actuals["day"], format="ISO8601").dt.date if len(actuals) else actuals["day"]
    except (ValueError, TypeError) as error:
        raise InputError(f"进度数据：day 列有读不懂的日期（{error}）；请写成 2018-12-31") from error
    value = actuals["value"].astype("float64")
    frame = pd.DataFrame({"measure": actuals["measure"], "day": days, "value": value})
    for side in ("low", "high"):
        frame[side] = actuals[side].astype("float64").fillna(value) if side in actuals.columns else value
    frame = frame[frame["value"].notna() & (frame["day"] <= day)] if len(frame) else frame
    return frame.drop_duplicates(["measure", "day"], keep="last").sort_values("day", kind="stable")


def _row(target: Target, day: date, seen: pd.DataFrame) -> tuple[Any, ...]:
    nan = math.nan
    head = (
        *(target.id, target.label, target.measure, target.day.isoformat(), target.value, target.high, target.unit),
        *(target.bound, target.strength, target.reference, target.catalogue),
    )
    if not len(seen):
        status = "not_due" if day < target.day else "unknown"
        return (*head, status, nan, nan, nan, None, nan, None, nan, nan, nan, None, 0, target.note)
    last = seen.iloc[-1]
    met = _met_day(target, seen)
    status = _status(target, day, last["low"], last["high"])
    shortfall = max(0.0, (target.value - last["value"]) * _direction(target))
    note = target.note
    if status == "met" and met and met > target.day:
        note = f"{note}；首次达标的记录在 {met}，晚于期限".lstrip("；")
    if "behind" in status and last["day"] < target.day:
        status = "unknown"
        note = f"{note}；最后一次记录在 {last['day']}，早于期限，请补录".lstrip("；")
    known = (last["value"], last["low"], last["high"], last["day"].isoformat(), shortfall, met and met.isoformat())
    return (*head, status, *known, *_forecast(target, seen), len(seen), note)


def _direction(target: Target) -> int:
    return 1 if target.bound == "at_least" else -1


def _status(target: Target, day: date, low: float, high: float) -> str:
    worst, best = (low, high) if target.bound == "at_least" else (-high, -low)
    goal = target.value * _direction(target)
    if worst >= goal:
        return "met"
    if day < target.day:
        return "not_due"
    if best >= goal:
        return "unknown"
    return "behind" if target.strength == "hard" else "best_effort_behind"


def _met_day(target: Target, seen: pd.DataFrame) -> date | None:
    worst = seen["low"] if target.bound == "at_least" else -seen["high"]
    days = seen.loc[worst >= target.value * _direction(target), "day"]
    return days.iloc[0] if len(days) else None


def _forecast(target: Target, seen: pd.DataFrame) -> tuple[float, float, float, str | None]:
    if len(seen) < 2:
        return math.nan, math.nan, math.nan, None
    numbers = [day.toordinal() for day in seen["day"]]
    values = seen["value"].tolist()
    paces = [
        (after - before) / (later - earlier)
        for before, after, earlier, later in zip(values, values[1:], numbers, numbers[1:], strict=False)
    ]
    mean = (values[-1] - values[0]) / (numbers[-1] - numbers[0])
    left = max(0, target.day.toordinal() - numbers[-1])
    low, middle, high = (_bounded(target, values[-1] + pace * left) for pace in (min(paces), mean, max(paces)))
    has_range = len(seen) > 2
    reach = _reach_day(target, values[-1], numbers[-1], mean)
    return middle, low if has_range else math.nan, high if has_range else math.nan, reach


def _bounded(target: Target, value: float) -> float:
    ceiling = 1.0 if target.unit == "share" else target.total
    return max(0.0, value if ceiling is None else min(value, ceiling))


def _reach_day(target: Target, value: float, number: int, pace: float) -> str | None:
    left = (target.value - value) * _direction(target)
    if left <= 0:
        return date.fromordinal(number).isoformat()
    speed = pace * _direction(target)
    if speed <= 0 or left / speed > 36525:
        return None
    return date.fromordinal(number + math.ceil(left / speed - 1e-9)).isoformat()
