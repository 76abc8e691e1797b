"""Tables inside sheets: titles, merged headers, units, totals, notes; types of columns; coordinates."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
import shapely

from geo.coordinates import angle, locate
from geo.encoding import decode, find
from geo.errors import InputError
from geo.sheet import clean_name, extract
from geo.values import is_code, numbers_from_text, settled, text_of, typed

MERGED = [
    ["七有台账", None, None, None, None, None],
    ["填报单位：仁化县", None, None, None, "2024年 月 日", None],
    ["序号", "乡镇", "行政村", "人口（人）", None, "备注"],
    [None, None, None, "总\n数", "贫 困", None],
    [1.0, "丹霞街道", "甲村", 210.0, 20.0, None],
    [2.0, None, "乙村", 199.0, 3.0, "山区"],
    [None, None, None, None, None, None],
    [3.0, "闻韶镇", "丙村", 88.0, 1.0, None],
    [None, "小计", None, 497.0, 24.0, None],
    ["合 计", None, None, 497.0, 24.0, None],
    ["填表人：张三", None, "审核：李四", None, None, None],
    ["注：1. 人口为户籍人口。", None, None, None, None, None],
    ["2. 数据截至年底，由各村上报。", None, None, None, None, None],
]
MERGES = [
    (0, 0, 0, 5),
    (2, 0, 3, 0),
    (2, 1, 3, 1),
    (2, 2, 3, 2),
    (2, 3, 2, 4),
    (2, 5, 3, 5),
    (4, 1, 5, 1),
    (9, 0, 9, 2),
]


def test_bureau_ledger_with_titles_merged_header_totals_and_notes() -> None:
    sheet = extract(MERGED, MERGES)
    assert sheet.names == ["序号", "乡镇", "行政村", "人口(人)/总数", "人口(人)/贫困", "备注"]
    assert sheet.rows == [5, 6, 8]
    assert [row[1:4] for row in sheet.cells] == [
        ["丹霞街道", "甲村", 210.0],
        ["丹霞街道", "乙村", 199.0],
        ["闻韶镇", "丙村", 88.0],
    ]
    assert sheet.header_rows == 2
    notes = "\n".join(sheet.notes)
    assert "表头在第 3 行" in notes
    assert "第 9、10 行是合计" in notes
    assert "第 11 行起是填表说明" in notes
    assert "已逐行补齐" in notes


def test_rows_are_counted_from_the_sheet_not_from_the_cut_out() -> None:
    assert extract(MERGED, MERGES, first_row=4).rows == [8, 9, 11]


def test_three_level_header_joins_with_slashes_and_never_repeats() -> None:
    rows = [
        ["乡镇", "饮水", None, None],
        [None, "安全", None, "困难"],
        [None, "户", "人", "户"],
        ["甲镇", 1.0, 2.0, 3.0],
    ]
    merges = [(0, 0, 2, 0), (0, 1, 0, 3), (1, 1, 1, 2)]
    assert extract(rows, merges).names == ["乡镇", "饮水/安全/户", "饮水/安全/人", "饮水/困难/户"]


def test_second_header_row_without_merge_marks_as_in_csv() -> None:
    rows = [
        ["序号", "村名", "贫困户", None, "合计"],
        [None, None, "低保户", "五保户", None],
        ["1", "甲村", "3", "4", "7"],
    ]
    sheet = extract(rows)
    assert sheet.names == ["序号", "村名", "贫困户/低保户", "贫困户/五保户", "合计"]
    assert sheet.rows == [3]


def test_plain_text_rows_are_not_taken_for_a_second_header() -> None:
    sheet = extract([["乡镇", "村名", "备注"], ["甲镇", "甲村", None], ["乙镇", "乙村", "山区"]])
    assert sheet.names == ["乡镇", "村名", "备注"]
    assert len(sheet.cells) == 2


def test_units_join_the_names_and_column_numbers_go() -> None:
    rows = [["村名", "人口", "里程"], [None, "人", "公里"], ["甲", "1", "2"], ["甲村", 5.0, 1.5]]
    sheet = extract(rows)
    assert sheet.names == ["村名", "人口(人)", "里程(公里)"]
    assert sheet.rows == [4]


def test_years_may_be_column_names_but_amounts_may_not() -> None:
    assert extract([["村名", 2016.0, 2017.0], ["甲村", 1.0, 2.0]]).names == ["村名", "2016", "2017"]
    headless = extract([["甲村", 440224001001.0, 113.7], ["乙村", 440224001002.0, 113.8]])
    assert headless.header_rows == 0
    assert headless.rows == [1, 2]
    assert "没有找到表头" in headless.notes[0]


def test_a_village_whose_remark_says_total_is_kept() -> None:
    sheet = extract(
        [["村名", "人口", "备注"], ["甲村", 5.0, "与乙村合计"], ["合水村", 6.0, None], ["总计", 11.0, None]]
    )
    assert [row[0] for row in sheet.cells] == ["甲村", "合水村"]


def test_repeated_header_of_a_printed_page_goes() -> None:
    sheet = extract([["村名", "人口"], ["甲村", 5.0], ["村名", "人口"], ["乙村", 6.0]])
    assert sheet.rows == [2, 4]
    assert any("重复了表头" in note for note in sheet.notes)


def test_merged_numbers_are_not_counted_twice() -> None:
    sheet = extract([["村名", "人口"], ["甲村", 30.0], ["乙村", None]], [(1, 1, 2, 1)])
    assert [row[1] for row in sheet.cells] == [30.0, None]
    assert any("重复计数" in note for note in sheet.notes)


def test_one_column_and_one_row_and_nothing() -> None:
    assert extract([["村名"], ["甲村"]]).names == ["村名"]
    assert extract([["村名", "人口"]]).cells == []
    with pytest.raises(InputError, match="空的"):
        extract([[None, "  "], ["", None]])


def test_full_width_brackets_and_blanks_in_names() -> None:
    assert clean_name("务工时间（月）") == clean_name("务工时间(月)") == clean_name(" 务工 时间（月） ")
    assert clean_name("ＧＤＰ\u200b（万元）") == "GDP(万元)"


def test_codes_stay_text_and_amounts_become_numbers() -> None:
    notes: list[str] = []
    assert typed(["0751", "0754"], "区号", notes).to_pylist() == ["0751", "0754"]
    assert typed([440224001001.0, None], "村代码", notes).to_pylist() == ["440224001001", None]
    assert typed([4402240010.0], "随便", notes).to_pylist() == ["4402240010"]
    assert typed([199.0, 200.0], "人口", notes).type == pa.int64()
    assert typed([1.5, 2.0], "里程", notes).type == pa.float64()
    assert typed(["199", "200"], "人口", notes).to_pylist() == [199, 200]
    assert typed(["1.50", "2"], "里程", notes).to_pylist() == [1.5, 2.0]
    assert typed([1.0, "约200"], "人口", notes).to_pylist() == ["1", "约200"]
    assert typed([True, False, None], "是否", notes).to_pylist() == [True, False, None]
    assert typed([None, ""], "空", notes).to_pylist() == [None, None]
    assert notes == []


def test_identity_numbers_are_never_floats() -> None:
    notes: list[str] = []
    assert typed(["440224199001011234"], "证件号码", notes).to_pylist() == ["440224199001011234"]
    assert typed(["440224199001011234"], "没有名字", notes).to_pylist() == ["440224199001011234"]
    assert notes == []
    assert typed([440224199001011234.0], "证件号码", notes).type == pa.string()
    assert "末几位已经丢失" in notes[0]


def test_poverty_system_field_codes_are_amounts() -> None:
    assert not is_code("AAD010")
    assert numbers_from_text(pa.array(["210"]), "AAD010").to_pylist() == [210]
    assert is_code("AAC001")


def test_days_and_booleans_as_text() -> None:
    assert text_of(datetime.datetime(2016, 11, 8, 0, 0)) == "2016-11-08"
    assert text_of(datetime.datetime(2016, 11, 8, 9, 30)) == "2016-11-08 09:30:00"
    assert text_of(True) == "是"
    assert text_of(float("nan")) is None


def test_nested_and_gapped_columns_of_geodata() -> None:
    assert settled(pa.array([440224001001, None]), "bm").to_pylist() == ["440224001001", None]
    assert settled(pa.array([5, None]), "人口").type == pa.int64()
    assert settled(pa.array([440224001001.0, None]), "面积").type == pa.float64()
    assert settled(pa.array([440224001001.0, None]), "XZQDM").type == pa.string()
    assert settled(pa.array([440224001001.0, None]), "村代码").to_pylist() == ["440224001001", None]
    assert settled(pa.array([["a"], None]), "x").type == pa.string()


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("113.749", 113.749), ("113°44′56.4″", 113.749), ("113度44分56.4秒", 113.749), ("东经113°44'56.4\"", 113.749),
        ("E113°44'56.4''", 113.749), ("１１３．７４９", 113.749), ("106°12′", 106.2), ("113:44:56.4", 113.749),
        ("113 44 56.4", 113.749), ("25.1S", -25.1), ("-25.1", -25.1), (" 113.749 ° ", 113.749), ("113º44′", 113.7333333),
    ],
)  # fmt: skip
def test_written_angles(text: str, degrees: float) -> None:
    assert angle(text) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize("text", ["", "无", "113°75′", "a,b", None, "1e999x", True])
def test_unreadable_angles_are_nan(text: object) -> None:
    assert np.isnan(angle(text))


def places(**columns: list[object]) -> object:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    return locate(arrays, np.arange(2, 2 + count))


@pytest.mark.parametrize(
    ("x", "y"),
    [("经度", "纬度"), ("东经", "北纬"), ("lon", "lat"), ("Longitude", "Latitude"), ("经度（°）", "纬度（°）"), ("X", "Y"),
     ("村委会经度", "村委会纬度"), ("坐标/经度", "坐标/纬度"), ("AAR101", "AAR102"), ("X_deg", "Y_deg"), ("POINT_X", "POINT_Y")],
)  # fmt: skip
def test_coordinate_columns_by_name(x: str, y: str) -> None:
    found = places(**{"名": ["a"], x: [113.7], y: [25.1]})
    assert shapely.from_wkb(found.wkb[0]).coords[0] == (113.7, 25.1)


def test_survey_order_x_is_north() -> None:
    found = places(X=[2775493.4], Y=[38474678.9])
    assert shapely.from_wkb(found.wkb[0]).coords[0] == (38474678.9, 2775493.4)
    assert "纵坐标" in found.notes[0]
    found = places(纵坐标=[2775493.4], 横坐标=[474678.9])
    assert shapely.from_wkb(found.wkb[0]).coords[0] == (474678.9, 2775493.4)
    plain = places(X=[474678.9], Y=[2775493.4])
    assert shapely.from_wkb(plain.wkb[0]).coords[0] == (474678.9, 2775493.4)


def test_rows_without_a_place_are_kept_and_named() -> None:
    found = places(经度=["113°44′", None, "不详"], 纬度=["25.1", "25.2", "25.3"])
    assert [wkb is None for wkb in found.wkb] == [False, True, True]
    assert "第 3、4 行" in found.notes[1]


def test_start_and_end_of_a_road_are_not_a_point() -> None:
    assert places(起点经度=[113.0], 起点纬度=[25.0], 终点经度=[113.1], 终点纬度=[25.1]) is None
    assert places(村名=["甲"], 人口=[1]) is None


def test_wkt_and_pairs_in_one_cell() -> None:
    found = places(WKT=["POINT (113.7 25.1)", "POLYGON ((0 0, 1 1", None])
    assert [wkb is None for wkb in found.wkb] == [False, True, True]
    pair = places(经纬度=["113.7，25.1", "113.8,25.2"])
    assert shapely.from_wkb(pair.wkb[0]).coords[0] == (113.7, 25.1)


def test_header_names_the_shifted_map() -> None:
    assert places(百度经度=[113.7], 百度纬度=[25.1]).default_shift == "bd09"
    assert places(经度=[113.7], 纬度=[25.1]).default_shift is None


NAMES = ["黑龙江省", "仁化县丹霞街道", "路线编码", "濠江区", "㙦村", "联通"]


@pytest.mark.parametrize("stated", [None, "UTF-8", "GBK", "ISO-8859-1", "胡说", "65001"])
def test_encoding_is_found_whatever_the_label_says(stated: str | None) -> None:
    assert find([name.encode("gb18030") for name in NAMES], stated).encoding == "gb18030"
    assert find([name.encode() for name in NAMES], stated).encoding == "utf-8"


def test_wrong_label_is_said_and_right_label_is_not() -> None:
    assert "UTF-8" in (find(["黑龙江".encode("gbk")], "UTF-8").note or "")
    assert find(["黑龙江".encode("gbk")], "GBK").note is None
    assert find([b"plain"], "GBK").encoding == "gb18030"
    assert find([], None).encoding == "utf-8"


def test_a_character_cut_by_the_field_width_does_not_mislead() -> None:
    assert find(["行政村名称".encode()[:10]] * 3).encoding == "utf-8"
    assert find(["行政村名称".encode("gbk")[:9]] * 3).encoding == "gb18030"


def test_traditional_characters_in_big5() -> None:
    names = ["臺北市信義區", "南投縣草屯鎮", "高雄市鳳山區", "花蓮縣壽豐鄉"]
    assert find([name.encode("big5") for name in names]).encoding == "big5"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_files_decode(encoding: str) -> None:
    text = "村名,人口\n甲村,199\n乙村,200\n"
    assert decode(text.encode(encoding))[0].lstrip("\ufeff") == text


def test_broken_bytes_are_counted_not_hidden() -> None:
    data = "\n".join(f"第{n}村,{n}" for n in range(300)).encode("gbk") + b"\n\xff\xff,3\n"
    text, found = decode(data)
    assert "第7村" in text
    assert found.note is not None
    assert "不能按 GB18030 解码" in found.note


def test_unknown_encoding_given_by_a_person() -> None:
    with pytest.raises(InputError, match="不认识的编码“klingon”"):
        decode(b"a", "klingon")
