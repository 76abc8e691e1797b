"""The guide shows every page at both sizes; a picture is not larger than it need be."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).resolve().parents[1]
GUIDE = (HOME / "docs" / "guide.zh-CN.md").read_text(encoding="utf-8")
MOST_BYTES = 400_000


def pictures() -> ModuleType:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    spec = importlib.util.spec_from_file_location("pictures", HOME / "docs" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_every_page_has_a_picture() -> None:
    from views.entry import PAGES

    paths = {path.split("?")[0] for path, _ in pictures().PAGES.values()}
    assert {"" if name == "overview" else name for name in PAGES} <= paths


def test_every_picture_is_in_the_guide_at_both_sizes() -> None:
    made = pictures()
    for name in made.PAGES:
        for width in made.SIZES:
            file = HOME / "docs" / "images" / f"{name}-{width}.png"
            assert file.is_file(), file.name
            assert file.stat().st_size <= MOST_BYTES, file.name
            assert f"(images/{file.name})" in GUIDE, file.name


def test_no_picture_is_left_over() -> None:
    made = pictures()
    wanted = {f"{name}-{width}.png" for name in made.PAGES for width in made.SIZES}
    assert {file.name for file in (HOME / "docs" / "images").glob("*.png")} == wanted
