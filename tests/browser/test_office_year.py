"""A whole year of an office in a real browser: a project, its money, a house, a report – and the year as it stood in autumn."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from analysis.policy import load_policy
from demo.county import write_county
from tests.browser.test_tracker import SCRIPT, at_rest
from tests.policies_path import POLICY
from tracker import funds, houses, measures, projects, published
from tracker.office import create, open_office
from views.assessing import assess_office

pytestmark = pytest.mark.browser
TITLE = "片区连片提升"


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    """A tiny synthetic county that lives on 30 June 2018, with nothing in its tracker yet; no sign-in on this machine."""
    folder = tmp_path_factory.mktemp("year")
    made = write_county("tiny", 1, folder / "files")
    with create(folder / "office", policy=POLICY, name="示范县（虚构）", demo_day=date(2018, 6, 30)) as opened:
        for file in made.files:
            opened.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
    return folder / "office"


@pytest.fixture(scope="module")
def address(serve, office) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(office))


def set_day(page, box, day: str) -> None:
    """Type a day into a date field, part by part, and leave the field."""
    for number, text in enumerate(day.split("-")):
        box.locator("[role=spinbutton]").nth(number).click()
        page.keyboard.type(text)
    page.locator("h3").first.click()
    at_rest(page)


def fill(place, text: str) -> None:
    place.fill(text)
    place.press("Tab")


def enter(page, card, step: str, day: str = "") -> None:
    """Send the form of a step and wait until it is entered."""
    if day:
        set_day(page, card.locator("[data-testid=stDateInput]").first, day)
    card.get_by_role("button", name=f"登记“{step}”").click()
    page.get_by_text(f"已登记“{step}”").first.wait_for()
    at_rest(page)


def prove(page, card, text: str) -> None:
    fill(card.get_by_label("或文号、卷宗号"), text)
    at_rest(page)


def two_gaps(office: Path) -> list[str]:
    """Name two gaps the map shows, as the form lists them."""
    with open_office(office) as opened:
        found = assess_office(opened).findings
        names = opened.workspace().layers["villages"].set_index("village_id")["name"]
        needs = {need.id: need.label for need in load_policy(opened.policy_path).needs if need.kind == "has"}
    rows = found[found["need"].isin(needs) & (found["status"] == "gap") & (found["unit_kind"] == "village")].head(2)
    return [f"{names[row.unit_id]} · {needs[row.need]}" for row in rows.itertuples()]


def test_empty_parts_say_how_to_begin(page, address) -> None:
    page.goto(address + "/projects")
    at_rest(page)
    assert "还没有项目" in page.locator("[data-testid=stAlert]").first.inner_text()
    page.get_by_role("radio", name="资金").click()
    page.get_by_text("还没有资金").first.wait_for()
    page.goto(address + "/ledger")
    at_rest(page)
    page.get_by_role("button", name="全部登记为新发现").wait_for()


def test_a_project_of_two_gaps_through_the_year(page, address, office) -> None:
    page.goto(address + "/projects")
    at_rest(page)
    page.get_by_role("button", name="新建项目").click()
    form = page.get_by_role("dialog")
    fill(form.get_by_label("项目名称"), TITLE)
    gaps = form.locator("[data-testid=stMultiSelect] input")
    for text in two_gaps(office):
        gaps.fill(text)
        page.get_by_role("option", name=text).first.click()
    form.get_by_label("项目名称").click()
    fill(form.get_by_role("textbox", name="责任单位"), "区农业局")
    for number, text in enumerate(("2017", "07", "03")):
        form.locator("[data-testid=stDateInput] [role=spinbutton]").nth(number).click()
        page.keyboard.type(text)
    form.get_by_label("项目名称").click()
    form.get_by_role("button", name="登记为储备项目").click()
    form.wait_for(state="detached")
    at_rest(page)
    card = page.locator(".st-key-project_card")
    card.get_by_role("radio", name="下一步").click()
    at_rest(page)
    fill(card.locator("[data-testid=stNumberInput] input").first, "88.5")
    for step, day in (("立项", "2017-07-20"), ("招标", "2017-08-10"), ("开工", "2017-09-01"), ("竣工", "2018-03-20")):
        enter(page, card, step, day)
    fill(card.locator("[data-testid=stNumberInput] input").first, "86.2")
    card.get_by_role("button", name="登记“验收”").click()
    page.get_by_text("要附证明材料").first.wait_for()
    at_rest(page)
    prove(page, card, "验〔2018〕7号")
    enter(page, card, "验收", "2018-04-02")
    card.get_by_role("button", name="登记“销号”").click()
    page.get_by_text("地图上仍有缺口").first.wait_for()
    at_rest(page)
    fill(card.get_by_label("原因（必填）"), "图层还没更新")
    at_rest(page)
    enter(page, card, "销号")
    with open_office(office) as opened:
        [found] = projects.projects(opened.ledger)
    assert (found.description.title, found.label, len(found.description.needs)) == (TITLE, "销号", 2)
    assert set(found.still_open) == set(found.description.needs), "the gaps the map still showed stay on record"
    assert [str(day) for day in found.dates.values()][:4] == ["2017-07-03", "2017-07-20", "2017-08-10", "2017-09-01"]
    assert (found.actual_cost_cny, found.evidence) == (Decimal("862000.00"), ("验〔2018〕7号",))
    assert page.outside == []


def test_the_year_as_it_stood_in_autumn(page, address) -> None:
    page.goto(address + "/projects")
    at_rest(page)
    page.get_by_text("销号 1", exact=True).first.wait_for()
    page.get_by_role("button", name="查看哪一天").click()
    set_day(page, page.locator("[data-testid=stPopoverBody] [data-testid=stDateInput]").first, "2017-10-01")
    page.get_by_text("2017-10-01 为止发生的").first.wait_for()
    page.get_by_text("开工 1", exact=True).first.wait_for()
    page.get_by_text("销号 0", exact=True).first.wait_for()
    assert page.get_by_role("button", name="新建项目").count() == 0, "nothing can be entered there"


def test_money_is_divided_by_the_document_to_the_cent(page, address, office) -> None:
    page.goto(address + "/projects")
    at_rest(page)
    page.get_by_role("radio", name="资金").click()
    at_rest(page)
    page.get_by_role("button", name="登记资金").click()
    form = page.get_by_role("dialog")
    form.get_by_text("按政策比例分给各出资方").click()
    at_rest(page)
    amount = form.locator("[data-testid=stNumberInput] input").first
    amount.fill("100.0103")
    form.get_by_label("文号或凭证号").fill("区财〔2018〕9号")
    form.get_by_role("button", name="登记", exact=True).click()
    form.wait_for(state="detached")
    at_rest(page)
    with open_office(office) as opened:
        found = funds.postings(opened.ledger)
    assert [str(item.amount_cny) for item in found] == ["600061.80", "300030.90", "50005.15", "50005.15"]
    assert page.get_by_text("100.0 万元").first.is_visible()
    assert page.outside == []


def test_a_house_from_first_report_to_closed_after_its_notice(page, address, office) -> None:
    page.goto(address + "/ledger")
    at_rest(page)
    page.get_by_role("button", name="全部登记为新发现").click()
    page.locator(".st-key-house_list canvas").first.wait_for()
    at_rest(page)
    box = page.locator(".st-key-house_list canvas").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 53)
    at_rest(page)
    card = page.locator(".st-key-house_card")
    number = card.locator("h4").inner_text().split()[-1]
    card.get_by_role("radio", name="下一步").click()
    at_rest(page)
    prove(page, card, "鉴〔2018〕3号")
    enter(page, card, "鉴定")
    card.locator("[data-testid=stSelectbox]").first.click()
    page.get_by_role("option", name="宜建").click()
    enter(page, card, "纳入计划")
    enter(page, card, "施工")
    prove(page, card, "验〔2018〕8号")
    enter(page, card, "验收")
    card.get_by_role("button", name="登记“销档”").click()
    page.get_by_text("销档前要公示 7 天").first.wait_for()
    at_rest(page)
    set_day(page, card.locator("[data-testid=stDateInput]").nth(1), "2018-06-25")
    card.get_by_role("button", name="登记“销档”").click()
    page.get_by_text("最早 2018-07-02 才能销档").first.wait_for()
    at_rest(page)
    set_day(page, card.locator("[data-testid=stDateInput]").nth(1), "2018-06-20")
    enter(page, card, "销档")
    with open_office(office) as opened:
        grade = assess_office(opened).housing.set_index("household_id")["grade"][number]
        closed = [house for house in houses.houses(opened.ledger) if house.status == "closed"]
    assert [(house.treatment, house.grade, house.close_reason) for house in closed] == [("rebuild", grade, "renovated")]
    assert page.outside == []


def test_a_figure_a_report_and_what_was_published(page, address, office) -> None:
    page.goto(address + "/projects")
    at_rest(page)
    page.get_by_role("radio", name="目标与报告").click()
    at_rest(page)
    page.get_by_role("button", name="登记实际数").click()
    form = page.get_by_role("dialog")
    source = form.get_by_label("来源")
    source.fill("半年报")
    for text in ("88", "0.88"):
        form.locator("[data-testid=stNumberInput] input").first.fill(text)
        source.click()
        form.get_by_role("button", name="登记", exact=True).click()
        if text == "88":
            form.get_by_text("写 0 到 1 的小数").wait_for()
    form.wait_for(state="detached")
    at_rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="2018年第二季度 Excel").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    page.get_by_role("button", name="发布并留存").click()
    page.get_by_text("已发布的报告（1）").wait_for()
    with open_office(office) as opened:
        assert measures.observed(opened.ledger)["value"].tolist() == [0.88]
        [kept] = published.reports(opened)
    assert kept.period == "2018年第二季度"
    assert page.outside == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_table_can_be_taken_out_past_the_log(page, address, language) -> None:
    """The table's own shortcut to a CSV file is neither logged nor held to the right to export: it must not be there."""
    page.goto(f"{address}/projects?lang={language}")
    at_rest(page)
    page.locator("[data-testid=stButtonGroup]").first.locator("button").nth(2).click()
    at_rest(page)
    page.locator("[data-testid=stDataFrame]").first.hover()
    page.wait_for_timeout(500)
    shown = page.locator("[data-testid=stElementToolbarButton] button").evaluate_all(
        "buttons => buttons.filter(b => b.getClientRects().length).map(b => b.getAttribute('aria-label'))"
    )
    assert len(shown) >= 2, "the toolbar was seen"
    assert not [name for name in shown if "CSV" in name], shown
