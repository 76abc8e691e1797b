"""A what-if question is worked out, not guessed: it gives what a policy with that figure would give."""

import pandas as pd
import pytest

from analysis.plan import works_tree
from analysis.roads import at_threshold, natural_villages
from tests.road_county import DAY, policy, roads, villages, workspace
from views.whatif import THRESHOLD, with_value

PEOPLE = {"a": 199, "b": 200, "c": 201, "d": None, "e": 80}


@pytest.fixture(scope="module")
def county():
    lines = [("core", "concrete", [(0, 0), (10_000, 0)], {"admin_class": "X"})]
    ends = []
    for place, (name, people) in enumerate(PEOPLE.items(), start=1):
        x = 1500 * place
        lines.append((f"r{name}", "earth", [(x, 0), (x, 1000)]))
        ends.append((name, people, (x, 1000)))
    lines.append(("shared", "earth", [(1500, 1000), (1500, 1800)]))
    ends.append(("far", 150, (1500, 1800)))
    return workspace(roads=roads(lines), natural_villages=villages(ends))


@pytest.mark.parametrize("threshold", [80, 81, 150, 199, 200, 201, 202])
def test_another_threshold_gives_what_a_policy_with_it_gives(county, threshold) -> None:
    base = natural_villages(county, policy(), DAY)
    other = with_value(policy(), THRESHOLD, threshold, DAY)
    quick, whole = at_threshold(base, county, other, DAY), natural_villages(county, other, DAY)
    pd.testing.assert_frame_equal(quick.natural_villages, whole.natural_villages)
    pd.testing.assert_frame_equal(pd.DataFrame(quick.candidates), pd.DataFrame(whole.candidates))
    pd.testing.assert_frame_equal(pd.DataFrame(quick.segments), pd.DataFrame(whole.segments))
    assert quick.candidates["natural_village_id"].tolist() == whole.candidates["natural_village_id"].tolist()
    assert works_tree(quick).cost.tolist() == works_tree(whole).cost.tolist()


def test_an_unknown_population_stays_unknown_at_every_threshold(county) -> None:
    other = with_value(policy(), THRESHOLD, 1, DAY)
    found = at_threshold(natural_villages(county, policy(), DAY), county, other, DAY).natural_villages
    assert found.set_index("natural_village_id")["is_due"]["d"] is pd.NA


def test_the_base_is_not_changed(county) -> None:
    base = natural_villages(county, policy(), DAY)
    before = base.natural_villages.copy()
    at_threshold(base, county, with_value(policy(), THRESHOLD, 10, DAY), DAY)
    pd.testing.assert_frame_equal(base.natural_villages, before)


def test_an_assumed_figure_is_no_longer_what_the_document_says() -> None:
    own = policy()
    changed = with_value(own, THRESHOLD, 150, DAY)
    assert (changed.values[THRESHOLD][-1].amount, own.values[THRESHOLD][-1].amount) == (150, 200)
    assert changed.values[THRESHOLD][-1].unsourced
    assert changed.digest != own.digest
    assert with_value(own, "no.such.figure", 1, DAY) is own


def test_a_deadline_later_than_the_documents_needs_less_pace() -> None:
    from datetime import date

    from analysis.deadline import goals, goals_by, last_whole_year, needed_each_month, quarter_ends
    from analysis.policy import load_policy

    rules = load_policy("policies/haojiang-2017.toml")
    today = date(2017, 12, 31)
    assert [goal.id for goal in goals(rules)] == ["poverty_exit_2018", "housing_2018"]
    empty = pd.DataFrame(columns=["measure", "day", "value"])
    assert set(goals_by(rules, today, date(2030, 12, 31), empty)["verdict"]) == {"unknown"}
    rows = [("poverty_exit_people", "2015-12-31", 0), ("poverty_exit_people", "2016-12-31", 200)]
    rows += [("poverty_exit_people", "2017-12-31", 1000), ("dangerous_housing_open", "2017-12-31", 0)]
    seen = pd.DataFrame(rows, columns=["measure", "day", "value"])
    told = {
        year: goals_by(rules, today, date(year, 12, 31), seen).set_index("target_id") for year in (2017, 2018, 2022)
    }
    assert [told[year].loc["poverty_exit_2018", "verdict"] for year in (2017, 2018, 2022)] == [
        "behind",
        "doubtful",
        "on_pace",
    ]
    assert told[2018].loc["housing_2018", "verdict"] == "met"  # at most 0, and 0 it is
    assert told[2022]["due"].tolist() == ["2018-12-31"] * 2  # the document's own day stays readable
    assert (last_whole_year(date(2020, 12, 31)), last_whole_year(date(2020, 9, 30))) == (2020, 2019)
    assert needed_each_month(12, today, today) is None
    assert quarter_ends(date(2018, 12, 31), 0) == []


def test_decisions_frozen_before_deadlines_open_as_they_were() -> None:
    from datetime import date

    from views.frozen import figure_table
    from views.whatif import parameters_record

    old = {
        "parameters": {"threshold": None, "budget_cny10k": 1000.0, "until": 2020},
        "figures": {"roads": {"due": 3.0}, "budget": {"villages": 2.0}, "houses": 5},
    }
    assert len(figure_table(old, "zh")) == 6
    asked = parameters_record(None, 1000.0, date(2020, 9, 30))
    assert (asked["deadline"], asked["until"]) == ("2020-09-30", 2019)
