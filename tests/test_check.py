"""Bad cells, shapes and ids: each a listed problem with a sentence that helps, the good rows kept."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from layers import schema as schemas
from layers.check import Checked, check
from layers.problem import Problem
from layers.shapes import check_shapes
from layers.values import parse
from tests.layer_drawings import inside, square

S = schemas.load()


def run(layer: str, columns: dict[str, Any], shapes: list[Any] | None = None, **options: Any) -> Checked:
    frame = pd.DataFrame(columns)
    if shapes is not None:
        frame["geometry"] = np.asarray(shapes, dtype=object)
    before = frame.copy(deep=True)
    checked = check(frame, S[layer], **options)
    pd.testing.assert_frame_equal(frame, before)
    return checked


QUIET = {"blank", "unknown_surface"}


def loud(checked: Checked) -> list[Problem]:
    """Return the problems but for blanks, which most of these small drawings have."""
    return [p for p in checked.problems if p.kind not in QUIET]


def kinds(checked: Checked, severity: str | None = None) -> list[tuple[int | None, str]]:
    return [(p.row, p.kind) for p in loud(checked) if severity in (None, p.severity)]


def natural(**columns: Any) -> Checked:
    n = len(next(iter(columns.values())))
    base = {"natural_village_id": [str(i) for i in range(n)], "name": [f"组{i}" for i in range(n)]}
    return run("natural_villages", base | columns, [inside(i) for i in range(n)])


# columns --------------------------------------------------------------------------------------------------------


def test_a_missing_required_column_stops_the_work_and_says_where_it_was_looked_for() -> None:
    with pytest.raises(InputError, match=r"facilities: 缺少“kind”列（找过 kind, 设施类型"):
        run("facilities", {"facility_id": ["1"]}, [inside(0)], file_columns=["编号", "名称"])


def test_every_missing_column_is_named_at_once_with_the_columns_there_are() -> None:
    with pytest.raises(InputError, match=r"“facility_id”.*“kind”.*编号、名称"):
        run("facilities", {"name": ["1"]}, [inside(0)], file_columns=["编号", "名称"])


def test_a_frame_has_exactly_the_columns_of_the_schema() -> None:
    checked = run("villages", {"village_id": ["1"], "name": ["张村"], "extra": [1]}, [square(0)])
    assert list(checked.frame.columns) == S["villages"].columns
    assert isinstance(checked.frame, gpd.GeoDataFrame)
    assert checked.frame.index.equals(pd.RangeIndex(1))
    assert checked.frame["population"].dtype == float
    assert checked.frame["population"].isna().all()
    assert run("claims", {"unit_id": ["1"], "need": ["a"], "value": ["是"]}).frame.columns[-1] == "day"


def test_an_empty_layer_is_a_layer_with_no_rows() -> None:
    for name, schema in S.items():
        columns = {item.name: [] for item in schema.fields}
        checked = run(name, columns, [] if schema.geometry else None)
        assert len(checked.frame) == 0
        assert list(checked.frame.columns) == schema.columns
        assert not checked.refused


# values ---------------------------------------------------------------------------------------------------------


def test_a_bad_value_in_an_optional_column_becomes_unknown_and_never_costs_the_row() -> None:
    checked = natural(population=["200", "-5", "两百来人", "", "1,234人", "12.5", "１９９"])
    assert checked.frame["population"].tolist() == pytest.approx(
        [200, np.nan, np.nan, np.nan, 1234, np.nan, 199], nan_ok=True
    )
    assert kinds(checked) == [(3, "range"), (4, "unread"), (7, "range")]
    assert "“两百来人”" in checked.problems[1].message
    assert "已记为未知" in checked.problems[1].message
    assert checked.problems[1].subject == "2"


@pytest.mark.parametrize(("population", "kept"), [(0, True), (200000, True), (200001, False), (-1, False)])
def test_number_bounds_are_inclusive(population: int, kept: bool) -> None:
    assert natural(population=[population]).frame["population"].notna().tolist() == [kept]
    assert natural(population=[str(population)]).frame["population"].notna().tolist() == [kept]


def test_a_blank_population_is_unknown_not_nought() -> None:
    assert natural(population=[None, " ", "-", "/", "不详", "0"]).frame["population"].isna().tolist() == [True] * 5 + [
        False
    ]


def test_a_blank_population_is_listed_row_by_row_and_a_blank_column_once() -> None:
    some = natural(population=["200", None, "x"])
    assert [(p.row, p.kind, p.severity) for p in some.problems] == [(3, "blank", "warning"), (4, "unread", "warning")]
    none = natural(households=[1, 2])
    assert [(p.row, p.kind) for p in none.problems] == [(None, "blank")]


def test_unknown_surfaces_are_counted() -> None:
    checked = run("roads", {"road_id": list("abc"), "surface": ["11", "90", "未知"]}, lines(3))
    assert [(p.row, p.kind) for p in checked.problems] == [(None, "unknown_surface")]
    assert checked.problems[0].message.startswith("2 段")


def test_a_missing_required_value_refuses_the_row_and_keeps_the_others() -> None:
    checked = run("natural_villages", {"natural_village_id": ["1", None, "3"], "name": ["a", "b", ""]}, [inside(0)] * 3)
    assert checked.frame["natural_village_id"].tolist() == ["1"]
    assert checked.positions.tolist() == [0]
    assert kinds(checked, "error") == [(3, "missing_value"), (4, "missing_value")]
    assert set(checked.refused) == {1, 2}


def test_rows_are_numbered_as_in_the_file() -> None:
    checked = run("claims", {"unit_id": ["1", "2"], "need": ["a", None], "value": ["是", "否"]}, rows=np.array([5, 9]))
    assert [p.row for p in checked.problems] == [9]
    assert checked.problems[0].message.startswith("第 9 行：")


def test_ids_stay_text_with_leading_noughts_and_lost_digits_are_refused() -> None:
    ids = ["0440224", 440224001201.0, "'007", "4.40224E+11", "４４０ 224", 4.4022419800101e17]
    checked = run("natural_villages", {"natural_village_id": ids, "name": list("abcdef")}, [inside(0)] * 6)
    assert checked.frame["natural_village_id"].tolist() == ["0440224", "440224001201", "007", "440224"]
    assert kinds(checked, "error") == [(5, "digits"), (7, "digits")]
    assert "科学计数" in loud(checked)[0].message


def test_surface_codes_of_both_generations_and_words_are_known() -> None:
    written = [
        "11",
        "水泥混凝土",
        12,
        "31",
        "32",
        "36",
        "50",
        "42",
        "泥土路",
        "砂石路",
        "22",
        "彩虹路",
        "",
        "90",
        "none",
    ]
    checked = run("roads", {"road_id": [str(i) for i in range(len(written))], "surface": written}, lines(len(written)))
    assert checked.frame["surface"].tolist() == [
        "asphalt", "concrete", "concrete", "gravel", "gravel", "none", "none", "earth", "earth", "gravel", "light",
        "unknown", "unknown", "unknown", "none",
    ]  # fmt: skip
    assert [(p.row, p.kind, p.severity) for p in loud(checked)] == [
        (None, "mixed_codes", "warning"),
        (13, "unread", "warning"),
        (14, "missing_value", "warning"),
    ]


def lines(count: int) -> list[Any]:
    return [shapely.LineString([(113.7, 25.1 + i / 1000), (113.8, 25.1 + i / 1000)]) for i in range(count)]


def test_rating_grade_and_category_are_read_as_written() -> None:
    bridges = run("bridges", {"bridge_id": list("abcde"), "rating": ["四类", 5, "9", "", "六类"]}, [inside(0)] * 5)
    assert bridges.frame["rating"].tolist() == ["4", "5", "unknown", "unknown", "unknown"]
    assert kinds(bridges, "warning") == [(6, "unread")]
    households = run(
        "households",
        {
            "household_id": list("abcdef"),
            "village_id": ["1"] * 6,
            "housing_grade": ["C级", "整幢危房", "d", "局部危房", "", "是"],
            "category": ["低保、五保户", "建档立卡贫困户", "低保贫困户", "残疾人；低保", "外星人", None],
            "has_labour": ["有", "无", "√", "×", "Y", "也许"],
        },
        [inside(0, dx=i / 10) for i in range(6)],
    )
    grades = ["C", "D", "D", "C", np.nan, np.nan]
    assert households.frame["housing_grade"].fillna("?").tolist() == pd.Series(grades).fillna("?").tolist()
    assert households.frame["category"].fillna("?").tolist() == [
        "wubao;dibao", "registered", "dibao;registered", "dibao;disabled", "?", "?",
    ]  # fmt: skip
    assert households.frame["has_labour"].tolist() == [True, False, True, False, True, pd.NA]
    assert [(p.row, p.field) for p in loud(households)] == [
        (6, "category"), (7, "housing_grade"), (7, "has_labour"),
    ]  # fmt: skip


def test_days_and_years_that_are_none_are_flagged() -> None:
    checked = run(
        "claims",
        {
            "unit_id": list("abcdef"),
            "need": ["x"] * 6,
            "value": ["是", "否", "有", "无", "3", "0"],
            "day": ["2020.13.1", 43281, "2018年6月", "农历四月", pd.Timestamp(2018, 6, 30), None],
        },
    )
    assert checked.frame["day"].fillna("?").tolist() == ["?", "2018-06-30", "2018-06-30", "?", "2018-06-30", "?"]
    assert checked.frame["value"].tolist() == ["yes", "no", "yes", "no", "3", "no"]
    assert kinds(checked) == [(2, "unread"), (5, "unread")]


def test_a_facility_of_an_unknown_kind_is_refused_not_dropped() -> None:
    checked = run("facilities", {"facility_id": ["1", "2"], "kind": ["卫生室", "超市"]}, [inside(0)] * 2)
    assert checked.frame["kind"].tolist() == ["clinic"]
    assert "“超市”不认识" in checked.refused[1]


def test_status_is_unknown_unless_said_and_its_absence_is_explained() -> None:
    said = run("facilities", {"facility_id": ["1", "2"], "kind": ["学校"] * 2, "status": ["在建", ""]}, [inside(0)] * 2)
    assert said.frame["status"].tolist() == ["planned", "unknown"]
    silent = run("facilities", {"facility_id": ["1"], "kind": ["学校"]}, [inside(0)])
    assert silent.frame["status"].tolist() == ["unknown"]
    assert [p.kind for p in silent.problems] == ["no_status"]
    assert "[constants]" in silent.problems[0].message


def test_admin_class_comes_from_the_route_code_where_it_is_blank() -> None:
    checked = run(
        "roads",
        {
            "road_id": list("abc"),
            "surface": ["11"] * 3,
            "route_code": ["C001440224", "x001", "Y002"],
            "admin_class": [None, None, "县道"],
        },
        lines(3),
    )
    assert checked.frame["admin_class"].fillna("?").tolist() == ["C", "X", "X"]


def test_a_duplicate_section_is_said_by_naming_the_other_route() -> None:
    checked = run(
        "roads", {"road_id": list("abc"), "surface": ["11"] * 3, "is_duplicate": ["X301440224", "", "否"]}, lines(3)
    )
    assert checked.frame["is_duplicate"].tolist() == [True, pd.NA, False]


def test_what_cannot_both_be_true_is_listed() -> None:
    checked = natural(population=[100, 100], poor_population=[101, 100])
    assert kinds(checked) == [(2, "contradiction")]


def test_warnings_beyond_the_limit_are_counted_and_errors_never_are() -> None:
    many = natural_many(5)
    assert [p.row for p in loud(many)] == [None, 2, 3]
    assert loud(many)[0].message.startswith("另有 3 行同样")
    refused = run(
        "natural_villages", {"natural_village_id": [None] * 5, "name": ["a"] * 5}, [inside(0)] * 5, detail_limit=2
    )
    assert len(refused.refused) == 5
    assert sum(p.severity == "error" for p in refused.problems) == 5


def natural_many(count: int) -> Checked:
    ids = [str(i) for i in range(count)]
    columns = {"natural_village_id": ids, "name": ids, "population": ["x"] * count}
    return run("natural_villages", columns, [inside(i) for i in range(count)], detail_limit=2)


# private --------------------------------------------------------------------------------------------------------


def test_private_columns_go_apart_and_no_message_repeats_them() -> None:
    checked = run(
        "households",
        {
            "household_id": ["1", "2", "3"],
            "village_id": ["v"] * 3,
            "head_name": ["张三", "李四", None],
            "id_number": ["11010519491231002X", "110105194912310021", 1.1010519491231e17],
            "phone": ["13800138000", None, None],
        },
        [inside(0, dx=0.1), inside(0), inside(0, dx=0.9)],
    )
    assert not set(S["households"].private) & set(checked.frame.columns)
    assert checked.private["household_id"].tolist() == ["1", "2"]
    assert checked.private["head_name"].tolist() == ["张三", "李四"]
    assert kinds(checked) == [(3, "identity"), (4, "digits")]
    text = " ".join(p.message + p.subject for p in checked.problems)
    assert "1101051949" not in text
    assert "李四" not in text


def test_a_citizen_number_as_household_id_is_refused_without_repeating_it() -> None:
    checked = run(
        "households", {"household_id": ["11010519491231002X", "2"], "village_id": ["v", "v"]}, [inside(0), inside(1)]
    )
    assert checked.frame["household_id"].tolist() == ["2"]
    assert "11010519491231002" not in "".join(p.message + p.subject for p in checked.problems)


# persons --------------------------------------------------------------------------------------------------------


def test_one_row_a_person_becomes_one_row_a_household() -> None:
    checked = run(
        "households",
        {
            "household_id": ["1", "1", "1", "2", "3", "3"],
            "village_id": ["v"] * 6,
            "head_name": ["妻", "户主甲", "子", "户主乙", "户主丙", "妻"],
            "housing_grade": ["", "C", "", "D", "C", "D"],
            "has_labour": ["否", "否", "是", "否", None, None],
            "category": ["低保", "残疾", "", "", "", ""],
        },
        [inside(0), inside(0), inside(0), inside(0, dx=0.2), inside(0, dx=0.3), inside(0, dx=0.3)],
        relation=["配偶", "户主", "之子", "户主", "户主", "配偶"],
    )
    frame = checked.frame.set_index("household_id")
    assert frame["members"].tolist() == pytest.approx([3, np.nan, 2], nan_ok=True)
    assert frame["housing_grade"].fillna("?").tolist() == ["C", "D", "?"], "two grades for one house: unknown"
    assert frame["has_labour"].tolist() == [True, False, pd.NA]
    assert frame.loc["1", "category"] == "dibao;disabled"
    assert checked.private.set_index("household_id")["head_name"].to_dict() == {
        "1": "户主甲",
        "2": "户主乙",
        "3": "户主丙",
    }
    assert kinds(checked) == [(None, "one_row_a_person"), (6, "person_conflict")]
    assert not checked.refused


def test_rows_that_differ_only_in_the_person_are_one_household_without_a_relation_column() -> None:
    checked = run(
        "households",
        {"household_id": ["1", "1"], "village_id": ["v", "v"], "head_name": ["甲", "乙"], "members": [2, 2]},
        [inside(0), inside(0)],
    )
    assert len(checked.frame) == 1
    assert not checked.refused


# duplicates -----------------------------------------------------------------------------------------------------


def test_identical_rows_are_kept_once_and_contradicting_ones_are_both_refused_naming_each_other() -> None:
    checked = run(
        "natural_villages",
        {
            "natural_village_id": ["1", "1", "2", "2", "3"],
            "name": ["a", "a", "b", "c", "d"],
            "population": [5, 5, 6, 6, 7],
        },
        [inside(0), inside(0), inside(1), inside(1), inside(2)],
    )
    assert checked.frame["natural_village_id"].tolist() == ["1", "3"]
    assert kinds(checked) == [(3, "same_row"), (4, "duplicate_id"), (5, "duplicate_id")]
    assert "第 5 行" in checked.refused[2]
    assert "第 4 行" in checked.refused[3]


def test_one_household_in_two_villages_is_listed_with_both_rows() -> None:
    checked = run("households", {"household_id": ["1", "1"], "village_id": ["a", "b"]}, [inside(0), inside(1)])
    assert len(checked.frame) == 0
    assert set(checked.refused) == {0, 1}


@given(st.permutations(range(4)))
@settings(max_examples=24)
def test_segments_of_one_route_are_told_apart_by_their_course_in_any_order(order: list[int]) -> None:
    shapes = lines(4)
    surfaces = ["11", "12", "31", "41"]
    checked = run(
        "roads",
        {"road_id": ["C001"] * 4, "surface": [surfaces[i] for i in order]},
        [shapes[i] for i in order],
    )
    by_id = dict(zip(checked.frame["road_id"], checked.frame["surface"], strict=True))
    assert by_id == {"C001#1": "asphalt", "C001#2": "concrete", "C001#3": "gravel", "C001#4": "earth"}
    assert {p.kind for p in checked.problems} == {"parts_of_one_id"}


def test_one_segment_with_two_surfaces_is_a_contradiction() -> None:
    checked = run("roads", {"road_id": ["1", "1"], "surface": ["11", "31"]}, [lines(1)[0]] * 2)
    assert len(checked.frame) == 0
    assert set(checked.refused) == {0, 1}


def test_a_village_named_twice_in_one_town_is_listed_and_kept() -> None:
    checked = run(
        "villages",
        {"village_id": ["1001", "1002"], "name": ["东村", "东社区"], "town": ["甲"] * 2},
        [square(0), square(1)],
    )
    assert len(checked.frame) == 2
    assert (3, "namesake") in kinds(checked)


# shapes ---------------------------------------------------------------------------------------------------------

BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
SPIKE = shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0.1), (-0.1, -0.1), (0.1, -0.1), (0, 0.1)])


def faults(shapes: list[Any], *allowed: str, required: bool = True) -> tuple[Any, list[tuple[int, str, str]]]:
    checked = check_shapes(np.asarray(shapes, dtype=object), frozenset(allowed), is_required=required)
    return checked.shapes, [(f.position, f.kind, f.severity) for f in checked.faults]


def test_self_crossing_polygons_are_repaired_and_a_large_change_asks_for_approval() -> None:
    shapes, found = faults([BOW_TIE, square(0), SPIKE], "polygon")
    assert found == [(0, "repaired", "warning"), (2, "repaired", "note")]
    assert all(shapely.is_valid(shapes))
    assert shapely.area(shapes[0]) == pytest.approx(2.0)


def test_the_repair_states_the_change_of_area() -> None:
    outer = [(0, 0), (10, 0), (10, 10), (0, 10)]
    hole_outside = shapely.Polygon(outer, [[(9, 4), (12, 4), (12, 6), (9, 6)]])
    checked = check_shapes(np.array([hole_outside], dtype=object), frozenset({"polygon"}), is_required=True)
    assert checked.faults[0].kind == "repaired"
    assert "%" in checked.faults[0].message


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (None, "no_shape"),
        (shapely.Polygon(), "no_shape"),
        (shapely.Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "collapsed"),
        (shapely.Polygon([(0, 0), (1, 0), (float("inf"), 1)]), "wild_shape"),
        (shapely.Polygon([(0, 0), (1, 0), (1e308, 1)]), "wild_shape"),
        (shapely.LineString([(0, 0), (1, 0), (1, 1), (0, 0)]), "wrong_shape"),
        (shapely.Point(1, 1), "wrong_shape"),
    ],
)
def test_unusable_polygons_refuse_the_row(shape: Any, kind: str) -> None:
    shapes, found = faults([shape, square(0)], "polygon")
    assert found == [(0, kind, "error")]
    assert shapes[0] is None
    assert shapes[1] is not None


@pytest.mark.parametrize("shape", [shapely.Point(0, 0), shapely.Point(float("nan"), 1), shapely.Point(1, float("inf"))])
def test_points_that_are_no_place_are_refused(shape: Any) -> None:
    shapes, found = faults([shape], "point")
    assert shapes[0] is None
    assert len(found) == (0 if shapely.is_empty(shape) else 1) or found[0][1] == "no_shape"


def test_shapes_are_brought_to_the_kind_wanted_where_that_is_safe() -> None:
    shapes, found = faults(
        [
            square(0),
            shapely.MultiPoint([(1, 1)]),
            shapely.MultiPoint([(1, 1), (2, 2)]),
            shapely.Point(1, 2, 3),
            shapely.GeometryCollection([shapely.Point(3, 3)]),
        ],
        "point",
    )
    assert found == [(0, "point_in_polygon", "note"), (2, "many_points", "error")]
    assert shapes[0].within(square(0))
    assert [shape.geom_type for shape in shapes if shape is not None] == ["Point"] * 4
    assert not shapely.has_z(shapes[3])


def test_lines_of_no_length_are_refused() -> None:
    _, found = faults([shapely.LineString([(1, 1), (1, 1)]), lines(1)[0]], "line")
    assert found == [(0, "zero_length", "error")]


def test_a_household_with_no_place_is_kept_and_listed() -> None:
    checked = run(
        "households",
        {"household_id": ["1", "2", "3"], "village_id": ["v", None, None], "village": [None, None, "张庄"]},
        [inside(0), None, None],
    )
    assert len(checked.frame) == 3
    assert kinds(checked) == [(3, "no_place"), (4, "no_position")]
    assert "补填" in loud(checked)[0].message


def test_a_table_without_coordinates_is_one_warning_not_one_a_row() -> None:
    checked = run("households", {"household_id": ["1", "2"], "village_id": ["v", "v"]})
    assert kinds(checked) == [(None, "no_position")]
    assert checked.frame.geometry.isna().all()


def test_a_village_without_a_shape_is_refused() -> None:
    checked = run("villages", {"village_id": ["1", "2"], "name": ["a", "b"]}, [square(0), None])
    assert len(checked.frame) == 1
    assert "没有图形" in checked.refused[1]


def test_longitude_and_latitude_make_the_point_also_as_degrees_minutes_seconds() -> None:
    checked = run(
        "natural_villages",
        {
            "natural_village_id": list("abc"),
            "name": list("abc"),
            "longitude": ["113°42′00″", "113.7", "x"],
            "latitude": ["北纬25°6′", "２５．１", 25.1],
        },
    )
    assert [(round(p.x, 6), round(p.y, 6)) for p in checked.frame.geometry[:2]] == [(113.7, 25.1)] * 2
    assert checked.frame.geometry[2] is None
    assert (4, "unread") in kinds(checked)


def test_many_households_on_one_point_are_noted() -> None:
    n = 50
    checked = run("households", {"household_id": [str(i) for i in range(n)], "village_id": ["v"] * n}, [inside(0)] * n)
    assert kinds(checked) == [(None, "crowd")]
    fewer = run("households", {"household_id": [str(i) for i in range(49)], "village_id": ["v"] * 49}, [inside(0)] * 49)
    assert kinds(fewer) == []


def test_a_claim_without_a_unit_is_refused() -> None:
    checked = run("claims", {"unit_id": [None, "1"], "need": ["a", "a"], "value": ["是", "是"]})
    assert kinds(checked) == [(2, "no_place")]
    assert len(checked.frame) == 1


# laws -----------------------------------------------------------------------------------------------------------

CELL = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.integers(-3, 300000),
    st.floats(allow_nan=True),
    st.sampled_from(["200", "约50人", "√", "水泥路", "C级", "2018-06-30"]),
)


@given(
    st.lists(CELL, max_size=8),
    st.sampled_from([(layer, item.name) for layer, schema in S.items() for item in schema.fields]),
)
@settings(max_examples=300)
def test_any_cell_is_either_read_or_blank_or_a_fault(cells: list[Any], where: tuple[str, str]) -> None:
    item = S[where[0]].field(where[1])
    parsed = parse(pd.Series(cells, dtype=object), item, layer=where[0])
    assert len(parsed.values) == len(cells)
    known = parsed.values.notna().to_numpy()
    states = np.stack([known, parsed.was_blank.astype(bool), parsed.fault != ""])
    assert (states.sum(axis=0) == 1).all()
    if item.bounds and known.any():
        assert parsed.values.dropna().between(*item.bounds).all()


@given(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=6))
@settings(max_examples=60)
def test_every_row_is_kept_refused_or_a_repetition(ids: list[str | None]) -> None:
    checked = run(
        "natural_villages",
        {"natural_village_id": ids, "name": ["n"] * len(ids), "population": list(range(len(ids)))},
        [inside(0)] * len(ids),
    )
    again = sum(p.kind == "same_row" for p in checked.problems)
    assert len(checked.frame) + len(checked.refused) + again == len(ids)
    assert checked.frame["natural_village_id"].is_unique


def test_problems_are_sentences() -> None:
    checked = natural(population=["x"])
    assert all(isinstance(p, Problem) and p.message.endswith("。") for p in checked.problems)
