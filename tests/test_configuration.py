"""Every setting of an office: known, checked, written into a new office.toml and into the documents."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from geo.errors import StoreError
from tests.policies_path import POLICY
from tracker import configuration
from tracker.office import create, open_office

PAGE = (Path(__file__).parents[1] / "docs" / "tracker.md").read_text("utf-8")


@pytest.fixture
def folder(tmp_path):
    create(tmp_path / "office", policy=POLICY, name="试").close()
    return tmp_path / "office"


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "office.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize("name", [*configuration.KEYS, *configuration.SETTINGS])
def test_every_setting_is_documented(name) -> None:
    assert re.search(rf"`(\[settings\] )?\[?{name}\]?`", PAGE), name


def test_a_new_office_names_every_setting_with_its_default(folder) -> None:
    written = tomllib.loads((folder / "office.toml").read_text("utf-8"))["settings"]
    assert written == {name: default for name, (default, _, _) in configuration.SETTINGS.items()}


def test_defaults_hold_where_nothing_is_written(folder) -> None:
    change(folder, "publication_min_count = 5", "")
    with open_office(folder) as office:
        assert office.settings.get("publication_min_count", 5) == 5


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_age_days = 0", "max_age_days = -1", "不小于 0"),
        ("max_age_days = 0", "max_age_days = true", "整数"),
        ("max_age_days = 0", "max_age_day = 9", "不认识 max_age_day"),
        ("publication_min_count = 5", "publication_min_count = 1", "不小于 2"),
        ("publication_min_count = 5", 'publication_min_count = "5"', "整数"),
        ('name = "试"', 'name = "试"\nnmae = "x"', "不认识 nmae"),
        ('name = "试"', 'name = ""', "缺少 name"),
        ("[settings]", "[setting]", "不认识 setting"),
        ('name = "试"', 'name = "试"\ndemo_day = 2018-06-30', "只用于名称里有“虚构”"),
        ('name = "试"', 'name = "试（虚构）"\ndemo_day = "2018-06-30"', "只能是一个日期"),
    ],
)
def test_a_mistake_is_named(folder, old, new, words) -> None:
    change(folder, old, new)
    with pytest.raises(StoreError, match=words):
        open_office(folder)


@pytest.mark.parametrize("value", [0, 365])
def test_the_least_is_allowed(folder, value) -> None:
    change(folder, "max_age_days = 0", f"max_age_days = {value}")
    change(folder, "publication_min_count = 5", "publication_min_count = 2")
    with open_office(folder) as office:
        assert (office.settings["max_age_days"], office.settings["publication_min_count"]) == (value, 2)


def test_only_an_invented_office_lives_on_a_day_of_its_own(tmp_path, folder) -> None:
    day = date(2018, 6, 30)
    with create(tmp_path / "demo", policy=POLICY, name="示范县（虚构）", demo_day=day) as office:
        assert office.today == day
    with open_office(tmp_path / "demo") as office:
        assert office.today == day
    with open_office(folder) as office:
        assert abs((office.today - date.today()).days) <= 1
