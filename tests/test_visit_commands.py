"""A visit from the command line: out, in, show, accept, undo; and the office's own sheet."""

import json
import zipfile
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from cli import cli
from tests.test_template import own_sheet
from tests.test_visits import build
from tracker import accounts, facts
from tracker.accounts import User
from tracker.office import open_office
from tracker.visits import Row
from views.visit_files import seen_by
from views.visit_known import persons


@pytest.fixture
def office(tmp_path: Path) -> Path:
    build(tmp_path, tmp_path / "x").close()
    return tmp_path / "office"


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner(env={"USER": "gui"}).invoke(cli, [str(item) for item in arguments])
    assert done.exit_code == code, done.output
    return done.output


def data(*arguments: object) -> dict:
    done = CliRunner().invoke(cli, [*(str(item) for item in arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_visit_goes_out_comes_back_is_settled_and_taken_back(office: Path, tmp_path: Path) -> None:
    book, package, paper = tmp_path / "走访.xlsx", tmp_path / "走访.zip", tmp_path / "走访.pdf"
    made = data(
        "visit", office, "out", "--town", "甲镇", "--need", "public_toilet", "--who", "李工", "--day", "2018-07-12",
        "--xlsx", book, "--qgis", package, "--pdf", paper, "--by", "gui",
    )  # fmt: skip
    assert made["visit_id"] == "ZF2018-0001"
    assert made["rows"]["needs"] == 2
    assert paper.read_bytes()[:5] == b"%PDF-"
    assert any(name.endswith(".qgs") for name in zipfile.ZipFile(package).namelist())
    sheet = openpyxl.load_workbook(book)
    heads = {cell.value: cell.column for cell in sheet["村情"][1]}
    sheet["村情"].cell(2, heads["核实：总人口"]).value = 333
    sheet.save(book)
    back = data("visit", office, "in", book, "--by", "gui")
    [item] = [item for item in back["items"] if item["state"] == "proposed"]
    assert (back["is_new"], item["options"][0]["values"]) == (True, {"population": "333"})
    assert "没有重复登记" in run("visit", office, "in", book)
    assert data("visit", office, "accept", "ZF2018-0001", "--by", "gui")["settled"] == 1
    with open_office(office) as opened:
        assert [fact.value for fact in facts.facts(opened.ledger)["villages"]] == ["333"]
        logged = [event.payload["what"] for event in accounts.access_log(opened.ledger)]
    assert [text for text in logged if "走访" in text] == [
        f"下乡走访 ZF2018-0001 {kind}" for kind in ("Excel", "QGIS", "PDF")
    ]
    own = own_sheet(tmp_path / "村情表.xlsx")
    assert "没有一行能" in run("template", office, "villages", own, code=2)
    run("visit", office, "undo", "ZF2018-0001", item["item"], "--reason", "看错")
    assert "待采用" in run("visit", office, "show", "ZF2018-0001")
    run("visit", office, "reject", "ZF2018-0001", item["item"])
    assert data("visit", office, "list")["visits"][0]["returned"] == 1
    assert "没有编号" in run("visit", office, "show", "ZF2018-0009", code=2)
    assert "谁去" in run("visit", office, "out", "--town", "甲镇", "--who", " ", code=2)


def test_the_offices_own_sheet_from_the_command_line(office: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("行政村代码", "行政村名称", "总人口"), ("V1", "一村", 1), ("V2", "二村", 400)):
        book.active.append(row)
    book.save(tmp_path / "表.xlsx")
    target, listing = tmp_path / "回填.xlsx", tmp_path / "清单.csv"
    found = data("template", office, "villages", tmp_path / "表.xlsx", "--out", target, "--list", listing, "--mark")
    assert [(c["address"], c["old"], c["new"]) for c in found["changes"]] == [("C2", "1", "300")]
    assert openpyxl.load_workbook(target).active["C2"].value == 300
    assert "C2" in listing.read_text("utf-8-sig")
    same = data("template", office, "villages", target)
    assert same["changes"] == []


def test_who_sees_which_rows_and_whose_names(office: Path) -> None:
    rows = [
        Row("villages/V1", "villages", "V1", "一村", "甲镇", "V1", "一村"),
        Row("households/H1", "households", "H1", "H1", "甲镇", "V1", "一村"),
        Row("households/H9", "households", "H9", "H9", "乙镇", "V9", "九村"),
    ]
    clerk = User("li", "李", "town_clerk", towns=("甲镇",))
    planner, leader = User("gui", "桂", "planner"), User("ling", "领", "leader")
    assert [row.id for row in seen_by(rows, clerk)] == ["V1", "H1"]
    assert [row.id for row in seen_by(rows, planner)] == ["V1", "H1", "H9"]
    assert [row.id for row in seen_by(rows, leader)] == ["V1"]
    with open_office(office) as opened:
        assert persons(opened, rows, planner) == {}
        assert persons(opened, rows, clerk)["H1"]["head_name"] == "张三"
