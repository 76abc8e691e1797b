"""Bookmarks, classes of numbers, changes between versions, and what a preview hides."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geo.errors import InputError
from tests.policies_path import POLICY
from tracker.office import create
from views import bookmarks, history
from views.dropping import MASK, masked
from views.grading import NOTHING, bounds, graded


@pytest.fixture
def office(tmp_path: Path):
    with create(tmp_path / "office", policy=POLICY, name="示范县") as made:
        yield made


def test_a_bookmark_is_kept_replaced_and_taken_away(office) -> None:
    bookmarks.keep(office, " 南山镇  公厕 ", "coverage", {"town": ["南山镇"]}, by="李工")
    bookmarks.keep(office, "南山镇 公厕", "coverage", {"town": ["南山镇"], "status": ["gap"]}, by="王工")
    [kept] = bookmarks.bookmarks(office)
    assert (kept.name, kept.page, kept.by) == ("南山镇 公厕", "coverage", "王工")
    assert kept.parameters == {"town": ["南山镇"], "status": ["gap"]}
    bookmarks.forget(office, kept.seq, by="王工")
    assert bookmarks.bookmarks(office) == []
    with pytest.raises(InputError, match="名称"):
        bookmarks.keep(office, "  ", "coverage", {}, by="李工")


def village_file(folder: Path, people: int) -> Path:
    file = folder / f"v{people}.gpkg"
    frame = gpd.GeoDataFrame(
        {"village_id": ["1", "2"], "name": ["甲村", "乙村"], "population": [people, 300]},
        geometry=[box(113, 24, 113.1, 24.1), box(113.1, 24, 113.2, 24.1)],
        crs="EPSG:4490",
    )
    frame.to_file(file)
    return file


def test_a_card_tells_what_changed_between_versions(office, tmp_path) -> None:
    office.add_layer("villages", village_file(tmp_path, 200), as_of=date(2018, 6, 30))
    assert history.changes(office, "villages", "village_id", "1", "zh") == [], "one version tells nothing"
    office.add_layer("villages", village_file(tmp_path, 210), as_of=date(2018, 12, 31))
    told = history.changes(office, "villages", "village_id", "1", "zh")
    assert told == [("2018-06-30", "首次入库"), ("2018-12-31", "人口：200 → 210")]
    assert len(history.changes(office, "villages", "village_id", "2", "zh")) == 1


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.integers(1, 5))
def test_every_number_falls_into_a_class_and_the_last_bound_is_the_largest(values, classes) -> None:
    ends = bounds(pd.Series(values), classes)
    assert ends == sorted(set(ends))
    assert len(ends) <= classes
    assert ends[-1] == max(values)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=40))
def test_unknown_is_hatched_and_never_coloured(values) -> None:
    series = pd.Series(values, dtype="float64")
    names, styles = graded(series, "zh")
    assert (names == NOTHING).tolist() == series.isna().tolist()
    assert set(names) <= set(styles)
    assert all(style.pattern == "hatch" for name, style in styles.items() if name == NOTHING)
    colored = [style.color for name, style in styles.items() if name != NOTHING]
    assert len(set(colored)) == len(colored)


def test_a_bound_belongs_to_the_lower_class() -> None:
    names, _ = graded(pd.Series(np.arange(1.0, 11.0)), "zh")
    assert names.tolist() == ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4"]


def test_a_preview_hides_what_may_be_personal() -> None:
    table = pd.DataFrame(
        {"户主姓名": ["张三"], "身份证号码": ["1"], "联系电话": ["2"], "家庭住址": ["3"], "危房级别": ["D"]}
    )
    shown = masked(table, "households")
    assert shown.iloc[0].tolist() == [MASK, MASK, MASK, MASK, "D"]
    assert table.iloc[0, 0] == "张三"
