"""A year of the tracker through the commands, on both stores, giving the same figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from tracker.office import create


def run(*arguments: object, code: int = 0):
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def office(tmp_path, store) -> Path:
    policy = tmp_path / "policy.toml"
    policy.write_text('id = "p"\n', encoding="utf-8")
    create(tmp_path / "o", policy=policy, name="x", ledger=store if isinstance(store, str) else None).close()
    return tmp_path / "o"


def do(office, *arguments, code=0):
    return run("project", office, *arguments, code=code)


def ask(office, *arguments):
    return json.loads(run("project", office, *arguments, "--json"))


def test_a_year_of_a_project(office, tmp_path):
    paper = tmp_path / "验收单.pdf"
    paper.write_bytes(b"%PDF signed")
    about = ("--title", "调文村道硬化", "--kind", "road", "--town", "东山街道", "--owner", "交通局")
    need = ("--year", 2018, "--need", "V1:hardened_road", "--cost", "63.5")
    assert "P2018-00001" in do(office, "propose", *about, *need, "--at", "2018-01-05")
    for status, day in (
        ("立项", "2018-02-01"),
        ("tendered", "2018-03-01"),
        ("开工", "2018-05-01"),
        ("竣工", "2018-09-01"),
    ):
        do(office, "move", "P2018-00001", status, "--at", day)
    step = ("--at", "2018-10-01", "--cost", "59.9999", "--evidence", paper)
    do(office, "move", "P2018-00001", "验收", *step)
    for stage, amount in (("ceiling", "80"), ("plan", "63.5"), ("allocation", "60"), ("payment", "59.9999")):
        money = (
            "--source",
            "省级",
            "--amount",
            amount,
            "--year",
            2018,
            "--project",
            "P2018-00001",
            "--town",
            "东山街道",
        )
        do(office, "fund", stage, *money, "--at", "2018-10-01")
    do(office, "move", "P2018-00001", "销号", "--at", "2018-12-01")

    def status_on(day):
        return [row["status"] for row in ask(office, "list", "--day", day)["projects"]]

    days = ("2018-01-04", "2018-01-05", "2018-04-01", "2018-06-30", "2018-10-01", "2018-12-31")
    assert [status_on(day) for day in days] == [[], ["reserve"], ["tendered"], ["started"], ["accepted"], ["closed"]]
    assert ask(office, "list", "--known-on", "2018-12-31")["projects"] == [], "it was entered only now"
    [row] = ask(office, "list")["projects"]
    assert (row["planned_cost_cny10k"], row["actual_cost_cny10k"], row["needs"]) == (63.5, 59.9999, "V1:hardened_road")
    totals = ask(office, "totals", "--by", "town", "--day", "2018-12-31")
    assert totals["funds"][-1] == {
        "town": "合计", "plan_cny10k": 63.5, "ceiling_cny10k": 80.0, "allocation_cny10k": 60.0, "payment_cny10k": 59.9999,
    }  # fmt: skip
    assert totals["projects"] == {"closed": 1}
    assert totals["warnings"] == []
    kinds = [event["kind"] for event in ask(office, "history", "P2018-00001")["events"]]
    assert kinds[:3] == ["project_described", "project_reserve", "project_approved"]
    assert kinds[-1] == "project_closed"
    [stored] = (office / "evidence").rglob("*.pdf")
    assert stored.read_bytes() == b"%PDF signed"
    assert ask(office, "verify")["faults"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("move", "P1", "验收"), "没有编号为 P1"),
        (("move", "P1", "飞"), "没有“飞”这个状态"),
        (("history", "P1"), "没有编号为 P1"),
        (("propose", "--title", "a", "--kind", "road", "--year", 2018, "--need", "V1"), "要写成 编号:事项"),
        (("propose", "--title", "a", "--kind", "road", "--year", 2018, "--cost", "六十"), "数字"),
        (("fund", "payment", "--source", "省", "--amount", "nan", "--year", 2018), "数字"),
        (("fund", "payment", "--source", "省", "--amount", "1", "--year", 2018, "--at", "昨天"), "无法识别"),
    ],
)
def test_mistakes_end_with_one_sentence(office, arguments, sentence):
    output = do(office, *arguments, code=2)
    assert sentence in output
    assert "Traceback" not in output


def test_a_tampered_ledger_fails_the_check(tmp_path):
    from tracker.office import open_office

    policy = tmp_path / "policy.toml"
    policy.write_text('id = "p"\n', encoding="utf-8")
    create(tmp_path / "o", policy=policy, name="x").close()
    do(tmp_path / "o", "propose", "--title", "路", "--kind", "road", "--year", 2018)
    with open_office(tmp_path / "o") as office:
        office.ledger.write(lambda t: t.run("DROP TRIGGER events_are_not_changed"))
        office.ledger.write(lambda t: t.run("UPDATE events SET actor = '别人' WHERE seq = 1"))
    assert "第 1 号记录" in do(tmp_path / "o", "verify", code=3)
