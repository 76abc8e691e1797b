"""The project library read back: what changed, what is refused, what stands in the next export."""

import geopandas as gpd
import pandas as pd
import pytest
from road_county import DAY, METRIC
from shapely import LineString

from geo.errors import InputError
from tracker.ledger import open_ledger
from views import library_edits
from views.labels import label
from views.library_edits import accept, applied, compare, read_cell, recognised, taken_over
from views.programme_files import LIBRARY


class Desk:
    def __init__(self, ledger):
        self.ledger = ledger


@pytest.fixture
def desk(tmp_path):
    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        yield Desk(ledger)


def base():
    rows = [
        {"project_id": "P0001", "year": 2018, "road_id": "R1", "road_name": "甲路", "start_km": 0.0, "end_km": 1.234, "length_km": 1.234, "surface": "砂石", "pavement_width_m": 3.5, "cost_cny10k": 74.04, "people": 300.0, "villages": "甲村", "project_key": "k1"},
        {"project_id": "P0001", "year": 2018, "road_id": "R2", "road_name": None, "length_km": 0.5, "project_key": "k1"},
        {"project_id": "P0002", "year": 2019, "road_id": None, "road_name": "新建连接线", "length_km": 0.3, "cost_cny10k": 30.0, "project_key": "k2"},
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*LIBRARY, "project_key"])
    return gpd.GeoDataFrame(frame, geometry=[LineString([(0, 0), (1, 1)])] * 3, crs=METRIC)


def sheet(**changes):
    """The library as its file; changes are (row, column) -> value."""
    table = pd.DataFrame(base()[list(LIBRARY)]).astype("object")
    for name, values in changes.items():
        for row, value in values.items():
            table.loc[row, name] = value
    return table.rename(columns={name: label("library", name) for name in LIBRARY})


def cells(found):
    return [(row.project_id, row.road_id, row.column, row.old, row.new) for row in found.cells.itertuples()]


def test_an_untouched_file_changes_nothing():
    found = compare(base(), sheet())
    assert (len(found.cells), len(found.refused), len(found.added), len(found.removed), found.same) == (0, 0, 0, 0, 3)


def test_a_changed_cell_is_told_old_and_new():
    found = compare(base(), sheet(cost_cny10k={0: "80.5"}, road_name={1: " 乙路 "}, year={2: 2020.0}))
    assert cells(found) == [
        ("P0001", "R1", "cost_cny10k", 74.04, 80.5), ("P0001", "R2", "road_name", None, "乙路"), ("P0002", "", "year", 2019, 2020),
    ]  # fmt: skip
    assert found.same == 0


def test_rounding_as_the_library_writes_it_is_no_change():
    assert compare(base(), sheet(end_km={0: 1.23400000001}, cost_cny10k={0: "74.040"})).cells.empty


def test_english_headings_and_other_order_are_recognised():
    english = sheet(cost_cny10k={0: 90}).rename(
        columns={label("library", n): label("library", n, "en") for n in LIBRARY}
    )
    assert cells(compare(base(), english[english.columns[::-1]])) == [("P0001", "R1", "cost_cny10k", 74.04, 90.0)]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("people", 999, "由图层算出"),
        ("villages", "乙村", "由图层算出"),
        ("pavement_width_m", "三米半", "不是数字"),
        ("pavement_width_m", -1, "不小于零"),
        ("year", 2018.5, "年份"),
        ("year", 1999, "年份"),
        ("year", None, "不能清空"),
        ("cost_cny10k", "", "不能清空"),
        ("surface", "冰面", "不是认得的"),
        ("end_km", -0.1, "不小于零"),
    ],
)
def test_a_cell_that_cannot_be_taken_over_is_refused_with_the_reason(column, value, why):
    found = compare(base(), sheet(**{column: {0: value}}, road_name={0: "新名"}))
    assert why in found.refused["why"].iloc[0]
    assert found.refused["row"].tolist() == [2]
    assert [cell[2] for cell in cells(found)] == ["road_name"]  # the rest of the row is kept


def test_chainage_that_runs_backwards_is_refused():
    found = compare(base(), sheet(start_km={0: 2.0}))
    assert "小于起点" in found.refused["why"].iloc[0]
    assert found.cells.empty


def test_added_removed_and_double_rows_are_listed():
    table = sheet()
    extra = table.iloc[[0]].assign(**{label("library", "project_id"): "P9"})
    found = compare(base(), pd.concat([table.iloc[[0, 0, 2]], extra], ignore_index=True))
    assert found.added["project_id"].tolist() == ["P9"]
    assert found.removed["road_id"].tolist() == ["R2"]
    assert "同一项目同一路段" in found.refused["why"].iloc[0]


def test_without_the_columns_that_name_a_row_nothing_is_guessed():
    with pytest.raises(InputError, match="路段编号"):
        recognised(sheet().drop(columns=label("library", "road_id")))
    with pytest.raises(InputError, match="两列"):
        recognised(sheet().assign(year=1))


def test_a_formula_mark_is_taken_off_and_hostile_text_stays_text():
    assert read_cell("road_name", "'=HYPERLINK(1)") == "=HYPERLINK(1)"
    assert read_cell("road_id", "12.0") == "12"


def take(desk, **changes):
    library, _ = applied(base(), taken_over(desk, DAY))
    found = compare(library, sheet(**changes))
    return accept(desk, found.cells.to_dict("records"), file_name="改.xlsx", file_digest="d", day=DAY, by="li")


def test_what_was_taken_over_stands_in_the_next_export_and_can_be_undone(desk):
    from tracker import events

    assert take(desk, cost_cny10k={0: 80.5}, road_name={1: "乙路"}) == 2
    library, edits = applied(base(), taken_over(desk, DAY))
    assert (library["cost_cny10k"].iloc[0], library["road_name"].iloc[1]) == (80.5, "乙路")
    assert edits[["old", "new", "by", "is_used"]].iloc[0].tolist() == [74.04, 80.5, "li", True]
    assert base()["cost_cny10k"].iloc[0] == 74.04
    events.withdraw(desk.ledger, int(edits["seq"].iloc[0]), by="li", reason="写错")
    assert applied(base(), taken_over(desk, DAY))[0]["cost_cny10k"].iloc[0] == 74.04


def test_an_edit_of_an_edit_follows_and_another_day_knows_nothing_yet(desk):
    take(desk, cost_cny10k={0: 80.5})
    take(desk, cost_cny10k={0: 90.0})
    assert applied(base(), taken_over(desk, DAY))[0]["cost_cny10k"].iloc[0] == 90.0
    earlier = DAY.replace(year=2017)
    assert taken_over(desk, earlier) == []


def test_an_edit_of_a_value_that_has_changed_since_is_listed_not_written(desk):
    take(desk, cost_cny10k={0: 80.5})
    now = base()
    now.loc[0, "cost_cny10k"] = 71.0
    library, edits = applied(now, taken_over(desk, DAY))
    assert library["cost_cny10k"].iloc[0] == 71.0
    assert edits["is_used"].tolist() == [False]


def test_every_heading_of_the_library_is_recognised_in_both_languages():
    assert all(library_edits.heading(label("library", name, language)) == name for name in LIBRARY for language in ("zh", "en"))  # fmt: skip
