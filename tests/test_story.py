"""The demo's invented history: it follows the tracker's own rules and agrees with the map where it says so."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cli as commands
from demo.sizes import AS_OF
from demo.story import PATH, Kind, tell_houses, tell_share, tell_works
from tracker import events, funds, houses, projects
from tracker.office import open_office
from tracker.status import Step, house_faults, project_faults
from views.assessing import assess_office

KINDS = {"toilet": Kind("公共厕所", "environment", ""), "road": Kind("通村路", "transport", "交通局")}
SHARES = {"省": 6.0, "市": 3.0, "县": 1.0}


def table(met: int, gap: int) -> pd.DataFrame:
    rows = [
        {
            "unit_id": f"V{i:03d}",
            "name": f"村{i}",
            "village_id": f"V{i:03d}",
            "town": "甲镇",
            "need": "toilet" if i % 2 else "road",
            "status": "met" if i < met else "gap",
            "cost_cny10k": None,
            "length_km": None,
        }
        for i in range(met + gap)
    ]
    return pd.DataFrame(rows)


def test_works_take_allowed_steps_and_end_before_the_demos_day() -> None:
    told = tell_works(table(20, 20), KINDS, SHARES, count=12, seed=3)
    assert sum(not works.is_gap for works in told) == 12
    assert sum(works.is_gap for works in told) == 6
    for works in told:
        steps = [Step("reserve", works.at), *(Step(move.to, move.at) for move in works.moves)]
        known = {"owner": works.owner, "planned_cost_cny": works.cost_cny10k}
        whole = [Step(s.to, s.at, "验", ("单",), {**known, "actual_cost_cny": works.cost_cny10k}) for s in steps]
        assert project_faults(whole) == []
        assert all(step.at <= AS_OF for step in steps)
    assert sum(works.is_gap and len(works.moves) == len(PATH) for works in told) == 1, "one closed against the map"


def test_money_is_shared_by_the_policy_and_never_paid_beyond_what_was_allocated() -> None:
    for works in tell_works(table(30, 30), KINDS, SHARES, count=20, seed=5):
        sums: dict[str, dict[str, float]] = {}
        for money in works.money:
            sums.setdefault(money.source, {}).setdefault(money.stage, 0.0)
            sums[money.source][money.stage] += money.cny10k
        assert sum(item["plan"] for item in sums.values()) == pytest.approx(works.cost_cny10k, abs=1e-6), "to the cent"
        assert sums["省"]["plan"] == pytest.approx(works.cost_cny10k * 0.6, abs=1e-6)
        for item in sums.values():
            assert item.get("payment", 0) <= item.get("allocation", 0) + 1e-6


def test_the_same_seed_tells_the_same_and_another_something_else() -> None:
    first = tell_works(table(20, 20), KINDS, SHARES, count=8, seed=1)
    assert first == tell_works(table(20, 20).sample(frac=1, random_state=2), KINDS, SHARES, count=8, seed=1)
    assert first != tell_works(table(20, 20), KINDS, SHARES, count=8, seed=2)


def test_nothing_to_tell() -> None:
    assert tell_works(table(1, 1).head(0), KINDS, SHARES, count=8, seed=1) == []
    assert tell_houses(pd.DataFrame(columns=["household_id", "grade", "priority"]), count=3, seed=1) == []


def test_houses_take_allowed_steps_with_their_public_notice() -> None:
    rows = pd.DataFrame({"household_id": [f"H{i}" for i in range(80)], "grade": ["C", "D"] * 40, "priority": range(80)})
    told = tell_houses(rows, count=60, seed=1)
    assert len(told) == 60
    for item in told:
        steps = [Step("found", date(2017, 3, 10)), *(Step(m.to, m.at, "", ("单",), m.details) for m in item.moves)]
        assert house_faults(steps, notice_days=7) == []
    assert {move.to for item in told for move in item.moves} >= {"appraised", "planned", "under_works", "closed"}


def test_shares_climb_to_the_figure_asked() -> None:
    told = tell_share(540, upto=0.8)
    assert told[-1] == (date(2018, 6, 30), 0.8)
    assert [value for _, value in told] == sorted(value for _, value in told)


def test_the_demo_office_has_a_history_that_agrees_with_its_map(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        commands.cli, ["demo", "--size", "tiny", "--history", "--out", str(tmp_path)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    with open_office(tmp_path / "office") as office:
        found = projects.projects(office.ledger)
        status = assess_office(office).findings.set_index(["unit_id", "need"])["status"]
        assert found
        for item in found:
            for need in item.description.needs:
                if item.status == "closed" and need in status.index:
                    assert status[need] == "met" or need in item.still_open
        assert funds.faults(funds.postings(office.ledger)) == []
        shares = funds.share_table(
            funds.postings(office.ledger), {"省": 6, "佛山市": 3, "湛江市": 0.5, "开发区": 0.5}, stage="plan"
        )
        assert shares["difference_cny"].tolist() == [0, 0, 0, 0], "what each payer owes, to the cent"
        known = [len(projects.projects(office.ledger, known_on=day)) for day in (date(2017, 1, 1), date(2017, 12, 31))]
        assert known[0] == 0 < known[1] <= len(found), "the past was entered on its own days"
        assert office.ledger.clock().year > 2018, "and the present is entered on its own"
        assert any(house.status != "found" for house in houses.houses(office.ledger))
        assert events.verify(office.ledger) == []


def test_a_tiny_demo_has_no_history_unless_asked(tmp_path: Path) -> None:
    CliRunner().invoke(commands.cli, ["demo", "--size", "tiny", "--out", str(tmp_path)], catch_exceptions=False)
    with open_office(tmp_path / "office") as office:
        assert projects.projects(office.ledger) == []
