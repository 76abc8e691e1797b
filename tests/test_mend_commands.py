"""Mending, amending and closing on the command line, on both stores: what the pages do, the commands do too."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from demo.county import write_county
from tests.policies_path import POLICY
from tracker import events
from tracker.office import create, open_office
from views.assessing import assess_office
from views.labels import label
from views.recheck import CONNECTED

PROJECT = "P2018-00001"


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def ask(*arguments: object):
    done = CliRunner(catch_exceptions=False).invoke(cli, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def office(tmp_path: Path, store: Path | str) -> Path:
    create(tmp_path / "o", policy=POLICY, name="试", ledger=store if isinstance(store, str) else None).close()
    return tmp_path / "o"


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    (tmp_path / "paper.pdf").write_bytes(b"%PDF signed")
    return tmp_path / "paper.pdf"


def propose(office: Path, *needs: str) -> None:
    asked = [word for need in needs for word in ("--need", need)]
    run("project", office, "propose", "--title", "路", "--kind", "transport", "--year", 2018, "--owner", "交通局", "--cost", "60", "--at", "2018-01-05", *asked)  # fmt: skip


def seq_of(office: Path, kind: str) -> int:
    return next(e["seq"] for e in ask("project", office, "history", PROJECT)["events"] if e["kind"] == kind)


def finish(office: Path, paper: Path) -> None:
    for status, day in (("立项", "02-01"), ("招标", "03-01"), ("开工", "04-01"), ("竣工", "06-01")):
        run("project", office, "move", PROJECT, status, "--at", f"2018-{day}")
    run("project", office, "move", PROJECT, "验收", "--at", "2018-06-10", "--cost", "600", "--evidence", paper)


def test_what_a_project_is_can_be_changed_and_was(office: Path) -> None:
    propose(office)
    run(
        "project",
        office,
        "amend",
        PROJECT,
        "--owner",
        "区交通局",
        "--cost",
        "65",
        "--note",
        "变更",
        "--at",
        "2018-02-01",
    )
    [now] = ask("project", office, "list")["projects"]
    [before] = ask("project", office, "list", "--day", "2018-01-31")["projects"]
    assert (now["owner"], now["planned_cost_cny10k"], now["title"]) == ("区交通局", 65.0, "路")
    assert (before["owner"], before["planned_cost_cny10k"]) == ("交通局", 60.0)
    assert "没有写要改什么" in run("project", office, "amend", PROJECT, code=2)


def test_a_wrong_step_is_corrected_and_stays_readable(office: Path, paper: Path) -> None:
    propose(office)
    finish(office, paper)
    seq = seq_of(office, "project_accepted")
    run("mend", office, "step", seq, "--cost", "59.8", "--at", "2018-06-12", "--why", "多写了一位")
    [row] = ask("project", office, "list")["projects"]
    assert (row["actual_cost_cny10k"], row["since"]) == (59.8, "2018-06-12")
    told = [e["payload"].get("actual_cost_cny") for e in ask("project", office, "history", PROJECT)["events"]]
    assert told[-2:] == ["6000000.00", "598000.00"]
    out = run("mend", office, "step", seq_of(office, "project_started"), "--at", "2018-06-02", "--why", "x", code=2)
    assert "不合规定" in out
    assert "更正最新的那一条" in run("mend", office, "step", seq, "--cost", "1", "--why", "x", code=2)
    run("mend", office, "withdraw", seq + 1, "--why", "还没有验收")
    assert ask("project", office, "list")["projects"][0]["status"] == "completed"
    assert ask("project", office, "verify")["faults"] == []


def test_wrong_money_and_figures_are_corrected_or_taken_back(office: Path) -> None:
    fund = ("project", office, "fund", "payment", "--source", "省", "--year", 2018, "--at", "2018-02-01")
    first = ask(*fund, "--amount", "600")["seq"]
    second = ask(*fund, "--amount", "60")["seq"]
    run("mend", office, "money", first, "--amount", "6", "--why", "多写了两个零")
    run("mend", office, "withdraw", second, "--why", "重复登记")
    assert ask("project", office, "totals", "--by", "source")["funds"][-1]["payment_cny10k"] == 6.0
    seen = ask("observe", office, "poverty_exit_share", 0.26, "--at", "2018-06-30", "--source", "半年报")["seq"]
    assert "写 0 到 1 的小数" in run("observe", office, "poverty_exit_share", 62, "--at", "2018-06-30", code=2)
    assert "写 0 到 1 的小数" in run("mend", office, "figure", seen, 62, "--why", "x", code=2)
    run("mend", office, "figure", seen, 0.62, "--why", "数字写反了")
    report = ask("report", office, "--every", "quarter", "--day", "2018-06-30", "--no-assess")
    shares = {row["2018年第二季度 实际"] for row in report["tables"]["目标"] if row["目标"].startswith("贫困人口脱贫")}
    assert shares == {0.62}
    assert "不是登记的实际数" in run("mend", office, "figure", first, 1, "--why", "x", code=2)
    propose(office)
    described = seq_of(office, "project_described")
    assert "不能在这里撤回" in run("mend", office, "withdraw", described, "--why", "x", code=2)


def test_a_day_that_has_not_come_is_refused(office: Path) -> None:
    propose(office)
    with open_office(office) as opened:
        tomorrow = opened.today + timedelta(days=1)
    later = ("--at", tomorrow)
    money = ("fund", "plan", "--source", "省", "--amount", "1", "--year", 2018)
    for words in (("project", office, "move", PROJECT, "立项"), ("project", office, *money), ("observe", office, "poverty_exit_share", 0.5)):  # fmt: skip
        assert "还没有到" in run(*words, *later, code=2)
    assert ask("project", office, "list")["projects"][0]["status"] == "reserve"


def test_the_public_notice_of_the_policy_binds_the_command_too(office: Path, paper: Path) -> None:
    listed = paper.with_name("h.csv")
    listed.write_text("户编号,乡镇\nH1,东山街道\nH2,东山街道\n", encoding="utf-8-sig")
    run("house", office, "report", listed, "--at", "2018-01-10")
    steps = (("鉴定", "--grade", "D", "--evidence", paper), ("纳入计划", "--treatment", "rebuild"), ("施工",), ("验收", "--evidence", paper))  # fmt: skip
    for day, words in enumerate(steps, start=11):
        run("house", office, "move", "H1", words[0], "--at", f"2018-01-{day}", *words[1:])
    close = ("house", office, "move", "H1", "销档", "--close-reason", "renovated", "--reason", "完成", "--notice-from", "2018-01-15")  # fmt: skip
    assert "满 7 天" in run(*close, "--at", "2018-01-21", code=2)
    assert "满 7 天" in run(*close, "--at", "2018-01-21", "--notice-days", 0, code=2), "no way around the document"
    run(*close, "--at", "2018-01-22")
    with open_office(office) as opened:
        [closed] = events.effective(opened.ledger, ["house_closed"])
    assert "满 7 天" in run("mend", office, "step", closed.seq, "--at", "2018-01-20", "--why", "x", code=2)
    found = ask("house", office, "list", "--day", "2019-01-01")
    assert (found["deadline"], found["overdue"]) == ("2018-12-31", ["H2"])
    assert ask("house", office, "list", "--day", "2018-12-31")["overdue"] == [], "the last day itself is in time"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A tiny synthetic county with layers, one natural village the map shows as a gap and one that it shows as met."""
    folder = tmp_path_factory.mktemp("county")
    made = write_county("tiny", 1, folder / "files")
    with create(folder / "o", policy=POLICY, name="虚构") as opened:
        for file in made.files:
            opened.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
        rows = assess_office(opened).natural_villages.set_index("state")["natural_village_id"]
    return folder / "o", rows.loc["harden"].iloc[0], rows.loc["connected"].iloc[0]


def test_closing_looks_at_the_map_again(county: tuple[Path, str, str], paper: Path) -> None:
    office, gap, met = county
    propose(office, f"{gap}:{CONNECTED}", f"{met}:{CONNECTED}")
    finish(office, paper)
    close = ("project", office, "move", PROJECT, "销号", "--at", "2018-06-20")
    said = run(*close, code=2)
    assert f"地图上仍有缺口：{gap}" in said
    assert met not in said.split("地图上仍有缺口")[1]
    done = ask(*close, "--reason", "图层尚未更新")
    assert [line.split("　")[1] for line in done["recheck"][:2]] == [label("status", name) for name in ("gap", "met")]
    [row] = ask("project", office, "list")["projects"]
    assert (row["status"], row["still_open"]) == ("closed", f"{gap}:{CONNECTED}")
    assert date.fromisoformat(row["since"]) == date(2018, 6, 20)
