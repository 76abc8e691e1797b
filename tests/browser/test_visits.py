"""A visit in a real browser: sent, filled in, taken back, a conflict seen side by side and settled."""

import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.browser.test_tracker import at_rest
from tracker import facts, visits
from tracker.office import open_office

pytestmark = pytest.mark.browser
HOME = Path(__file__).resolve().parents[2]
SCRIPT = HOME / "views" / "start" / "script.py"


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    done = subprocess.run(
        [sys.executable, str(HOME / "cli.py"), "demo", "--size", "tiny", "--out", str(folder)],
        cwd=HOME, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "office"


def test_a_visit_goes_out_and_is_merged_when_it_comes_back(page, serve, office, tmp_path) -> None:
    address = serve(SCRIPT, QIYOU_OFFICE=str(office))
    page.goto(address + "/visits")
    at_rest(page)
    page.get_by_label("整个乡镇").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Tab")
    page.get_by_text("个村，").wait_for()
    at_rest(page)
    page.get_by_label("走访名称").fill("汛前核实")
    page.get_by_label("谁去（必填）").fill("李工")
    page.get_by_label("谁去（必填）").press("Tab")
    page.get_by_role("button", name="发出", exact=True).click()
    page.get_by_text("已发出，下面可以取").first.wait_for()
    at_rest(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Excel", exact=True).click()
    file = tmp_path / "走访.xlsx"
    taken.value.save_as(file)
    book = openpyxl.load_workbook(file)
    heads = {cell.value: cell.column for cell in book["村情"][1]}
    key = book["村情"].cell(2, heads["行标识"]).value
    book["村情"].cell(2, heads["核实：总人口"]).value = 1234
    book.save(file)
    page.set_input_files("[data-testid=stMainBlockContainer] input[type=file]", file)
    page.get_by_text("还没有登记").wait_for()
    page.get_by_role("button", name="登记交回").click()
    page.get_by_text("已登记交回").first.wait_for()
    at_rest(page)
    page.get_by_role("button", name="采用全部无冲突的（1）").click()
    page.get_by_text("已处理 1 条").first.wait_for()
    with open_office(office) as opened:
        [fact] = facts.facts(opened.ledger)["villages"]
        [visit] = visits.visits(opened)
    assert (fact.value, f"villages/{fact.cell.id}", fact.at) == ("1234", key, visit.day)
    assert page.outside == []
