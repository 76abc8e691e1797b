"""What goes out can be filled in and read back; what was tampered with is refused by row, with the reason."""

import datetime
import io
import warnings
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from PIL import Image
from shapely.geometry import Point

from geo.errors import InputError
from tests.test_visits import DAY, TRIP, build
from tracker import deciding, evidence, merging, visit_return, visit_rows, visits
from tracker.office import Office
from tracker.questions import KINDS, read_answer
from tracker.visit_geopackage import package
from tracker.visit_workbook import workbook

NEEDS = {"public_toilet": "公共厕所", "garbage_point": "垃圾收集点"}


@pytest.fixture
def office(tmp_path: Path):
    with build(tmp_path, tmp_path / "x") as opened:
        yield opened


def out(office: Office) -> visits.Visit:
    wish = visit_rows.Wish(("V1", "V2"), tuple(KINDS), NEEDS, known={"needs/V1/public_toilet": "图上有，2018-06-30"})
    rows = visit_rows.rows(office, office.workspace(DAY), wish)
    return visits.send(office, rows, title="核实", day=TRIP, who="李工", by="gui")


def sheets(office: Office, visit: visits.Visit, **options) -> openpyxl.Workbook:
    content = workbook(visit, visits.rows_of(office, visit), office=office.name, **options)
    return openpyxl.load_workbook(io.BytesIO(content))


def put(book: openpyxl.Workbook, sheet: str, row: int, **cells) -> None:
    heads = {cell.value: cell.column for cell in book[sheet][1]}
    for head, value in cells.items():
        book[sheet].cell(row, heads[head.replace("_", "：")]).value = value


def row_of(book: openpyxl.Workbook, sheet: str, key: str) -> int:
    return next(row[0].row for row in book[sheet].iter_rows() if row[1].value == key)


def save(book: openpyxl.Workbook, path: Path) -> Path:
    book.save(path)
    return path


def take(office: Office, path: Path) -> visit_return.Parcel:
    return visit_return.take_in(office, path, by="gui")[0]


def states(office: Office, visit: visits.Visit) -> dict[str, str]:
    return {item.item_id: item.state for item in merging.merge(office, visits.visit(office, visit.visit_id))}


def test_the_workbook_locks_what_is_known_and_lists_what_may_be_answered(office: Office) -> None:
    book = sheets(office, out(office))
    held = ["needs", "villages", "facilities", "households", "houses", "projects", "found"]
    assert book.sheetnames == ["填写说明", *[KINDS[kind] for kind in held], "选项"]
    sheet = book["七有等事项"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.protection.sheet
    assert sheet.cell(2, heads["名称"]).protection.locked
    assert not sheet.cell(2, heads["核实：有没有"]).protection.locked
    [rule] = [rule for rule in sheet.data_validations.dataValidation if rule.type == "list"]
    words = [cell.value for cell in book["选项"]["A"]][:3]
    assert words == ["是", "否", "不清楚"]
    assert rule.formula1 == "'选项'!$A$1:$A$3"
    assert sheet.cell(2, heads["已知情况"]).value == "图上有，2018-06-30"
    guide = "".join(str(cell.value or "") for row in book["填写说明"].iter_rows() for cell in row)
    assert "含单户情况（无姓名电话）" in guide


def test_names_and_phones_are_in_it_only_when_given(office: Office) -> None:
    visit = out(office)
    text = repr([[c.value for c in row] for sheet in sheets(office, visit) for row in sheet.iter_rows()])
    assert "张三" not in text
    private = sheets(office, visit, private={"H1": {"head_name": "张三", "phone": "13800000000", "address": ""}})
    text = repr([[c.value for c in row] for sheet in private for row in sheet.iter_rows()])
    assert "张三" in text
    assert "个人信息，只供走访人使用" in text


def test_a_file_with_names_in_it_is_not_kept_only_its_answers_are(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit, private={"H1": {"head_name": "张三", "phone": "13800000000", "address": ""}})
    put(book, "农户", row_of(book, "农户", "households/H1"), 核实_饮水安全="否")
    parcel = take(office, save(book, tmp_path / "名.xlsx"))
    [reference] = parcel.visit.returns[0].evidence
    kept = evidence.fetch(office.path, reference).decode()
    assert "safe_water" in kept
    assert "张三" not in kept
    everything = b"".join(path.read_bytes() for path in (office.path / "evidence").rglob("*") if path.is_file())
    assert b"13800000000" not in everything


def test_the_same_visit_gives_the_same_workbook(office: Office) -> None:
    visit = out(office)
    rows = visits.rows_of(office, visit)
    assert workbook(visit, rows, office="县") == workbook(visit, rows, office="县")


def test_the_workbook_as_sent_comes_back_without_an_answer(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    parcel = take(office, save(sheets(office, visit), tmp_path / "空.xlsx"))
    assert (parcel.answers, parcel.refused, states(office, visit)) == ([], [], {})


def test_every_answer_of_the_workbook_is_read(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    put(book, "七有等事项", row_of(book, "七有等事项", "needs/V1/public_toilet"), 核实_有没有="否", 备注="塌了")
    put(book, "七有等事项", row_of(book, "七有等事项", "needs/V2/public_toilet"), 核实_有没有="不清楚")
    put(book, "村情", row_of(book, "村情", "villages/V2"), 核实_总人口=433)
    put(book, "农户", row_of(book, "农户", "households/H1"), 核实_房屋等级="D级", 核实_饮水安全="是")
    put(book, "危房台账", row_of(book, "危房台账", "houses/H1"), 核实_进度="鉴定", 核实_鉴定等级="D级")
    for column, value in enumerate(("公厕", "村口", "一村", 113.011, "北纬25.012", "在用"), start=3):
        book["新发现"].cell(2, column).value = value
    parcel = take(office, save(book, tmp_path / "回.xlsx"))
    assert parcel.refused == []
    assert states(office, visit) == {
        "needs/V1/public_toilet#public_toilet": "proposed", "villages/V2#population": "proposed",
        "households/H1#housing_grade": "proposed", "houses/H1": "proposed", "found/1": "proposed",
    }  # fmt: skip
    assert (parcel.visit.returns[0].confirmed, parcel.visit.returns[0].unclear) == (1, 1)
    outcome = deciding.accept_plain(office, visit.visit_id, by="ling")
    assert (outcome.settled, outcome.refused) == (5, ())
    assert states(office, visit)["found/1"] == "accepted"
    assert "村口" in set(office.frame("facilities")["name"])


def test_edited_ids_shifted_names_formulas_and_nonsense_are_refused_by_row(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    sheet = book["村情"]
    put(book, "村情", 2, 核实_总人口="很多")
    put(book, "村情", 3, 名称="别村", 核实_总人口=5)
    put(book, "七有等事项", 2, 行标识="needs/V9/public_toilet", 核实_有没有="否")
    put(book, "七有等事项", 3, 走访编号="ZF2018-0099", 核实_有没有="否")
    put(book, "七有等事项", 4, 核实_有没有='=IF(1,"否","是")')
    put(book, "设施", 2, 核实_使用状态="好像坏了")
    book["新发现"].cell(2, 3).value = "公厕"
    book["新发现"].cell(3, 3).value = "火箭"
    parcel = take(office, save(book, tmp_path / "坏.xlsx"))
    assert parcel.answers == []
    why = " ".join(text for _, text in parcel.refused)
    for part in ("很多", "别村", "不在发出的名单里", "ZF2018-0099", "是公式", "好像坏了", "经纬度", "火箭"):
        assert part in why, part
    assert states(office, visit) == {}
    del sheet


def test_the_same_row_twice_with_two_answers_is_refused(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    put(book, "村情", 2, 核实_总人口=311)
    book["村情"].append([cell.value for cell in book["村情"][2]])
    put(book, "村情", book["村情"].max_row, 核实_总人口=312)
    parcel = take(office, save(book, tmp_path / "双.xlsx"))
    assert parcel.answers == []
    assert "不止一次" in parcel.refused[0][1]
    del visit


def test_a_deleted_answer_column_is_no_answer_and_a_deleted_id_column_is_refused(
    office: Office, tmp_path: Path
) -> None:
    visit = out(office)
    book = sheets(office, visit)
    heads = {cell.value: cell.column for cell in book["村情"][1]}
    put(book, "村情", 2, 核实_总户数=81)
    book["村情"].delete_cols(heads["核实：总人口"])
    parcel = take(office, save(book, tmp_path / "缺列.xlsx"))
    assert [dict(answer.values) for answer in parcel.answers] == [{"households": "81"}]
    for sheet in book:
        if sheet.title not in ("填写说明", "选项"):
            sheet.delete_cols(1)
    with pytest.raises(InputError, match="走访编号"):
        take(office, save(book, tmp_path / "缺编号.xlsx"))
    del visit


def test_a_file_of_another_office_is_refused(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    for sheet in book:
        for row in sheet.iter_rows(min_row=2):
            if row[0].value == visit.visit_id:
                row[0].value = "ZF2031-0007"
    with pytest.raises(InputError, match="ZF2031-0007"):
        take(office, save(book, tmp_path / "别处.xlsx"))


def test_a_sheet_saved_as_gbk_csv_comes_back_too(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    put(book, "村情", 2, 核实_总人口=311)
    rows = [[cell.value if cell.value is not None else "" for cell in row] for row in book["村情"].iter_rows()]
    path = tmp_path / "村情.csv"
    path.write_bytes("\n".join(",".join(str(value) for value in row) for row in rows).encode("gbk"))
    parcel = take(office, path)
    assert [dict(answer.values) for answer in parcel.answers] == [{"population": "311"}]


def test_a_workbook_with_1904_dates_and_a_day_in_an_answer_is_refused_by_cell(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    book = sheets(office, visit)
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    put(book, "村情", 2, 核实_总人口=datetime.date(2018, 7, 1))
    put(book, "村情", 3, 核实_总户数=95)
    parcel = take(office, save(book, tmp_path / "1904.xlsx"))
    assert [dict(answer.values) for answer in parcel.answers] == [{"households": "95"}]
    assert "总人口" in parcel.refused[0][1]
    del visit


def test_not_a_package_at_all(office: Office, tmp_path: Path) -> None:
    plain = tmp_path / "村.csv"
    plain.write_text("村名,人口\n一村,3\n", "utf-8")
    with pytest.raises(InputError, match="没有走访编号"):
        take(office, plain)
    pdf = tmp_path / "a.pdf"
    pdf.write_bytes(b"%PDF-1.7")
    with pytest.raises(InputError, match="交回的要是"):
        take(office, pdf)
    with zipfile.ZipFile(tmp_path / "空.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(InputError, match="没有走访表"):
        take(office, tmp_path / "空.zip")
    with zipfile.ZipFile(tmp_path / "恶.zip", "w") as archive:
        archive.writestr("../../etc/a.xlsx", "x")
    with pytest.raises(InputError, match="指向包外"):
        take(office, tmp_path / "恶.zip")
    big = pd.DataFrame({"走访编号": ["ZF2018-0001"] * 3, "行标识": ["villages/V1"] * 3})
    wide = big.reindex(columns=[*big.columns, *(f"c{i}" for i in range(2100))])
    wide.to_csv(tmp_path / "宽.csv", index=False)
    with pytest.raises(InputError):
        take(office, tmp_path / "宽.csv")


def opened(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return next(folder.iterdir())


def edit(file: Path, layer: str, change) -> None:
    frames = {
        str(name): gpd.read_file(file, layer=name) if kind else pyogrio.read_dataframe(file, layer=name)
        for name, kind in pyogrio.list_layers(file)
    }
    frames[layer] = change(frames[layer])
    file.unlink()
    for name, frame in frames.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio.write_dataframe(frame, file, layer=name, driver="GPKG", append=file.exists())


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return target


def test_the_qgis_package_names_no_path_but_its_own_and_its_forms_hold_the_lists(
    office: Office, tmp_path: Path
) -> None:
    visit = out(office)
    folder = opened(
        package(visit, visits.rows_of(office, visit), office.workspace(DAY), office=office.name), tmp_path / "p"
    )
    names = {str(name) for name, _ in pyogrio.list_layers(folder / "visit.gpkg")}
    assert names >= {
        "village_points",
        "facilities",
        "households",
        "houses",
        "projects",
        "found",
        "village_borders",
        "layer_styles",
    }
    root = ET.fromstring((folder / f"visit_{visit.visit_id}.qgs").read_text("utf-8"))
    sources = [item.text for item in root.iter("datasource")]
    assert all(text.startswith("./visit.gpkg|layername=") for text in sources)
    assert {text.partition("=")[2] for text in sources} == names - {"layer_styles"}
    field = next(f for f in root.iter("field") if f.get("name") == "public_toilet" and f.find("editWidget") is not None)
    assert field.find("editWidget").get("type") == "ValueMap"
    assert {o.get("name"): o.get("value") for o in field.iter("Option") if o.get("type") == "QString"} == {
        "是": "yes",
        "否": "no",
        "不清楚": "?",
    }
    locked = {f.get("name"): f.get("editable") for f in root.iter("field") if f.get("editable") is not None}
    assert (locked["row_key"], locked["public_toilet"], locked["known"]) == ("0", "1", "0")
    styles = pyogrio.read_dataframe(folder / "visit.gpkg", layer="layer_styles")
    assert set(styles["f_table_name"]) == names - {"layer_styles"}
    assert "张三" not in (folder / "visit.gpkg").read_bytes().decode("utf-8", "ignore")
    assert "含单户情况" in (folder / "说明.txt").read_text("utf-8-sig")


def test_the_package_comes_back_with_a_point_and_a_photo(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    content = package(visit, visits.rows_of(office, visit), office.workspace(DAY), office=office.name)
    folder = opened(content, tmp_path / "p")
    unchanged = take(office, zipped(folder, tmp_path / "原样.zip"))
    assert (unchanged.answers, unchanged.refused) == ([], [])
    file = folder / "visit.gpkg"

    def answered(frame):
        frame = frame.astype({"public_toilet": object, "remark": object, "photos": object})
        at = frame["row_key"] == "V1"
        frame.loc[at, ["public_toilet", "remark", "photos"]] = ["no", "塌了", "photos/厕.jpg;photos/假.jpg"]
        return frame

    edit(file, "village_points", answered)
    new = gpd.GeoDataFrame(
        {
            "visit_id": [None],
            "name": ["村口"],
            "kind": ["garbage_point"],
            "status": ["in_service"],
            "village_id": ["V2"],
            "remark": [None],
            "photos": [None],
        },
        geometry=[Point(113.03, 25.011)],
        crs="EPSG:4490",
    )
    edit(file, "found", lambda _: new)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "photos" / "厕.jpg")
    (folder / "photos" / "假.jpg").write_bytes(b"MZ\x90 not a picture")
    parcel = take(office, zipped(folder, tmp_path / "回.zip"))
    assert [text for _, text in parcel.refused] == ["照片 假.jpg 不是图片，没有存下。"]
    found = states(office, visit)
    assert found.pop("needs/V1/public_toilet#public_toilet") == "proposed"
    [(key, state)] = found.items()
    assert key.startswith("found/")
    assert state == "proposed"
    item = next(item for item in merging.merge(office, parcel.visit) if item.row.kind == "needs")
    [photo] = item.options[0].answer.photos
    assert Image.open(io.BytesIO(evidence.fetch(office.path, photo))).size == (8, 8)
    assert deciding.accept_plain(office, visit.visit_id, by="ling").settled == 2
    assert "村口" in set(office.frame("facilities")["name"])


def test_a_project_still_open_in_qgis_is_refused_before_anything_is_lost(office: Office, tmp_path: Path) -> None:
    visit = out(office)
    folder = opened(
        package(visit, visits.rows_of(office, visit), office.workspace(DAY), office=office.name), tmp_path / "p"
    )
    (folder / "visit.gpkg-wal").write_bytes(b"not yet written")
    with pytest.raises(InputError, match="关闭工程"):
        take(office, zipped(folder, tmp_path / "开着.zip"))


def test_every_word_on_a_sheet_is_read_back_as_its_code() -> None:
    from tracker.questions import _ASKED

    for questions in _ASKED.values():
        for question in questions:
            for code, word in question.choices.items():
                assert read_answer(question, word) == code
                assert read_answer(question, code) == code
            assert read_answer(question, "不清楚") == "?"
