"""Targets against a day."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.policy import Policy, load_policy, read_policy
from analysis.progress import PROGRESS_COLUMNS, observations, periods, progress, reports_due
from geo.errors import InputError, PolicyError

POLICIES = Path(__file__).parents[1] / "policies"
HEAD = 'id="p"\ntitle="甲"\ndocument="一号"\nissued=2016-01-01\n'


def policy_with(**target: object) -> Policy:
    given = {"id": "t", "label": "目标", "measure": "m", "value": 100, "unit": "person", "unsourced": True, **target}
    lines = [f"{key} = {value}" if key == "day" else f"{key} = {_toml(value)}" for key, value in given.items()]
    return read_policy(HEAD + "[[targets]]\n" + "\n".join(lines))


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else repr(value)


def seen(*points: tuple[str, float], **more: list[float]) -> pd.DataFrame:
    days, values = [day for day, _ in points], [value for _, value in points]
    return pd.DataFrame({"measure": "m", "day": days, "value": values, **more})


def status(policy: Policy, day: str, actuals: pd.DataFrame) -> str:
    return str(progress(policy, date.fromisoformat(day), actuals)["status"].iloc[0])


@pytest.mark.parametrize(("value", "expected"), [(99, "behind"), (100, "met"), (101, "met")])
def test_a_target_is_inclusive(value: float, expected: str) -> None:
    assert status(policy_with(day="2018-12-31"), "2018-12-31", seen(("2018-12-31", value))) == expected


@pytest.mark.parametrize(("day", "expected"), [("2018-12-30", "not_due"), ("2018-12-31", "behind")])
def test_a_target_is_judged_on_its_day(day: str, expected: str) -> None:
    actuals = seen(("2018-12-30", 50), ("2018-12-31", 50))
    assert status(policy_with(day="2018-12-31"), day, actuals) == expected


@pytest.mark.parametrize("strength", ["best_effort", "principle", "none"])
def test_a_best_effort_missed_is_amber_not_red(strength: str) -> None:
    policy = policy_with(day="2018-12-31", strength=strength)
    assert status(policy, "2019-01-01", seen(("2019-01-01", 99))) == "best_effort_behind"


def test_nothing_observed_is_unknown_never_behind() -> None:
    policy = policy_with(day="2018-12-31")
    empty = seen()
    assert status(policy, "2018-12-30", empty) == "not_due"
    assert status(policy, "2019-06-01", empty) == "unknown"
    assert status(policy, "2019-06-01", seen(("2018-06-30", 80))) == "unknown"
    assert "请补录" in progress(policy, date(2019, 6, 1), seen(("2018-06-30", 80)))["note"].iloc[0]


def test_an_observation_after_the_day_is_not_looked_at() -> None:
    policy = policy_with(day="2018-12-31")
    assert status(policy, "2018-12-31", seen(("2018-12-31", 10), ("2019-01-01", 500))) == "behind"


def test_met_late_says_so() -> None:
    policy = policy_with(day="2018-12-31")
    row = progress(policy, date(2019, 3, 1), seen(("2018-12-31", 90), ("2019-02-01", 120))).iloc[0]
    assert (row["status"], row["met_day"]) == ("met", "2019-02-01")
    assert "晚于期限" in row["note"]


def test_low_and_high_on_both_sides_are_unknown() -> None:
    policy = policy_with(day="2018-12-31", unit="share", value=0.9)
    both = seen(("2018-12-31", 0.8), low=[0.8], high=[0.95])
    under = seen(("2018-12-31", 0.8), low=[0.8], high=[0.85])
    over = seen(("2018-12-31", 0.95), low=[0.9], high=[0.99])
    assert [status(policy, "2018-12-31", frame) for frame in (both, under, over)] == ["unknown", "behind", "met"]


@pytest.mark.parametrize(("value", "expected"), [(0, "met"), (1, "behind")])
def test_at_most_counts_the_other_way(value: float, expected: str) -> None:
    policy = policy_with(day="2018-09-30", value=0, bound="at_most", cumulative=False)
    assert status(policy, "2018-09-30", seen(("2018-09-30", value))) == expected


def test_a_correction_replaces_the_earlier_row_of_the_same_day() -> None:
    policy = policy_with(day="2018-12-31")
    assert status(policy, "2018-12-31", seen(("2018-12-31", 120), ("2018-12-31", 20))) == "behind"


def test_forecast_follows_the_pace() -> None:
    policy = policy_with(day="2018-12-31", value=100)
    row = progress(policy, date(2018, 7, 1), seen(("2018-01-01", 0), ("2018-03-12", 14), ("2018-04-11", 20))).iloc[0]
    assert row["forecast"] == pytest.approx(20 + 0.2 * 264)
    assert row["forecast_low"] == pytest.approx(row["forecast"])
    assert row["reach_day"] == (date(2018, 4, 11) + timedelta(days=400)).isoformat()
    single = progress(policy, date(2018, 7, 1), seen(("2018-04-11", 20))).iloc[0]
    assert pd.isna(single["forecast"])
    assert pd.isna(single["reach_day"])


def test_a_forecast_never_passes_the_whole() -> None:
    quick = seen(("2018-01-01", 0), ("2018-02-01", 0.6))
    share = progress(policy_with(day="2018-12-31", unit="share", value=0.9), date(2018, 7, 1), quick).iloc[0]
    assert share["forecast"] == 1.0
    houses = policy_with(day="2018-12-31", value=0, bound="at_most", cumulative=False)
    row = progress(houses, date(2018, 7, 1), seen(("2018-01-01", 100), ("2018-02-01", 20))).iloc[0]
    assert row["forecast"] == 0
    people = policy_with(day="2018-12-31", value=90, total=100)
    assert progress(people, date(2018, 7, 1), seen(("2018-01-01", 0), ("2018-02-01", 60)))["forecast"].iloc[0] == 100


def test_no_pace_has_no_day_of_reaching() -> None:
    policy = policy_with(day="2018-12-31")
    row = progress(policy, date(2018, 7, 1), seen(("2018-01-01", 20), ("2018-06-01", 20))).iloc[0]
    assert pd.isna(row["reach_day"])
    assert row["forecast"] == 20
    assert pd.isna(row["forecast_low"])


steps = st.lists(st.tuples(st.integers(1, 200), st.floats(0, 500)), min_size=3, max_size=8)


@settings(deadline=None)
@given(steps)
def test_the_forecast_lies_in_its_range(steps: list[tuple[int, float]]) -> None:
    day, total, points = date(2016, 1, 1), 0.0, []
    for days, more in steps:
        day, total = day + timedelta(days=days), total + more
        points.append((day.isoformat(), total))
    row = progress(policy_with(day="2025-12-31", value=10**6), day, seen(*points)).iloc[0]
    assert row["forecast_low"] <= row["forecast"] * (1 + 1e-9) + 1e-9
    assert row["forecast"] <= row["forecast_high"] * (1 + 1e-9) + 1e-9


@settings(deadline=None)
@given(st.floats(0, 2000), st.floats(0, 2000))
def test_more_done_is_never_worse(one: float, other: float) -> None:
    policy = policy_with(day="2018-12-31", value=1000)
    rank = {"behind": 0, "met": 1}
    low, high = sorted((one, other))
    first, second = (status(policy, "2018-12-31", seen(("2018-12-31", value))) for value in (low, high))
    assert rank[first] <= rank[second]


@settings(deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    policy = policy_with(day="2018-12-31")
    frame = seen(*[(f"2018-0{month}-01", 10.0 * month) for month in range(1, 6)])
    expected = progress(policy, date(2019, 1, 1), frame)
    pd.testing.assert_frame_equal(progress(policy, date(2019, 1, 1), frame.iloc[order]), expected)


def test_all_five_documents_give_a_row_for_each_target() -> None:
    for path in sorted(POLICIES.glob("*.toml")):
        policy = load_policy(path)
        frame = progress(policy, date(2020, 12, 31), pd.DataFrame({"measure": [], "day": [], "value": []}))
        assert list(frame.columns) == list(PROGRESS_COLUMNS)
        assert len(frame) == len(policy.targets)
        assert set(frame["status"]) == {"unknown"}


def test_input_is_unchanged_and_mistakes_are_named() -> None:
    policy = policy_with(day="2018-12-31")
    actuals = seen(("2018-12-31", 120), ("2018-06-30", 20))
    before = actuals.copy()
    progress(policy, date(2018, 12, 31), actuals)
    pd.testing.assert_frame_equal(actuals, before)
    with pytest.raises(InputError, match="缺少列 value"):
        progress(policy, date(2018, 12, 31), actuals.drop(columns="value"))
    with pytest.raises(InputError, match="读不懂"):
        progress(policy, date(2018, 12, 31), seen(("去年底", 1)))


def test_findings_become_observations_with_what_is_unknown_as_a_range() -> None:
    policy = load_policy(POLICIES / "renhua-2016.toml")
    findings = pd.DataFrame(
        {
            "need": ["sewage_treated"] * 10 + ["safe_water"] * 2,
            "status": ["met"] * 7 + ["unknown", "disputed", "gap"] + ["met"] * 2,
        }
    )
    frame = observations(policy, findings, date(2018, 12, 31))
    assert frame["measure"].tolist() == ["sewage_treated_share"]
    assert frame[["low", "high"]].iloc[0].tolist() == [0.7, 0.9]
    result = progress(policy, date(2018, 12, 31), frame).set_index("target_id")
    assert result.loc["sewage_2018", "status"] == "unknown"
    assert result.loc["garbage_2018", "status"] == "unknown"


@pytest.mark.parametrize(("cadence", "count"), [("month", 12), ("quarter", 4), ("half_year", 2), ("year", 1)])
def test_periods_of_a_year(cadence: str, count: int) -> None:
    found = periods(cadence, date(2018, 1, 1), date(2018, 12, 31))
    assert len(found) == count
    assert len({period.label for period in found}) == count


days = st.dates(date(2000, 1, 1), date(2030, 12, 31))


@settings(deadline=None)
@given(st.sampled_from(["month", "quarter", "half_year", "year"]), days, days)
def test_periods_cover_the_range_without_hole_or_overlap(cadence: str, one: date, other: date) -> None:
    start, end = sorted((one, other))
    found = periods(cadence, start, end)
    assert found[0].start <= start <= found[0].end
    assert found[-1].start <= end <= found[-1].end
    assert all(later.start - earlier.end == timedelta(days=1) for earlier, later in pairwise(found))


def test_periods_refuse_what_is_no_cadence() -> None:
    with pytest.raises(InputError, match="week"):
        periods("week", date(2018, 1, 1), date(2018, 2, 1))
    with pytest.raises(InputError, match="对调"):
        periods("year", date(2018, 2, 1), date(2018, 1, 1))


def test_each_document_reports_on_its_own_cadence() -> None:
    def due(name: str, duty: str) -> list[str]:
        frame = reports_due(load_policy(POLICIES / f"{name}.toml"), date(2019, 1, 1), date(2019, 12, 31))
        return frame.loc[frame["duty_id"] == duty, "due"].tolist()

    assert due("zhanjiang-edz-2016", "quarterly_briefing") == ["2019-03-31", "2019-06-30", "2019-09-30", "2019-12-31"]
    assert due("zhanjiang-edz-2016", "fund_plan") == ["2019-03-31"]
    assert due("renhua-2016", "mid_year_review") == ["2019-06-30", "2019-12-31"]
    assert len(due("yicheng-2018", "dropout")) == 12
    assert due("yicheng-2018", "rectification") == ["2019-06-30"]
    assert due("yicheng-2018", "district_review") == ["2019-06-30"]
    assert due("haojiang-2017", "annual_report") == ["2019-12-31"]


def test_a_duty_with_an_impossible_day_is_named() -> None:
    text = (
        HEAD
        + '[[reporting.duties]]\nid="x"\nlabel="甲"\nevery="year"\ndue_month=2\ndue_day=30\nreference="一"\nquote="乙"'
    )
    with pytest.raises(PolicyError, match="due_month"):
        reports_due(read_policy(text), date(2018, 1, 1), date(2018, 12, 31))
