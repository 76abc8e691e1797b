"""Base maps: only what the office has set is asked, only pictures come back, nothing is kept, the key stays here."""

import logging
import stat

import anyio
import httpx
import pytest
from fake_wmts import drawn, served
from starlette.applications import Starlette
from starlette.middleware import Middleware

from geo.errors import InputError, StoreError
from tracker import basemap
from tracker.basemap import BaseMap, checked
from views import basemap as maps
from views.server import Gate, laptop_only, routes

KEY = "s3cretkey0123456789"


@pytest.fixture
def service():
    with served() as running:
        yield running


@pytest.fixture
def asker() -> maps.Service:
    return maps.Service()


def wmts(service, **more) -> BaseMap:
    given = {"base_id": "vec", "title": "矢量", "kind": "wmts", "address": f"{service.address}/{{layer}}_{{set}}/wmts",
             "sheets": ("vec", "cva"), "key": KEY} | more  # fmt: skip
    return checked(BaseMap(**given))


def test_settings_are_read_back_as_written_and_only_the_owner_may_read_them(tmp_path) -> None:
    bases = (*basemap.tianditu(KEY, matrix="c"),
             checked(BaseMap("g", '甲"乙', "xyz", "http://10.0.0.5/{z}/{x}/{y}.png", is_shifted=True)))  # fmt: skip
    basemap.write(tmp_path, bases)
    assert basemap.read(tmp_path) == bases
    assert stat.S_IMODE((tmp_path / basemap.FILE).stat().st_mode) == 0o600
    basemap.write(tmp_path, ())
    assert basemap.read(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", [
    "ftp://a.cn/x", "//a.cn/x", "https://user:pw@a.cn/x", "https://{layer}.a.cn/x", "https:///x", "file:///etc/passwd",
    "http://169.254.169.254/latest", "http://0.0.0.0/x", "https://a.cn/x#y", "javascript:alert(1)",
])  # fmt: skip
def test_an_address_that_does_not_fix_its_host_is_refused(address) -> None:
    with pytest.raises(InputError):
        checked(BaseMap("a", "甲", "wmts", address, ("vec",)))


@pytest.mark.parametrize("change", [
    {"kind": "tms"}, {"matrix": "d"}, {"matrix": "c", "is_shifted": True}, {"sheets": ("a&b",)}, {"sheets": ("a",) * 4},
    {"key": "a b"}, {"max_zoom": 23}, {"base_id": "../x"}, {"title": " "},
])  # fmt: skip
def test_settings_that_cannot_be_are_refused(service, change) -> None:
    with pytest.raises(InputError):
        wmts(service, **change)


def test_a_wrong_file_is_named_and_offers_nothing(tmp_path, caplog) -> None:
    (tmp_path / basemap.FILE).write_text('[[base]]\ntitle = "x"\nsecret = 1\n', encoding="utf-8")
    with pytest.raises(StoreError, match="secret"):
        basemap.read(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert maps.offered(tmp_path) == ()


def test_the_service_is_asked_as_its_standard_says(service, asker) -> None:
    content, kind = asker.tile(wmts(service, matrix="c"), 1, 10, 835, 184)
    assert (content, kind) == (drawn(10, 835, 184), "image/png")
    asked = httpx.URL(service.asked[0])
    assert asked.path == "/cva_c/wmts"
    assert dict(asked.params) == {
        "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "cva", "STYLE": "default",
        "TILEMATRIXSET": "c", "FORMAT": "tiles", "TILEMATRIX": "10", "TILEROW": "184", "TILECOL": "835", "tk": KEY,
    }  # fmt: skip
    assert "cookie" not in service.headers_seen[0]


def test_wms_is_asked_for_the_square_of_the_tile() -> None:
    from pyproj import Transformer

    base = BaseMap("m", "图", "wms", "https://map.gov.cn/wms", ("road",), key_name="")
    asked = httpx.URL(maps.address_of(base, 0, 10, 835, 438)).params
    west, south, east, north = map(float, asked["BBOX"].split(","))
    lon, lat = Transformer.from_crs(3857, 4326, always_xy=True).transform([west, east], [south, north])
    assert lon == pytest.approx([835 / 1024 * 360 - 180, 836 / 1024 * 360 - 180])
    assert lat[0] < 25.1 < lat[1]


@pytest.mark.parametrize(("mood", "told"), [
    ("redirect", "要转到别的地址"), ("text", "不是图片"), ("lie", "不是图片"), ("huge", "过大"), ("forbidden", "密钥"),
])  # fmt: skip
def test_anything_but_a_picture_is_refused_and_nothing_else_is_asked(service, asker, mood, told, caplog) -> None:
    service.mood = mood
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreError, match=told) as caught:
        asker.tile(wmts(service), 0, 10, 835, 438)
    assert len(service.asked) == 1, "a redirect was followed, or it asked again"
    assert KEY not in str(caught.value) + repr(wmts(service)) + caplog.text
    assert caught.value.__suppress_context__


def test_a_service_that_failed_is_left_alone_for_a_while(service, asker) -> None:
    service.mood = "text"
    for _ in range(3):
        with pytest.raises(StoreError):
            asker.tile(wmts(service), 0, 10, 835, 438)
    assert len(service.asked) == 1
    service.mood = "well"
    asker.forget()
    assert asker.tile(wmts(service), 0, 10, 835, 438) is not None


def test_a_service_that_is_not_there_is_named_without_its_key(asker, caplog) -> None:
    base = BaseMap("a", "甲", "xyz", "http://127.0.0.1:9/{key}/{z}/{x}/{y}", key=KEY, key_name="")
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreError, match="暂时取不到") as caught:
        asker.tile(base, 0, 5, 1, 1)
    assert KEY not in str(caught.value) + caplog.text


def test_no_picture_there_is_no_fault(service, asker) -> None:
    service.mood = "nothing"
    assert asker.tile(wmts(service), 0, 10, 835, 438) is None
    service.mood = "well"
    assert asker.tile(wmts(service), 0, 10, 835, 438) is not None


@pytest.fixture
def asked(service, tmp_path, monkeypatch):
    """Ask the route behind its gate, as a browser at this machine would."""
    (tmp_path / "office.toml").write_text('name = "x"\npolicy = "y"\n', encoding="utf-8")
    basemap.write(tmp_path, [wmts(service), wmts(service, base_id="deg", matrix="c")])
    monkeypatch.setenv("QIYOU_OFFICE", str(tmp_path))
    monkeypatch.setattr("views.signin.has_accounts", lambda _: False)
    maps.service().forget()
    app = Starlette(routes=[maps.route()], middleware=[Middleware(Gate, authorise=laptop_only)])

    async def ask(path: str, peer: str = "127.0.0.1") -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    return lambda path, **more: anyio.run(lambda: ask(path, **more))


def test_the_route_hands_pictures_on_and_nobody_keeps_them(asked, service) -> None:
    for _ in range(2):
        answer = asked("/atlas/base/vec/0/10/835/438")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.headers["cache-control"] == "no-store"
        assert KEY not in str(answer.headers)
    assert len(service.asked) == 2, "the second one was kept somewhere"
    assert "img-src 'self' data: blob:;" in answer.headers["content-security-policy"]


def test_the_route_is_behind_the_gate(asked, service) -> None:
    assert maps.ROUTE in {route.path for route in routes()}
    assert asked("/atlas/base/vec/0/10/835/438", peer="10.1.2.3").status_code == 401
    assert service.asked == []


@pytest.mark.parametrize(("path", "status"), [
    ("vec/0/19/1/1", 400), ("vec/0/10/1024/1", 400), ("vec/0/0/0/0", 400), ("vec/2/10/1/1", 400), ("deg/0/10/1/512", 400),
    ("vec/0/10/-1/1", 400), ("none/0/10/1/1", 404), ("http:%2f%2fevil/0/10/1/1", 404), ("vec/0/10/1/1e3", 400),
])  # fmt: skip
def test_other_addresses_are_refused_without_asking(asked, service, path, status) -> None:
    assert asked(f"/atlas/base/{path}").status_code == status
    assert service.asked == []


def test_a_service_in_trouble_is_a_plain_answer(asked, service) -> None:
    service.mood = "forbidden"
    answer = asked("/atlas/base/vec/0/10/835/438")
    assert (answer.status_code, answer.text) == (502, "底图暂时取不到。")
    assert answer.headers["cache-control"] == "no-store"


def test_the_browser_is_told_titles_and_nothing_of_key_or_address(service, tmp_path) -> None:
    basemap.write(tmp_path, [wmts(service, notice="<b>天地图")])
    (found,) = maps.offered(tmp_path)
    assert (found.id, found.sheets, found.notice) == ("vec", 2, "&lt;b&gt;天地图")
    assert KEY not in repr(found)
    assert service.address not in repr(found)


def test_the_key_is_in_no_backup(tmp_path) -> None:
    import zipfile
    from pathlib import Path

    from tracker import backup
    from tracker.office import create

    policy = Path(__file__).resolve().parents[1] / "policies" / "zhanjiang-edz-2016.toml"
    with create(tmp_path / "office", policy=policy, name="底图") as office:
        basemap.write(office.path, basemap.tianditu(KEY))
        backup.backup(office, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert basemap.FILE not in {Path(name).name for name in archive.namelist()}
        assert not [name for name in archive.namelist() if KEY.encode() in archive.read(name)]
