"""Headers, layers and names are recognised; nothing is guessed between two."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from layers import match
from layers import schema as schemas
from layers.names import clean_text
from tests.layer_drawings import square

S = schemas.load()


@pytest.mark.parametrize(
    ("header", "layer", "ours"),
    [
        ("户 编 号", "households", "household_id"),
        ("住房情况/危房级别", "households", "housing_grade"),
        ("住房情况/住房面积（㎡）", "households", "house_area_m2"),
        ("是否解决安全饮用水", "households", "safe_water"),
        ("ＡＡＣ３２２", "households", "housing_grade"),
        ("aac001", "households", "household_id"),
        ("证件号码", "households", "id_number"),
        ("户主身份证", "households", "id_number"),
        ("面层类型代", "roads", "surface"),
        ("路面宽度(米)", "roads", "pavement_width_m"),
        ("路面宽度（米）*", "roads", "pavement_width_m"),
        ("是否断头路段", "roads", "is_dead_end"),
        ("技术状况评定等级", "bridges", "rating"),
        ("技术状况评", "bridges", "rating"),
        ("桥梁全长（米）", "bridges", "length_m"),
        ("行政村名称", "villages", "name"),
        ("乡(镇)", "villages", "town"),
        ("AAD010", "villages", "population"),
        ("TOT_POPULA", "natural_villages", "population"),
        ("自然村（组）代码", "natural_villages", "natural_village_id"),
    ],
)
def test_headers_are_recognised_as_bureaus_write_them(header: str, layer: str, ours: str) -> None:
    assert dict(match.propose([header, "无关的列"], S[layer]).columns) == {ours: header}


def test_a_strong_header_wins_over_a_makeshift_one() -> None:
    proposed = match.propose(["序号", "设施编号", "类型"], S["facilities"]).columns
    assert proposed["facility_id"] == "设施编号"
    assert match.propose(["序号", "类型"], S["facilities"]).columns["facility_id"] == "序号"


def test_a_route_code_serves_as_id_only_where_there_is_no_other() -> None:
    assert match.propose(["路线编号", "面层类型"], S["roads"]).columns == {
        "road_id": "路线编号",
        "route_code": "路线编号",
        "surface": "面层类型",
    }
    assert match.propose(["路段编号", "路线编号", "面层类型"], S["roads"]).columns["road_id"] == "路段编号"


def test_a_column_serves_one_field_only() -> None:
    proposed = match.propose(["村名", "代码"], S["villages"]).columns
    assert proposed == {"village_id": "代码", "name": "村名"}


@pytest.mark.parametrize(
    ("columns", "geometry", "layer"),
    [
        (["TOWNCODE", "TOWNNAME"], "Polygon", "towns"),
        (["VILLCODE", "VILLNAME", "TOWNNAME", "TOWNCODE"], "MultiPolygon", "villages"),
        (["自然村代码", "自然村名称", "行政村", "人口"], "Point", "natural_villages"),
        (["户编号", "姓名", "证件号码", "危房级别"], None, "households"),
        (["路线编号", "路线名称", "技术等级代码", "面层类型代码", "路面宽度(米)"], "LineString", "roads"),
        (["桥梁名称", "桥梁代码", "技术状况评定等级", "桥梁全长(米)"], "Point", "bridges"),
        (["设施编号", "设施类型", "设施名称", "行政村"], "Point", "facilities"),
        (["灾害点编号", "灾害类型", "风险等级"], "Polygon", "hazards"),
    ],
)
def test_layers_are_recognised_by_their_columns(columns: list[str], geometry: str | None, layer: str) -> None:
    ranked = match.recognise(columns, geometry)
    assert ranked[0][0] == layer, ranked[:3]
    assert all(0 < score <= 1 for _, score in ranked)


def test_nothing_is_recognised_in_columns_that_say_nothing() -> None:
    assert match.recognise(["foo", "bar"], "Polygon") == []


def test_header_units_become_factors() -> None:
    mapping = match.Mapping({"length_m": "桥梁全长（公里）", "deck_width_m": "桥面净宽(米)", "max_span_m": "主跨(cm)"})
    assert match.factors(mapping, S["bridges"]) == {"length_m": 1000.0, "max_span_m": 0.01}


MAPPING = """
[columns]
natural_village_id = "HAB_ID"
name = "HAB_NAME"
population = "TOT_POPULA"
village = ""
[constants]
village_id = "440224101201"
[values.name]
"x" = "改名"
"*" = "其他"
[where]
KIND = ["Medical", 3]
"""


def test_a_mapping_file_renames_replaces_adds_and_keeps(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MAPPING, encoding="utf-8")
    mapping = match.load_mapping(path)
    raw = pd.DataFrame(
        {
            "HAB_ID": [1, 2, 3, 4],
            "HAB_NAME": ["x", "y", None, "z"],
            "TOT_POPULA": [200, 199, 5, 6],
            "KIND": ["Medical", 3.0, "Ｍedical ", "Agro"],
            "行政村": ["甲", "甲", "甲", "甲"],
        }
    )
    before = raw.copy(deep=True)
    ours, kept = match.apply(
        raw, match.complete(mapping, list(raw.columns), S["natural_villages"]), S["natural_villages"]
    )
    assert kept.tolist() == [0, 1, 2]
    assert ours["name"].tolist()[:2] == ["改名", "其他"]
    assert pd.isna(ours["name"].iloc[2]), "a blank is not 'every other value'"
    assert ours["village_id"].tolist() == ["440224101201"] * 3
    assert "village" not in ours.columns, "an empty column name leaves the column out"
    pd.testing.assert_frame_equal(raw, before)


def test_columns_a_mapping_does_not_mention_are_still_proposed() -> None:
    mapping = match.complete(match.Mapping({"name": "HAB_NAME"}), ["HAB_NAME", "HAB_ID", "人口"], S["natural_villages"])
    assert mapping.columns == {"name": "HAB_NAME", "natural_village_id": "HAB_ID", "population": "人口"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[colums]\nname='x'", "colums"),
        ("columns = 3", "应是一个表"),
        ("[values]\nsurface = 'x'", "按列写"),
        ("name = = 3", "TOML"),
    ],
)
def test_a_wrong_mapping_file_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        match.load_mapping(path)


def test_a_gbk_mapping_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes('[columns]\nname = "村名"\n'.encode("gbk"))
    assert match.load_mapping(path).columns == {"name": "村名"}


def test_a_missing_mapping_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="打不开"):
        match.load_mapping(tmp_path / "none.toml")


def test_a_mapping_to_a_column_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(InputError, match=r"“HABID”.*HAB_NAME"):
        match.apply(pd.DataFrame({"HAB_NAME": ["a"]}), match.Mapping({"name": "HABID"}), S["towns"])


def test_a_mapping_to_an_unknown_field_lists_the_fields() -> None:
    with pytest.raises(InputError, match=r"popluation.*population"):
        match.apply(pd.DataFrame({"a": [1]}), match.Mapping({"popluation": "a"}), S["villages"])


def test_apply_keeps_geometry_last() -> None:
    raw = gpd.GeoDataFrame({"code": ["1"]}, geometry=[square(0)], crs=4490)
    ours, _ = match.apply(raw, match.propose(raw.columns, S["towns"]), S["towns"])
    assert list(ours.columns)[-1] == "geometry"


# names ----------------------------------------------------------------------------------------------------------

KNOWN = pd.DataFrame(
    {
        "village_id": ["101", "102", "201", "202", "203"],
        "name": ["张庄村", "李村", "张庄村", "马窖社区", "东村"],
        "town": ["甲镇", "甲镇", "乙街道", "乙街道", "乙街道"],
    }
)


def tie_one(town: str | None, village: str, **options: object) -> tuple[object, str]:
    tied = match.tie(pd.DataFrame({"town": [town], "village": [village]}), KNOWN, **options)
    code = tied.village_id.iloc[0]
    return (None if pd.isna(code) else code), tied.reason.iloc[0]


@pytest.mark.parametrize(
    ("town", "village", "code", "reason"),
    [
        ("甲镇", "张庄", "101", ""),
        ("甲", "张庄村村民委员会", "101", ""),
        ("乙街道办事处", "张庄居委会", "201", ""),
        ("　乙　街道", " 张 庄 村", "201", ""),
        (None, "张庄村", None, "ambiguous"),
        (None, "李村委会", "102", ""),
        (None, "甲镇张庄村", "101", ""),
        (None, "仁化县甲镇张庄社区居民居委会", "101", ""),
        ("甲镇", "甲镇李村", "102", ""),
        ("丙镇", "李村", None, "no_town"),
        ("甲镇", "东村", None, "other_town"),
        ("甲镇", "没有村", None, "no_village"),
        ("甲镇", "202", "202", ""),
        ("甲镇", "", None, ""),
    ],
)
def test_names_tie_by_town_and_name_and_never_between_two(
    town: str | None, village: str, code: str | None, reason: str
) -> None:
    assert tie_one(town, village) == (code, reason)


def test_two_villages_of_one_name_in_one_town_stay_untied_and_are_both_named() -> None:
    known = pd.DataFrame({"village_id": ["1", "2"], "name": ["东村", "东社区"], "town": ["甲镇", "甲镇"]})
    asked = pd.DataFrame({"town": ["甲镇", "甲镇"], "village": ["东", "东村"]})
    tied = match.tie(asked, known)
    assert tied.reason.tolist() == ["ambiguous", ""]
    assert tied.village_id.tolist()[1] == "1", "the exact spelling decides"
    assert "（1）" in tied.candidates[0]
    assert "（2）" in tied.candidates[0]


def test_aliases_bring_old_and_wrong_names_to_the_one_in_use() -> None:
    aliases = {"马滘社区": "马窖社区", "石灰窑村": "102", "丙镇": "甲镇"}
    assert tie_one("乙街道", "马滘社区", aliases=aliases) == ("202", "")
    assert tie_one("甲镇", "石灰窑村", aliases=aliases) == ("102", "")
    assert tie_one("丙镇", "李村", aliases=aliases) == ("102", "")


def test_variant_characters_agree() -> None:
    known = pd.DataFrame({"village_id": ["1"], "name": ["安置村"], "town": ["甲镇"]})
    tied = match.tie(pd.DataFrame({"town": ["甲镇"], "village": ["安臵村"]}), known)
    assert tied.village_id.tolist() == ["1"]


def test_rare_characters_survive() -> None:
    assert clean_text("㙦 𬒈村") == "㙦 𬒈村"


BASE = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5, exclude_characters="村社区委会居民行政建制党支总部"),
    min_size=1,
    max_size=4,
)


@given(
    BASE, st.sampled_from(["村", "村委会", "村民委员会", "社区", "居委会", "社区居委会", "居民委员会", "村村委会", ""])
)
@settings(max_examples=200)
def test_every_spelling_of_a_village_is_one_name(base: str, suffix: str) -> None:
    assert match.normalise_name(f" {base}　{suffix}") == match.normalise_name(base)


@given(
    st.lists(
        st.tuples(st.sampled_from(["甲镇", "乙街道", None, "丙"]), st.sampled_from(["张庄", "李村", "东村", "无"])),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
@settings(max_examples=60)
def test_tying_does_not_depend_on_the_order_of_rows(pairs: list[tuple[str | None, str]], random: object) -> None:
    asked = pd.DataFrame(pairs, columns=["town", "village"])
    order = np.arange(len(asked))
    random.shuffle(order)  # type: ignore[attr-defined]
    turned = match.tie(asked.iloc[order], KNOWN.iloc[::-1])
    straight = match.tie(asked, KNOWN)
    pd.testing.assert_series_equal(turned.village_id.sort_index(), straight.village_id)
    pd.testing.assert_series_equal(turned.candidates.sort_index(), straight.candidates)
