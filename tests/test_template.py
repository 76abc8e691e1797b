"""The office's own sheet comes back as it was, but for the cells that differ."""

import io
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import xlsxwriter
from openpyxl.chart import BarChart, Reference
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from shapely.geometry import box

from geo.errors import InputError
from geo.read import read
from geo.template import outline, patch
from tests.policies_path import POLICY
from tracker import events, houses, projects, template
from tracker.events import Draft
from tracker.facts import OBSERVED, Cell
from tracker.office import Office, create

DAY = date(2018, 6, 30)


@pytest.fixture
def office(tmp_path: Path):
    with create(tmp_path / "office", policy=POLICY, name="试验县") as opened:
        frame = gpd.GeoDataFrame(
            {"village_id": ["440224001001", "440224001002", "440224001003"], "name": ["一村", "二村", "三村"], "town": "甲镇",
             "list_type": ["poor", "none", "key"], "population": [300, 400, 500], "households": [80, 90, None]},
            geometry=[box(113 + i / 50, 25, 113.02 + i / 50, 25.02) for i in range(3)], crs="EPSG:4490",
        )  # fmt: skip
        frame.to_file(tmp_path / "villages.gpkg", driver="GPKG")
        opened.add_layer("villages", tmp_path / "villages.gpkg", as_of=DAY, by="试")
        claims = tmp_path / "登记册.csv"
        claims.write_text(
            "unit_id,need,value,source,by,day\n440224001001,public_toilet,yes,册,办,2018-06-30\n440224001002,public_toilet,no,册,办,2018-06-30\n",
            "utf-8",
        )
        opened.add_layer("claims", claims, as_of=DAY, by="试")
        houses.report(opened.ledger, [{"household_id": "H1", "grade": "C"}], at=DAY, by="试")
        about = projects.Description("公厕", "environment", "甲镇", 2018)
        projects.propose(opened.ledger, about, at=DAY, by="试", project_id="P2018-00001")
        yield opened


def see(office: Office, layer: str, unit: str, field: str, value: str, at: date = date(2018, 7, 1)) -> None:
    payload = {"layer": layer, "id": unit, "field": field, "value": value, "source": "下乡走访 ZF2018-0001"}
    events.append(office.ledger, Draft(Cell(layer, unit, field).subject, OBSERVED, at, "李", payload))


def own_sheet(path: Path, *, numbers=(300, 400, 500), third=None) -> Path:
    """A sheet as offices keep it: title, two-row merged header, formulas, chart, rules, comment, second sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "村情表"
    sheet["A1"] = "甲镇 2018 年村情一览表"
    sheet.merge_cells("A1:H1")
    sheet["A1"].font = Font(size=18, bold=True)
    for at, head in enumerate(
        ("序号", "村名称", "行政村代码", "人口", None, "是否贫困村", "公共厕所", "备注"), start=1
    ):
        sheet.cell(2, at, head)
    sheet.merge_cells("D2:E2")
    for column in "ABCFGH":
        sheet.merge_cells(f"{column}2:{column}3")
    sheet["D3"], sheet["E3"] = "总人口", "总户数"
    codes = ("440224001001", "440224001002", "440224001003")
    for at, (code, name) in enumerate(zip(codes, ("一村", "二村", "三村"), strict=True), start=4):
        values = (
            at - 3,
            name,
            code,
            numbers[at - 4],
            (80, 90, third)[at - 4],
            ("贫困村", None, "重点村")[at - 4],
            ("√", "×", None)[at - 4],
            "照旧",
        )
        for column, value in enumerate(values, start=1):
            sheet.cell(at, column, value)
        sheet.cell(at, 4).fill = PatternFill("solid", fgColor="DDEEFF")
    sheet["B7"], sheet["D7"], sheet["E7"] = "合计", "=SUM(D4:D6)", "=SUM(E4:E6)"
    sheet.column_dimensions["B"].width = 33
    sheet.conditional_formatting.add(
        "D4:D6", CellIsRule(operator="lessThan", formula=["350"], fill=PatternFill("solid", bgColor="FF0000"))
    )
    rule = DataValidation(type="list", formula1='"√,×"')
    sheet.add_data_validation(rule)
    rule.add("G4:G6")
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=4, min_row=4, max_row=6))
    sheet.add_chart(chart, "J2")
    other = book.create_sheet("说明")
    other["A1"] = "填表说明"
    other["B2"] = "=村情表!D7"
    book.save(path)
    return path


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_without_differences_the_file_is_the_same_byte_for_byte(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx")
    found = template.compare(office, path, "villages")
    assert found.changes == ()
    assert (found.rows, found.matched) == (3, 3)
    assert template.fill(office, path, found)[0] == path.read_bytes()


def test_only_the_differing_cells_change_and_every_other_part_keeps_its_bytes(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", numbers=(300, 411, None))
    see(office, "villages", "440224001001", "population", "312")
    found = template.compare(office, path, "villages")
    assert [(c.address, c.old, c.new, c.day) for c in found.changes] == [
        ("D4", "300", "312", "2018-07-01"), ("D5", "411", "400", "2018-06-30"), ("D6", "", "500", "2018-06-30")
    ]  # fmt: skip
    assert "走访" in found.changes[0].source
    content, notes = template.fill(office, path, found)
    before, after = parts(path.read_bytes()), parts(content)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"xl/worksheets/sheet1.xml", "xl/workbook.xml"}
    assert set(before) == set(after)
    assert any("公式" in note for note in notes)
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["村情表"]
    assert [sheet[f"D{row}"].value for row in (4, 5, 6)] == [312, 400, 500]
    assert sheet["D7"].value == "=SUM(D4:D6)"
    assert sheet["D5"].fill.fgColor.rgb == "00DDEEFF"
    assert sheet.column_dimensions["B"].width == 33
    assert str(sheet.merged_cells) == str(openpyxl.load_workbook(path)["村情表"].merged_cells)
    assert len(sheet._charts) == 1 or "xl/charts/chart1.xml" in after
    assert len(sheet.data_validations.dataValidation) == 1
    assert book["说明"]["B2"].value == "=村情表!D7"
    again = tmp_path / "再.xlsx"
    again.write_bytes(content)
    assert template.compare(office, again, "villages").changes == ()


def test_unknown_writes_nothing_over_a_value(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", third=77)
    found = template.compare(office, path, "villages")
    assert found.changes == (), "the office does not know the households of the third village"


def test_a_register_is_spelt_as_the_office_spells_it(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx")
    see(office, "claims", "440224001001", "public_toilet", "no")
    see(office, "claims", "440224001003", "public_toilet", "yes")
    found = template.compare(office, path, "claims")
    assert [(c.address, c.old, c.new) for c in found.changes] == [("G4", "√", "×"), ("G6", "", "√")]
    content, _ = template.fill(office, path, found, mark=True)
    sheet = openpyxl.load_workbook(io.BytesIO(content))["村情表"]
    assert (sheet["G4"].value, sheet["G6"].value) == ("×", "√")
    assert sheet["G4"].fill.fgColor.rgb == "FFFFF2A8"
    assert sheet["G5"].fill.fgColor.rgb != "FFFFF2A8"


def test_formulas_are_not_overwritten_without_being_asked(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", numbers=(300, "=200+1", 500))
    found = template.compare(office, path, "villages")
    assert [(s.address, s.why) for s in found.skipped] == [("D5", "是公式，没有覆盖")]
    assert template.fill(office, path, found)[0] == path.read_bytes()
    asked = template.compare(office, path, "villages", with_formulas=True)
    content, _ = template.fill(office, path, asked, with_formulas=True)
    assert openpyxl.load_workbook(io.BytesIO(content))["村情表"]["D5"].value == 400


def test_a_list_of_formula_cells_is_dropped_when_a_formula_is(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", numbers=(300, "=200+1", 500))
    held = parts(path.read_bytes())
    chained = tmp_path / "链.xlsx"
    with zipfile.ZipFile(chained, "w") as archive:
        for name, content in held.items():
            if name == "[Content_Types].xml":
                content = content.replace(
                    b"</Types>", b'<Override PartName="/xl/calcChain.xml" ContentType="application/x"/></Types>'
                )
            archive.writestr(name, content)
        archive.writestr("xl/calcChain.xml", b'<calcChain><c r="D5" i="1"/></calcChain>')
    asked = template.compare(office, chained, "villages", with_formulas=True)
    after = parts(template.fill(office, chained, asked, with_formulas=True)[0])
    assert "xl/calcChain.xml" not in after
    assert b"calcChain" not in after["[Content_Types].xml"]


def test_merged_cells_are_left_alone_and_named(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", numbers=(299, None, 500))
    book = openpyxl.load_workbook(path)
    book["村情表"].merge_cells("D4:D5")
    book.save(path)
    found = template.compare(office, path, "villages")
    assert found.changes == ()
    assert {s.address for s in found.skipped} == {"D4", "D5"}
    assert all("合并" in s.why for s in found.skipped)


def test_only_what_was_seen_or_what_is_new_enough_can_be_asked_for(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx", numbers=(1, 2, 3))
    see(office, "villages", "440224001001", "population", "312")
    assert [c.address for c in template.compare(office, path, "villages", only_seen=True).changes] == ["D4"]
    assert [c.address for c in template.compare(office, path, "villages", since=date(2018, 7, 1)).changes] == ["D4"]


def test_ledgers_go_into_the_offices_own_sheets(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "台账.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("危房")
        for row, cells in enumerate(
            (("户编号", "户主", "危房等级", "办理进度"), ("H1", "张三", "", "鉴定"), ("H9", "李四", "D", ""))
        ):
            sheet.write_row(row, 0, cells)
        sheet = book.add_worksheet("项目")
        sheet.write_row(0, 0, ("项目编号", "项目名称", "进度", "实际投资（万元）"))
        sheet.write_row(1, 0, ("P2018-00001", "公厕", "立项", ""))
    found = template.compare(office, path, "houses", sheet="危房")
    assert [(c.address, c.new) for c in found.changes] == [("C2", "C级"), ("D2", "新发现")]
    assert found.unmatched == ("H9",)
    assert [(c.address, c.new) for c in template.compare(office, path, "projects", sheet="项目").changes] == [
        ("C2", "储备")
    ]


def test_units_in_the_header_are_kept(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "万人.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(
            (("村名称", "行政村代码", "人口（万人）"), ("一村", "440224001001", 0.02), ("二村", "440224001002", 0.04))
        ):
            sheet.write_row(row, 0, cells)
    [change] = template.compare(office, path, "villages").changes
    assert (change.address, change.number) == ("C2", 0.03)


def test_rows_without_a_code_are_found_by_name(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "名.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate((("乡镇", "行政村名称", "总人口"), ("甲镇", "一村", 1), ("甲镇", "九村", 2))):
            sheet.write_row(row, 0, cells)
    found = template.compare(office, path, "villages")
    assert [c.address for c in found.changes] == ["C2"]
    assert found.unmatched == ("第 3 行",)


def test_what_cannot_be_filled_says_why(office: Office, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="没有叫"):
        template.compare(office, own_sheet(tmp_path / "a.xlsx"), "wells")
    plain = tmp_path / "a.csv"
    plain.write_text("行政村代码,行政村名称,总人口\n1,一村,2\n", "utf-8")
    with pytest.raises(InputError, match="只能用 Excel"):
        template.compare(office, plain, "villages")
    path = tmp_path / "别处.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate((("行政村代码", "行政村名称", "总人口"), ("99", "甲", 1), ("98", "乙", 2))):
            sheet.write_row(row, 0, cells)
    with pytest.raises(InputError, match="没有一行能"):
        template.compare(office, path, "villages")


def test_a_hostile_workbook_is_refused(office: Office, tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx")
    held = parts(path.read_bytes())
    for name, change in {
        "实体": lambda text: b'<!DOCTYPE x [<!ENTITY a "b">]>' + text,
        "行号": lambda text: text.replace(b' r="4"', b""),
        "段": lambda text: text.replace(b"<sheetData>", b"<sheetData><![CDATA[ ]]>"),
    }.items():
        bad = tmp_path / f"{name}.xlsx"
        with zipfile.ZipFile(bad, "w") as archive:
            for part, content in held.items():
                archive.writestr(part, change(content) if part.endswith("sheet1.xml") else content)
        with pytest.raises(InputError):
            patch(bad, "村情表", [{"address": "D4", "number": 1}])
    with pytest.raises(InputError, match="没有名为"):
        patch(path, "没有", [{"address": "D4", "number": 1}])
    with pytest.raises(InputError, match="单元格地址"):
        patch(path, "村情表", [{"address": "D4:E5", "number": 1}])


def test_text_that_looks_like_markup_or_a_formula_stays_text(tmp_path: Path) -> None:
    path = own_sheet(tmp_path / "表.xlsx")
    content, _ = patch(
        path, "村情表", [{"address": "H4", "text": '=1+1 <a> & "x"'}, {"address": "H9", "text": "x"}][:1]
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content))["村情表"]
    assert (sheet["H4"].value, sheet["H4"].data_type) == ('=1+1 <a> & "x"', "s") or sheet["H4"].data_type == "inlineStr"
    written = tmp_path / "w.xlsx"
    written.write_bytes(content)
    assert outline(written).formulas["村情表"] == {"D7", "E7"}
    assert read(written, sheet="村情表").frame["备注"].iloc[0] == '=1+1 <a> & "x"'


@pytest.mark.real
def test_an_old_xls_comes_out_as_xlsx_and_says_so(real: Path, tmp_path: Path) -> None:
    path = real / "forms" / "q1.xls"
    if not path.is_file():
        pytest.skip(f"no {path}")
    found = outline(path)
    assert found.is_old
    assert "不能原样回填" in found.notes[0]
    before = read(path)
    content, notes = patch(path, before.layer, [], mark=False)
    made = tmp_path / "新.xlsx"
    made.write_bytes(content)
    after = read(made, sheet=before.layer)
    assert list(after.frame.columns) == list(before.frame.columns)
    assert len(after.frame) == len(before.frame)
    assert notes
