"""What is stored comes back the same, is never changed, and says so when it is damaged."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CRSError, InputError, StoreError
from layers import store
from layers.intake import take
from tests.layer_drawings import dropped, inside, villages_raw


def villages() -> Any:
    return take(dropped(villages_raw(), crs="EPSG:4490"), "villages").frame


def households() -> tuple[Any, Any]:
    frame = pd.DataFrame(
        {
            "户编号": ["01", "02", "03"],
            "行政村": ["张庄村"] * 3,
            "姓名": ["甲", "乙", None],
            "饮水安全": ["是", "否", None],
            "住房面积": [80, None, 100.5],
            "户类型": ["低保、五保", None, "低保"],
        }
    )
    shapes = gpd.GeoDataFrame(frame, geometry=[inside(0), None, inside(2)])
    taken = take(dropped(shapes, crs="EPSG:4490"), "households")
    return taken.frame, taken.private


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    frame, private = households()
    before = frame.copy(deep=True)
    digest = store.write_layer(tmp_path, "households", frame, private)
    back = store.read_layer(tmp_path, "households", digest)
    pd.testing.assert_frame_equal(frame, before)
    assert back.crs.to_epsg() == 4490
    assert back.dtypes.to_dict() == frame.dtypes.to_dict()
    again = back.sort_values("household_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")), pd.DataFrame(frame.drop(columns="geometry"))
    )
    assert again.geometry.tolist() == frame.geometry.tolist()
    pd.testing.assert_frame_equal(store.read_private(tmp_path, "households", digest), private)


def test_a_plain_table_is_stored_too(tmp_path: Path) -> None:
    claims = take(dropped(pd.DataFrame({"村代码": ["1"], "事项": ["x"], "结果": ["是"]})), "claims").frame
    digest = store.write_layer(tmp_path, "claims", claims, None)
    pd.testing.assert_frame_equal(store.read_layer(tmp_path, "claims", digest), claims)
    assert store.read_private(tmp_path, "claims", digest) is None


def test_any_geoparquet_reader_can_read_a_layer(tmp_path: Path) -> None:
    digest = store.write_layer(tmp_path, "villages", villages(), None)
    plain = gpd.read_parquet(store.layer_path(tmp_path, "villages", digest))
    assert plain.crs.to_epsg() == 4490
    assert len(plain) == 4


@given(st.permutations(range(4)))
@settings(max_examples=24, deadline=None)
def test_the_same_content_has_the_same_digest_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    frame = villages()
    office = tmp_path_factory.getbasetemp() / "same"
    turned = frame.iloc[order].reset_index(drop=True)
    assert store.write_layer(office, "villages", turned, None) == store.write_layer(office, "villages", frame, None)


def test_any_change_of_content_changes_the_digest(tmp_path: Path) -> None:
    frame, private = households()
    first = store.write_layer(tmp_path, "households", frame, private)
    assert store.write_layer(tmp_path, "households", frame.assign(members=3.0), private) != first
    assert store.write_layer(tmp_path, "households", frame, private.assign(phone="1")) != first
    assert store.write_layer(tmp_path, "households", frame, None) != first
    assert store.read_private(tmp_path, "households", first)["phone"].isna().all()


def test_writing_again_does_not_touch_the_file(tmp_path: Path) -> None:
    digest = store.write_layer(tmp_path, "villages", villages(), None)
    path = store.layer_path(tmp_path, "villages", digest)
    os.utime(path, (1, 1))
    store.write_layer(tmp_path, "villages", villages(), None)
    assert path.stat().st_mtime == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no temporary file is left behind"


def test_private_columns_lie_apart_and_only_the_service_may_read_them(tmp_path: Path) -> None:
    frame, private = households()
    digest = store.write_layer(tmp_path, "households", frame, private)
    assert "甲".encode() not in store.layer_path(tmp_path, "households", digest).read_bytes()
    if os.name != "nt":
        path = store.private_path(tmp_path, "households", digest)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_noticed_at_any_byte(tmp_path: Path) -> None:
    digest = store.write_layer(tmp_path, "villages", villages(), None)
    path = store.layer_path(tmp_path, "villages", digest)
    good = path.read_bytes()
    for place in np.linspace(0, len(good) - 1, 25).astype(int):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(StoreError, match="摘要不符"):
            store.read_layer(tmp_path, "villages", digest)
    path.write_bytes(good[:-10])
    with pytest.raises(StoreError, match="备份"):
        store.read_layer(tmp_path, "villages", digest)
    store.write_layer(tmp_path, "villages", villages(), None)
    assert path.read_bytes() == good, "importing the same file again mends it"


def test_damaged_private_columns_are_noticed(tmp_path: Path) -> None:
    digest = store.write_layer(tmp_path, "households", *households())
    store.private_path(tmp_path, "households", digest).write_bytes(b"x")
    with pytest.raises(StoreError, match="个人信息"):
        store.read_private(tmp_path, "households", digest)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"不见了.*重新导入"):
        store.read_layer(tmp_path, "villages", "0" * 64)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "0" * 63, "G" * 64])
def test_a_digest_is_never_a_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(StoreError):
        store.read_layer(tmp_path, "villages", digest)


@pytest.mark.parametrize("name", ["../dem", "DEM 1", "", "a/b"])
def test_a_raster_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    source = tmp_path / "a.tif"
    source.write_bytes(b"II*")
    with pytest.raises(InputError):
        store.write_raster(tmp_path, name, source)


def test_an_unknown_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="natural_villages"):
        store.write_layer(tmp_path, "../x", villages(), None)


def test_metres_are_never_stored(tmp_path: Path) -> None:
    with pytest.raises(CRSError):
        store.write_layer(tmp_path, "villages", villages().to_crs(4547), None)


def test_an_unchecked_frame_is_never_stored(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="population"):
        store.write_layer(tmp_path, "villages", villages().drop(columns="population"), None)


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "磁盘空间不足"), (errno.EROFS, "只读"), (errno.EACCES, "权限"), (errno.EIO, "失败")],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_write_that_fails_leaves_nothing_behind_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str, call: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path if call == "replace" else os, call, fail)
        with pytest.raises(StoreError, match=says):
            store.write_layer(tmp_path, "villages", villages(), None)
    assert not [path for path in (tmp_path / "layers").rglob("*") if path.is_file()]
    assert store.write_layer(tmp_path, "villages", villages(), None), "the next save works"


def test_rasters_are_kept_by_digest_and_checked_on_reading(tmp_path: Path) -> None:
    source = tmp_path / "dem.tif"
    source.write_bytes(b"II*\x00" + bytes(1000))
    digest = store.write_raster(tmp_path, "dem", source)
    assert store.write_raster(tmp_path, "dem", source) == digest
    path = store.raster_path(tmp_path, "dem", digest)
    assert path.read_bytes() == source.read_bytes()
    path.write_bytes(b"II*\x00" + bytes(999) + b"1")
    with pytest.raises(StoreError, match="摘要不符"):
        store.raster_path(tmp_path, "dem", digest)
    with pytest.raises(StoreError, match="不见了"):
        store.raster_path(tmp_path, "dem", "0" * 64)


def test_a_raster_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="失败"):
        store.write_raster(tmp_path, "dem", tmp_path / "none.tif")
