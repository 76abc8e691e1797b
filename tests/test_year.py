"""A whole year of an office through the commands alone, on both stores, giving the same figures."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from cli import cli
from tests.policies_path import POLICY
from tracker.office import create

HOUSES = [f"H{n:03d}" for n in range(1, 7)]


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def ask(*arguments: object):
    return json.loads(run(*arguments, "--json"))


@pytest.fixture(scope="module")
def papers(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    (folder / "paper.pdf").write_bytes(b"%PDF signed")
    rows = {"户编号": HOUSES, "乡镇": ["东山街道"] * 4 + ["民安街道"] * 2, "行政村代码": ["V1"] * 4 + ["V2"] * 2}
    pd.DataFrame(rows).to_csv(folder / "houses.csv", index=False, encoding="utf-8-sig")
    return folder


def projects_of_the_year(office: Path, paper: Path) -> None:
    for title, town, cost in (
        ("调文村道硬化", "东山街道", "63.5"),
        ("龙湾村公厕", "民安街道", "12"),
        ("西湾村卫生站", "民安街道", "20"),
    ):
        run("project", office, "propose", "--title", title, "--kind", "transport", "--town", town, "--year", 2018, "--owner", "交通局",
            "--need", "V1:hardened_village_road", "--cost", cost, "--at", "2018-01-05")  # fmt: skip
    steps = {
        "P2018-00001": [("立项", "2018-01-20"), ("招标", "2018-02-10"), ("开工", "2018-04-02"), ("竣工", "2018-08-20")],
        "P2018-00002": [("立项", "2018-02-01"), ("招标", "2018-03-01"), ("开工", "2018-05-01"), ("竣工", "2018-11-30")],
    }
    for number, moves in steps.items():
        for status, day in moves:
            run("project", office, "move", number, status, "--at", day)
    run("project", office, "move", "P2018-00001", "验收", "--at", "2018-09-10", code=2)
    accepted = ("--at", "2018-09-10", "--cost", "59.9999", "--evidence", paper)
    run("project", office, "move", "P2018-00001", "验收", *accepted)
    run(
        "project",
        office,
        "move",
        "P2018-00001",
        "销号",
        "--at",
        "2018-09-20",
        "--still-open",
        "V1:hardened_village_road",
        code=2,
    )
    run("project", office, "move", "P2018-00001", "销号", "--at", "2018-09-20")
    run("project", office, "move", "P2018-00001", "开工", "--at", "2018-10-08", code=2)
    run("project", office, "move", "P2018-00001", "开工", "--at", "2018-10-08", "--reason", "路面开裂返工")
    run("project", office, "move", "P2018-00003", "取消", "--at", "2018-06-01", "--reason", "并入镇卫生院")


def money_of_the_year(office: Path) -> None:
    shares = (("省级", "38.1"), ("佛山市", "19.05"), ("湛江市", "3.175"), ("区级", "3.175"))
    for source, amount in shares:
        run("project", office, "fund", "plan", "--source", source, "--amount", amount, "--year", 2018, "--project", "P2018-00001", "--town", "东山街道", "--at", "2018-01-20")  # fmt: skip
    for source, amount, day in (("省级", "38.1", "2018-03-15"), ("佛山市", "19.05", "2018-05-15")):
        run("project", office, "fund", "allocation", "--source", source, "--amount", amount, "--year", 2018, "--project", "P2018-00001", "--town", "东山街道", "--at", day)  # fmt: skip
    for amount, day in (("20", "2018-06-10"), ("30.5", "2018-09-15")):
        run("project", office, "fund", "payment", "--source", "省级", "--amount", amount, "--year", 2018, "--project", "P2018-00001", "--town", "东山街道", "--at", day)  # fmt: skip
    run("project", office, "fund", "ceiling", "--source", "国家", "--amount", "80", "--year", 2018, "--project", "P2018-00001", "--town", "东山街道", "--at", "2018-01-20")  # fmt: skip


def houses_of_the_year(office: Path, papers: Path) -> None:
    assert ask("house", office, "report", papers / "houses.csv", "--at", "2018-01-10")["entered"] == 6
    assert ask("house", office, "report", papers / "houses.csv", "--at", "2018-01-11")["entered"] == 0
    paper = ("--evidence", papers / "paper.pdf")
    for number in HOUSES[:4]:
        run("house", office, "move", number, "鉴定", "--at", "2018-02-01", "--grade", "D", *paper)
        run("house", office, "move", number, "纳入计划", "--at", "2018-03-01", "--treatment", "rebuild")
    for number in HOUSES[:2]:
        run("house", office, "move", number, "施工", "--at", "2018-04-15")
        run("house", office, "move", number, "验收", "--at", "2018-08-01", *paper)
    close = ("--close-reason", "renovated", "--reason", "改造完成", "--notice-days", 7)
    run("house", office, "move", "H001", "销档", "--at", "2018-08-08", *close, "--notice-from", "2018-08-02", code=2)
    run("house", office, "move", "H001", "销档", "--at", "2018-08-10", *close, "--notice-from", "2018-08-02")
    run(
        "house",
        office,
        "move",
        "H006",
        "销档",
        "--at",
        "2018-07-01",
        "--close-reason",
        "deceased",
        "--reason",
        "当事人去世",
    )
    run("house", office, "move", "H001", "新发现", "--at", "2018-12-05", "--reason", "台风后墙体开裂", "--grade", "C")


def figures_of_the_targets(office: Path) -> None:
    for share, day in ((0.35, "2017-12-31"), (0.62, "2018-06-30"), (0.95, "2018-12-31")):
        run("observe", office, "poverty_exit_share", share, "--at", day, "--source", "半年报")


def test_a_whole_year_gives_the_same_figures_on_both_stores(tmp_path, store, papers) -> None:
    office = tmp_path / "office"
    create(office, policy=POLICY, name="试", ledger=store if isinstance(store, str) else None).close()
    projects_of_the_year(office, papers / "paper.pdf")
    money_of_the_year(office)
    houses_of_the_year(office, papers)
    figures_of_the_targets(office)

    def standing(day: str):
        totals = ask("project", office, "totals", "--by", "source", "--day", day)
        money = {row["source"]: (row["plan_cny10k"], row["allocation_cny10k"], row["payment_cny10k"], row["ceiling_cny10k"]) for row in totals["funds"]}  # fmt: skip
        return totals["projects"], totals["open_houses"], money["合计"]

    assert standing("2018-03-31") == ({"tendered": 2, "reserve": 1}, 6, (63.5, 38.1, 0.0, 80.0))
    assert standing("2018-06-30") == ({"started": 2, "cancelled": 1}, 6, (63.5, 57.15, 20.0, 80.0))
    assert standing("2018-09-30") == ({"closed": 1, "started": 1, "cancelled": 1}, 4, (63.5, 57.15, 50.5, 80.0))
    assert standing("2018-12-31") == ({"started": 1, "completed": 1, "cancelled": 1}, 5, (63.5, 57.15, 50.5, 80.0))

    counts = ask("house", office, "list", "--day", "2018-12-31")["counts"]
    assert counts[-1] == {"town": "合计", "found": 2, "appraised": 0, "planned": 2, "under_works": 0, "accepted": 1, "closed": 1, "total": 6}  # fmt: skip

    out = tmp_path / "report.xlsx"
    done = ask("report", office, "--every", "quarter", "--day", "2018-12-31", "--no-assess", "--out", out, "--publish")
    assert done["period"] == "2018年第四季度"
    assert out.read_bytes()[:2] == b"PK"
    target = {row["目标"]: row for row in done["tables"]["目标"]}
    exits = [row for name, row in target.items() if name.startswith("贫困人口脱贫")]
    assert [row["2018年第四季度 实际"] for row in exits] == [0.95] * 3
    assert [row["2018年第四季度 结论"] for row in exits] == ["已达到", "已达到", "未完成"]
    assert [row["本期比上期"] for row in exits] == [pytest.approx(0.33)] * 3
    steps = [(row["发生日"], row["步骤"]) for row in done["tables"]["本期经过"]]
    assert steps == [("2018-10-08", "开工"), ("2018-11-30", "竣工")]

    again = ask("report", office, "--every", "quarter", "--day", "2018-12-31", "--no-assess")
    assert again["tables"] == done["tables"], "the same history gives the same report"
    assert ask("project", office, "verify")["faults"] == []


def mistakes_of_the_year(office: Path) -> None:
    """What was entered wrongly and mended: a day, an amount, a figure, a posting that never was."""
    told = ask("project", office, "history", "P2018-00002")["events"]
    started = next(event["seq"] for event in told if event["kind"] == "project_started")
    run("mend", office, "step", started, "--at", "2018-05-03", "--why", "日期写错")
    wrong = ask("project", office, "fund", "payment", "--source", "省级", "--amount", "99", "--year", 2018, "--at", "2018-11-01")["seq"]  # fmt: skip
    right = ask("mend", office, "money", wrong, "--amount", "9.9", "--why", "小数点写错")["seq"]
    run("mend", office, "withdraw", right, "--why", "不是本县的钱")
    run("project", office, "amend", "P2018-00002", "--cost", "12.5", "--note", "设计变更", "--at", "2018-06-01")


def everything(office: Path) -> dict[str, object]:
    """Ask every list, total, history and report of the year, on its days, without what differs by chance."""
    days = ("2018-03-31", "2018-06-30", "2018-09-30", "2018-12-31")
    asked: dict[str, object] = {
        f"totals {day}": ask("project", office, "totals", *(word for key in ("project_id", "town", "year", "source") for word in ("--by", key)), "--day", day)
        for day in days
    }  # fmt: skip
    asked |= {f"projects {day}": ask("project", office, "list", "--day", day) for day in days}
    asked |= {f"houses {day}": ask("house", office, "list", "--day", day) for day in days}
    asked |= {f"report {day}": ask("report", office, "--every", "quarter", "--day", day, "--no-assess")["tables"] for day in days}  # fmt: skip
    for number in ("P2018-00001", "P2018-00002", "P2018-00003"):
        asked[number] = [
            {key: event[key] for key in ("seq", "version", "kind", "at", "payload", "evidence", "corrects")}
            for event in ask("project", office, "history", number)["events"]
        ]
    return asked


@pytest.mark.postgis
def test_both_stores_answer_every_question_alike_and_a_move_changes_nothing(tmp_path, postgresql_url, papers) -> None:
    told = []
    for name, ledger in (("file", None), ("server", postgresql_url)):
        office = tmp_path / name
        create(office, policy=POLICY, name="试", ledger=ledger).close()
        projects_of_the_year(office, papers / "paper.pdf")
        money_of_the_year(office)
        houses_of_the_year(office, papers)
        figures_of_the_targets(office)
        mistakes_of_the_year(office)
        told.append(everything(office))
    assert told[0] == told[1]
    assert len(told[0]) == 19
    assert told[0]["projects 2018-12-31"]["projects"][1]["planned_cost_cny10k"] == 12.5
    run("move", tmp_path / "server", "--to", "file")
    assert everything(tmp_path / "server") == told[0], "moved to a file, it still says the same"
    assert ask("project", tmp_path / "server", "verify")["faults"] == []


def test_mistakes_end_with_one_sentence(tmp_path, papers) -> None:
    office = tmp_path / "office"
    create(office, policy=POLICY, name="试").close()
    assert "没有“no_such”这个指标" in run("observe", office, "no_such", 1, code=2)
    assert "户编号" in run("house", office, "move", "H9", "鉴定", "--grade", "D", code=2)
    assert "没有“睡觉”这个状态" in run("house", office, "move", "H9", "睡觉", code=2)
    assert "一字不差" in run("adopt", office, POLICY, "--reason", "x", "--since", "2018-01-01", code=2)
    assert "规则没有变" in run("rescore", office, "--day", "2018-12-31")
