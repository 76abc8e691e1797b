"""One dropped file becomes a layer; what is refused can be mended and read back."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import CRSError, InputError
from layers.intake import Intake, take
from layers.match import Mapping
from tests.layer_drawings import SOUTH, STEP, WEST, dropped, inside, square, towns, villages_raw


def household_ledger() -> pd.DataFrame:
    """An Excel ledger as a bureau sends it: merged headers, persons, a total and a signature below."""
    return pd.DataFrame(
        {
            "序号": ["1", "2", "3", "4", None, None],
            "乡(镇)": ["甲镇", "甲镇", "甲镇", "乙镇", "合计", "填表人：王五"],
            "行政村": ["张庄村", "张庄村", "李村", "河口社区", None, None],
            "基本情况/户编号": ["0001", "0001", "0002", None, None, None],
            "基本情况/姓名": ["甲", "乙", "丙", "丁", None, None],
            "基本情况/与户主关系": ["户主", "配偶", "户主", "户主", None, None],
            "基本情况/证件号码": ["11010519491231002X", None, None, None, None, None],
            "住房情况/危房级别": ["C级", "C级", "", "D级", None, None],
            "人数": [2, 2, 1, 3, 8, None],
        }
    )


def test_a_ledger_is_taken_whole() -> None:
    frame = household_ledger()
    before = frame.copy(deep=True)
    taken = take(dropped(frame, first_row=5), "households")
    pd.testing.assert_frame_equal(frame, before)
    assert taken.rows_read == 4
    assert taken.frame["household_id"].tolist() == ["0001", "0002"]
    assert taken.frame["members"].tolist() == [2, 1]
    assert taken.frame["housing_grade"].tolist()[0] == "C"
    assert taken.private["head_name"].tolist() == ["甲", "丙"]
    assert any("第 9、10 行" in note for note in taken.notes), taken.notes
    assert taken.refused["行号"].tolist() == [8]
    assert taken.frame.crs.to_epsg() == 4490


def test_refused_rows_keep_the_columns_of_the_file_and_can_be_mended_and_read_back() -> None:
    frame = household_ledger()
    taken = take(dropped(frame), "households")
    assert list(taken.refused.columns) == [*frame.columns, "原因", "行号"]
    assert "补填" in taken.refused["原因"][0]
    mended = taken.refused.assign(**{"基本情况/户编号": "0003"})
    again = take(dropped(mended), "households")
    assert again.frame["household_id"].tolist() == ["0003"]
    assert len(again.refused) == 0


def test_refused_shapes_come_back_as_text_and_are_read_again() -> None:
    bad = villages_raw()
    bad.loc[1, "行政村代码"] = None
    taken = take(dropped(bad, crs="EPSG:4490"), "villages")
    assert len(taken.frame) == 3
    mended = taken.refused.assign(行政村代码="440224101202")
    again = take(dropped(mended, crs="EPSG:4490"), "villages")
    assert again.frame["name"].tolist() == ["李村"]
    assert again.frame.geometry[0].equals_exact(square(1), 1e-8)


def test_units_in_headers_are_converted() -> None:
    taken = take(dropped(villages_raw(), crs="EPSG:4490"), "villages")
    assert taken.frame["population"].tolist() == pytest.approx([1200, 500, 800, np.nan], nan_ok=True)
    assert taken.frame["kind"].tolist() == ["administrative"] * 3 + ["community"]


def test_a_missing_kind_is_taken_from_the_name_of_the_file_and_said() -> None:
    frame = gpd.GeoDataFrame({"编号": ["1"]}, geometry=[inside(0)])
    taken = take(dropped(frame, crs="EPSG:4490", name="2018年标准化卫生站名单"), "facilities")
    assert taken.frame["kind"].tolist() == ["clinic"]
    assert any("clinic" in note for note in taken.notes)
    with pytest.raises(InputError, match="缺少“kind”列"):
        take(dropped(frame, crs="EPSG:4490", name="名单"), "facilities")
    with pytest.raises(InputError, match="缺少“kind”列"):
        take(dropped(frame, crs="EPSG:4490", name="学校和公厕"), "facilities")


def test_constants_and_values_of_a_mapping_are_applied() -> None:
    frame = gpd.GeoDataFrame(
        {"ER_ID": ["1", "2", "3"], "RoadCatego": ["RR(TRACK)", "RR(VR)", "BR"]},
        geometry=[shapely.LineString([(WEST, SOUTH + i / 100), (WEST + STEP, SOUTH + i / 100)]) for i in range(3)],
    )
    mapping = Mapping({"surface": "RoadCatego"}, {}, {"surface": {"RR(TRACK)": "earth", "*": "concrete"}}, {})
    taken = take(dropped(frame, crs="EPSG:4326"), "roads", mapping=mapping)
    assert taken.frame["surface"].tolist() == ["earth", "concrete", "concrete"]


def test_metric_coordinates_and_seats_come_to_degrees() -> None:
    raw = villages_raw().assign(村委会X=[0.0] * 4, 村委会Y=[0.0] * 4)
    seats = gpd.GeoSeries([inside(i) for i in range(4)], crs=4490).to_crs(4547)
    metric = raw.to_crs(4547).assign(村委会X=seats.x, 村委会Y=seats.y)
    taken = take(dropped(metric, crs="EPSG:4547"), "villages")
    assert taken.frame.crs.to_epsg() == 4490
    assert shapely.hausdorff_distance(taken.frame.geometry[0], square(0)) < 1e-9
    assert taken.frame["seat_x"].tolist() == pytest.approx([inside(i).x for i in range(4)], abs=1e-8)
    assert taken.frame["seat_y"].tolist() == pytest.approx([inside(i).y for i in range(4)], abs=1e-8)


def test_no_crs_and_nothing_to_compare_with_asks_for_it() -> None:
    shapes = [shapely.box(500_000 + i, 2_700_000, 500_001 + i, 2_700_001) for i in range(4)]
    frame = gpd.GeoDataFrame(villages_raw().drop(columns="geometry"), geometry=shapes)
    with pytest.raises(CRSError):
        take(dropped(frame), "villages")


def test_a_point_with_its_axes_changed_over_is_listed() -> None:
    frame = pd.DataFrame(
        {
            "自然村代码": ["1", "2"],
            "自然村名称": ["a", "b"],
            "经度": [inside(0).x, inside(1).y],
            "纬度": [inside(0).y, inside(1).x],
        }
    )
    taken = take(dropped(frame), "natural_villages", crs="EPSG:4490", reference=towns())
    assert [(p.row, p.kind) for p in taken.problems if p.kind != "blank"] == [(3, "swapped")]


def test_a_point_that_would_lie_inside_with_its_axes_changed_over_is_listed_and_left() -> None:
    around = gpd.GeoDataFrame(geometry=[shapely.box(77, 34, 78, 35)], crs=4490)
    frame = pd.DataFrame(
        {"自然村代码": ["1", "2"], "自然村名称": ["a", "b"], "经度": [77.5, 34.5], "纬度": [34.5, 77.5]}
    )
    taken = take(dropped(frame), "natural_villages", crs="EPSG:4490", reference=around)
    assert [p.row for p in taken.problems if p.kind == "swapped"] == [3]


def test_a_wide_register_is_melted_by_the_labels_of_the_policy() -> None:
    frame = pd.DataFrame(
        {
            "序号": [1, 2],
            "镇": ["甲镇", "乙镇"],
            "村": ["张庄村", "河口社区"],
            "七有/有无卫生站": ["有", "无"],
            "七有/公共厕所（座）": [2, None],
            "备注": ["略", None],
            "填报单位": ["甲镇政府", "乙镇政府"],
        }
    )
    needs = {"卫生站": "clinic", "公共厕所": "public_toilet"}
    taken = take(dropped(frame), "claims", needs=needs)
    found = taken.frame[["village", "need", "value", "by"]].to_numpy().tolist()
    assert found == [
        ["张庄村", "clinic", "yes", "甲镇政府"],
        ["张庄村", "public_toilet", "2", "甲镇政府"],
        ["河口社区", "clinic", "no", "乙镇政府"],
    ]


def test_a_wide_register_without_a_policy_keeps_its_headers_and_says_so() -> None:
    frame = pd.DataFrame({"行政村代码": ["1"], "有无卫生站": ["有"], "村支书": ["王五"]})
    taken = take(dropped(frame), "claims")
    assert taken.frame["need"].tolist() == ["有无卫生站"]
    assert any("有无卫生站" in note for note in taken.notes)


def test_a_mapping_names_the_needs_of_a_wide_register() -> None:
    frame = pd.DataFrame({"行政村代码": ["1", "2"], "A列": ["是", "否"]})
    taken = take(dropped(frame), "claims", mapping=Mapping({"clinic": "A列"}))
    assert taken.frame[["unit_id", "need", "value"]].to_numpy().tolist() == [
        ["1", "clinic", "yes"],
        ["2", "clinic", "no"],
    ]


def test_a_long_register_stays_long() -> None:
    frame = pd.DataFrame({"村代码": ["1"], "事项": ["卫生站"], "结果": ["已完成"]})
    taken = take(dropped(frame), "claims", needs={"卫生站": "clinic"})
    assert taken.frame[["need", "value"]].to_numpy().tolist() == [["clinic", "yes"]]


def test_a_sheet_that_is_no_register_is_refused() -> None:
    with pytest.raises(InputError, match="claims: 缺少“need”"):
        take(dropped(pd.DataFrame({"村代码": ["1"], "书记": ["王五"]})), "claims")


def test_an_unknown_layer_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="natural_villages（自然村）"):
        take(dropped(villages_raw()), "vilages")


def test_an_empty_file_gives_an_empty_layer() -> None:
    taken = take(dropped(villages_raw().iloc[:0], crs="EPSG:4490"), "villages")
    assert (len(taken.frame), taken.rows_read, len(taken.refused)) == (0, 0, 0)
    assert taken.frame.crs.to_epsg() == 4490


def test_blank_rows_are_not_records() -> None:
    frame = pd.DataFrame({"户编号": ["1", None, " "], "行政村代码": ["v", None, None]})
    taken = take(dropped(frame), "households")
    assert taken.rows_read == 1
    assert not len(taken.refused)


def shuffled(order: list[int]) -> Intake:
    return take(dropped(household_ledger().iloc[:4].iloc[order]), "households")


def test_what_is_kept_does_not_depend_on_the_order_of_rows() -> None:
    straight, turned = shuffled([0, 1, 2, 3]), shuffled([3, 2, 1, 0])

    def by_id(frame: Any) -> Any:
        return pd.DataFrame(frame.drop(columns="geometry")).sort_values("household_id").reset_index(drop=True)

    pd.testing.assert_frame_equal(by_id(straight.frame), by_id(turned.frame))
    pd.testing.assert_frame_equal(
        straight.private.sort_values("household_id").reset_index(drop=True),
        turned.private.sort_values("household_id").reset_index(drop=True),
    )
