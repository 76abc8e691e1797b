"""Every route behind the gate: who gets in, what comes back, what never does."""

import asyncio
import gzip
import json
from pathlib import Path

import geopandas as gpd
import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import rasterio
from PIL import Image
from shapely import Point
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from geo.errors import AccessError, InputError
from views import assets, server
from views.server import FOREVER, Gate, laptop_only, routes, security_headers
from views.tilestore import Identity, Kept, TileStore, allowed, store

OWNER = Identity("张三")
VIEWER = Identity("李四", frozenset())


def scope_of(host: str, peer: str | None = "127.0.0.1") -> dict:
    return {"type": "http", "client": (peer, 5) if peer else None, "headers": [(b"host", host.encode())], "path": "/"}


async def echo(request) -> PlainTextResponse:
    return PlainTextResponse(json.dumps(dict(request.headers)))


async def socket(websocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.scope["state"]["identity"].user)
    await websocket.close()


class Client:
    """Asks an ASGI app without a socket."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def get(self, path: str, headers: dict | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app), base_url="http://localhost", follow_redirects=True
            ) as http:
                return await http.get(path, headers=headers)

        return asyncio.run(ask())

    def websocket(self, path: str) -> list[dict]:
        sent: list[dict] = []

        async def receive() -> dict:
            return {"type": "websocket.connect"}

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "headers": [], "query_string": b""}
        asyncio.run(self.app(scope | {"client": ("127.0.0.1", 1), "subprotocols": []}, receive, send))
        return sent


def client(identity: Identity | None) -> Client:
    extra = [Route("/echo", echo), Route("/_stcore/health", echo), WebSocketRoute("/_stcore/stream", socket)]
    return Client(
        Starlette(routes=[*routes(), *extra], middleware=[Middleware(Gate, authorise=lambda scope: identity)])
    )


@pytest.fixture(scope="module")
def county() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[Point(113.75, 25.08), Point(113.8, 25.1)], crs="EPSG:4490")


def add(frame: gpd.GeoDataFrame, audience: frozenset[str] = frozenset()) -> str:
    return store().add_source(frame, name="id", kind="point", priority=None, min_zooms=None, audience=audience)


# --- the gate -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "localhost:8501", "[::1]:8501", "[::1]", "127.0.0.9"])
def test_whoever_sits_here_is_let_in(host: str) -> None:
    assert laptop_only(scope_of(host)) is not None
    assert laptop_only(scope_of(host, "::1")) is not None


@pytest.mark.parametrize("host", ["", "evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.5", "[fe80::1]"])
def test_another_host_name_is_refused(host: str) -> None:
    assert laptop_only(scope_of(host)) is None


@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", None, "testclient"])
def test_another_machine_is_refused_whatever_it_claims(peer: str | None) -> None:
    scope = scope_of("localhost", peer)
    scope["headers"].append((b"x-forwarded-for", b"127.0.0.1"))
    assert laptop_only(scope) is None


EVERY_ROUTE = [
    "/atlas/assets/x/leaflet.js",
    "/atlas/tiles/x/0/0/0.mvt",
    "/atlas/hillshade/x/0/0/0.png",
    "/atlas/surface/x/0/0/0.png",
    "/overview",
    "/atlas/values/x.bin",
    "/atlas/values/x.json",
    "/atlas/map/x.json",
    "/atlas/map/x.js",
    "/atlas/download/x",
    "/echo",
    "/nothing",
]


@pytest.mark.parametrize("path", EVERY_ROUTE)
def test_without_identity_nothing_answers(path: str) -> None:
    answer = client(None).get(path)
    assert answer.status_code == 401
    assert "没有权限" in answer.text


def test_without_identity_only_health_answers() -> None:
    assert client(None).get("/_stcore/health").status_code == 200
    assert client(None).get("/_stcore/health/../../echo").status_code == 401


def test_without_identity_the_websocket_is_refused_before_it_opens() -> None:
    assert [message["type"] for message in client(None).websocket("/_stcore/stream")] == ["websocket.close"]


def test_with_identity_the_websocket_opens_and_knows_who() -> None:
    accepted, said, _ = client(OWNER).websocket("/_stcore/stream")
    assert accepted["type"] == "websocket.accept"
    assert said["text"] == "张三"


def test_a_route_that_forgets_the_gate_still_gives_nothing() -> None:
    assert Client(Starlette(routes=routes())).get("/atlas/values/x.bin").status_code == 401


def test_claims_of_the_client_are_dropped() -> None:
    sent = {
        "X-App-User": "root",
        "X-Forwarded-For": "127.0.0.1",
        "Forwarded": "for=127.0.0.1",
        "X-Forwarded-User": "root",
    }
    seen = client(OWNER).get("/echo", headers=sent).json()
    assert seen["x-app-user"] == "%E5%BC%A0%E4%B8%89"
    assert not [name for name in seen if "forwarded" in name]


@pytest.mark.parametrize("path", ["/echo", "/nothing", "/_stcore/health", "/atlas/values/x.bin"])
@pytest.mark.parametrize("who", [OWNER, None])
def test_every_answer_carries_the_security_headers(path: str, who: Identity | None) -> None:
    answer = client(who).get(path)
    for name, value in security_headers().items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe-eval'" not in policy.replace("wasm-unsafe-eval", "")
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "http:" not in policy
    assert "https:" not in policy
    assert "frame-ancestors 'self'" in policy


# --- tiles --------------------------------------------------------------------------------------------------------


def test_a_tile_comes_compressed_and_may_be_kept_for_ever(county) -> None:
    answer = client(OWNER).get(f"/atlas/tiles/{add(county)}/0/0/0.mvt")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == FOREVER
    assert answer.headers["content-encoding"] == "gzip"
    assert len(mapbox_vector_tile.decode(answer.content)["id"]["features"]) >= 1


def test_a_browser_that_cannot_unpack_gets_it_plain(county) -> None:
    answer = client(OWNER).get(f"/atlas/tiles/{add(county)}/0/0/0.mvt", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert mapbox_vector_tile.decode(answer.content)


def test_an_empty_tile_has_no_content(county) -> None:
    answer = client(OWNER).get(f"/atlas/tiles/{add(county)}/4/0/0.mvt")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == FOREVER


@pytest.mark.parametrize(
    "place", ["-1/0/0", "0/1/0", "0/0/1", "23/0/0", "1.5/0/0", "a/0/0", "99999999/0/0", "1e3/0/0", "٣/0/0", "1/%00/0"]
)
def test_a_wrong_address_is_refused(county, place: str) -> None:
    assert client(OWNER).get(f"/atlas/tiles/{add(county)}/{place}.mvt").status_code == 400


@pytest.mark.parametrize("path", ["/atlas/tiles/nope/0/0/0.mvt", "/atlas/values/nope.bin", "/atlas/map/nope.js"])
def test_what_is_not_kept_is_not_found(path: str) -> None:
    answer = client(OWNER).get(path)
    assert answer.status_code == 404
    assert "no-store" in answer.headers.get("cache-control", "no-store")


@pytest.mark.parametrize(
    "name",
    [
        "../assets.py",
        "..%2f..%2fapp.py",
        "%2e%2e/%2e%2e/app.py",
        "..\\..\\app.py",
        "%5c%5chost%5cshare",
        "//evil",
        "/etc/passwd",
        "images/../../run.py",
        "leaflet.js%00.css",
        "",
    ],
)
def test_no_path_leads_out_of_the_assets(monkeypatch, name: str) -> None:
    held = assets.Assets("d", {"leaflet.js": assets.Asset(b"x", gzip.compress(b"x"), "text/javascript")})
    monkeypatch.setattr(server.assets, "load", lambda: held)
    assert client(OWNER).get("/atlas/assets/d/leaflet.js").status_code == 200
    assert client(OWNER).get(f"/atlas/assets/d/{name}").status_code in {400, 404}
    assert client(OWNER).get("/atlas/assets/other/leaflet.js").status_code == 404


# --- who may see what ----------------------------------------------------------------------------------------------


def test_a_viewer_gets_no_household_tile(county) -> None:
    private = add(county.copy(), frozenset({"households"}))
    assert private != add(county), "another audience is another address"
    path = f"/atlas/tiles/{private}/0/0/0.mvt"
    assert client(OWNER).get(path).status_code == 200
    assert client(Identity("王五", frozenset({"households", "x"}))).get(path).status_code == 200
    answer = client(VIEWER).get(path)
    assert answer.status_code == 403
    assert "cache-control" not in answer.headers


def test_columns_and_texts_have_an_audience_too() -> None:
    secret = frozenset({"households"})
    codes = store().add_column(np.array([1, 2, 300]), audience=secret)
    texts = store().add_labels(["甲", "乙"], audience=secret)
    for path in (f"/atlas/values/{codes}.bin", f"/atlas/values/{texts}.json"):
        assert client(OWNER).get(path).status_code == 200
        assert client(VIEWER).get(path).status_code == 403


def test_values_travel_as_typed_arrays() -> None:
    for top, kind in ((255, "<u1"), (256, "<u2"), (65536, "<u4")):
        digest = store().add_column(np.array([0, top]), audience=frozenset())
        body = client(OWNER).get(f"/atlas/values/{digest}.bin").content
        assert body[0] == np.dtype(kind).itemsize
        assert np.frombuffer(body[8:], kind).tolist() == [0, top]


@pytest.mark.parametrize(
    "codes", [np.array([-1]), np.array([2**32]), np.array([1.5]), np.array([[1]]), np.array(["a"])]
)
def test_a_column_that_is_no_code_is_refused(codes) -> None:
    with pytest.raises(InputError):
        store().add_column(codes, audience=frozenset())


def test_a_download_is_for_one_person_once(monkeypatch) -> None:
    token = store().add_download(b"data", file_name="村 表.xlsx", media_type="application/x", user="张三")
    assert client(VIEWER).get(f"/atlas/download/{token}").status_code == 403
    answer = client(OWNER).get(f"/atlas/download/{token}")
    assert answer.content == b"data"
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    assert client(OWNER).get(f"/atlas/download/{token}").status_code == 404
    late = store().add_download(b"data", file_name="a", media_type="application/x", user="张三")
    now = server.time.monotonic()
    monkeypatch.setattr(server.time, "monotonic", lambda: now + 601)
    assert client(OWNER).get(f"/atlas/download/{late}").status_code == 404


# --- the store ----------------------------------------------------------------------------------------------------


def test_the_same_frame_is_prepared_once(county) -> None:
    kept = TileStore()
    options = {"name": "id", "kind": "point", "priority": None, "min_zooms": None, "audience": frozenset()}
    first = kept.add_source(county, **options)
    source = kept.sources.get(first).item
    assert kept.add_source(county, **options) == first
    assert kept.add_source(county.copy(), **options) == first
    assert kept.sources.get(first).item is source
    other = county.copy()
    other.geometry = other.geometry.translate(0.1)
    assert kept.add_source(other, **options) != first


def test_the_tile_cache_is_bounded(county) -> None:
    kept = TileStore()
    digest = kept.add_source(county, name="id", kind="point", priority=None, min_zooms=None, audience=frozenset())
    kept._tiles._limit = 2000
    for x in range(200):
        kept.tile(digest, 12, x, 0, OWNER)
    assert len(kept._tiles) <= 20
    with pytest.raises(AccessError):
        allowed(Kept(1, frozenset({"a"}), 1), VIEWER)


def test_another_address_needs_users_first() -> None:
    with pytest.raises(InputError, match="用户"):
        server.serve("office", host="0.0.0.0")


# --- relief -------------------------------------------------------------------------------------------------------


@pytest.fixture
def dem(tmp_path: Path) -> Path:
    path = tmp_path / "dem.tif"
    columns = np.mgrid[0:80, 0:80][1]
    height = np.where(columns < 40, 300.0 + (40 - columns) * 25.0, 300.0).astype("float32")
    height[60:, :20] = -9999
    profile = {"driver": "GTiff", "width": 80, "height": 80, "count": 1, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(
        path, "w", crs="EPSG:4547", transform=rasterio.Affine(30, 0, 400000, 0, -30, 2780000), **profile
    ) as out:
        out.write(height, 1)
    return path


def test_relief_is_clear_on_flat_ground_and_dark_on_the_lee(dem: Path) -> None:
    from geo.relief import relief_tile
    from geo.tiles import TileSource

    patch = gpd.GeoDataFrame(geometry=[Point(401200, 2778800)], crs="EPSG:4547")
    lon, lat, *_ = TileSource(patch, kind="point").bounds or (0, 0)
    z = 13
    import io
    import math

    x = int((lon + 180) / 360 * 2**z)
    y = int((0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)) * 2**z)
    image = Image.open(io.BytesIO(relief_tile(dem, z, x, y)))
    assert image.size == (256, 256)
    grey, alpha = (np.asarray(band) for band in image.split())
    assert grey.max() == 0, "black only, so that it sits under any colour"
    assert (alpha == 0).any(), "flat ground, and ground without elevation, is clear"
    assert alpha.max() > 60, "the lee is dark"
    assert relief_tile(dem, z, 0, 0) == b""
    digest = store().add_relief(dem, audience=frozenset())
    assert client(OWNER).get(f"/atlas/hillshade/{digest}/{z}/{x}/{y}.png").headers["content-type"] == "image/png"
    assert client(OWNER).get(f"/atlas/hillshade/{digest}/{z}/0/0.png").status_code == 204


def test_a_raster_is_for_its_audience(tmp_path: Path) -> None:
    from geo.surface import Ramp

    file = tmp_path / "people.tif"
    options = {
        "crs": "EPSG:4326",
        "transform": rasterio.Affine(90, 0, -180, 0, -85, 85),
        "count": 1,
        "dtype": "float32",
    }
    with rasterio.open(file, "w", driver="GTiff", height=2, width=4, **options) as out:
        out.write(np.full((2, 4), 3, dtype="float32"), 1)
    ramp = Ramp((5.0,), ("#ff0000",), least=0.0)
    everyone = store().add_surface(file, ramp, audience=frozenset())
    few = store().add_surface(file, ramp, audience=frozenset({"households"}))
    assert everyone != few
    answer = client(VIEWER).get(f"/atlas/surface/{everyone}/1/0/0.png")
    assert answer.headers["content-type"] == "image/png"
    assert client(VIEWER).get(f"/atlas/surface/{few}/1/0/0.png").status_code == 403


def test_relief_opens_nothing_but_geotiff(tmp_path: Path) -> None:
    from geo.relief import relief_tile

    trap = tmp_path / "dem.tif"
    trap.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    with pytest.raises(InputError, match="GeoTIFF"):
        relief_tile(trap, 0, 0, 0)


def test_a_fault_tells_a_number_and_no_data(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[str] = []
    monkeypatch.setattr(server.st, "error", lambda text, icon: shown.append(text))
    secret = "".join(["440224", "19900101", "1234"])
    with pytest.raises(ValueError, match="row of") as caught:
        raise ValueError(f"row of {secret}")
    assert server.explain_fault(caught.value)
    number = shown[0].split("编号 ")[1][:6]
    assert number in caplog.text
    assert "ValueError" in caplog.text
    assert secret not in shown[0] + caplog.text
