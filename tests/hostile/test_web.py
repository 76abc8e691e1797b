"""The app's door: foreign addresses, floods, faults, guesses, starting unsafely (safety.md W04, W08, W13, W16–W20, W22, W25)."""

import ast
import asyncio
import csv
import io
import logging
import sqlite3
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pandas as pd
import pytest
import streamlit as st
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from geo.errors import AccessError, InputError
from geo.read import read
from layers.cells import cell_text
from tests.hostile.payloads import FORMULAS, PERSON
from tests.policies_path import POLICY
from tracker import accounts, events, sessions
from tracker.events import Draft
from tracker.ledger import open_ledger
from tracker.office import create
from views import excel, export_table, quota, results, server
from views.quota import Quota, is_full, patient
from views.tilestore import Identity, TileStore

ROOT = Path(__file__).resolve().parents[2]
MEDIA = "/media/" + "0a1b2c3d" * 7 + ".csv"
UPLOAD = "/_stcore/upload_file/11111111-2222-3333-4444-555555555555/66666666-7777-8888-9999-000000000000"
LI, WU = Identity("li", frozenset({"households"})), Identity("wu", frozenset({"households"}))


def message(*addresses: str) -> bytes:
    """A message as Streamlit sends it: strings with their length before them, other fields around."""
    return b"\x0a\x07\x12" + b"".join(b"\x1a" + bytes([len(a)]) + a.encode() + b"\x42\x01z" for a in addresses)


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_bytes(message(MEDIA, UPLOAD))
    await socket.close()


async def media(request: Request) -> PlainTextResponse:
    return PlainTextResponse("户主,电话")


async def broken(request: Request) -> PlainTextResponse:
    household = dict(PERSON)
    raise ValueError(f"row {household}")


async def swallow(request: Request) -> PlainTextResponse:
    size = 0
    async for part in request.stream():
        size += len(part)
    return PlainTextResponse(str(size))


class House:
    """One gate for several people, as one process is; who asks is set before each request."""

    def __init__(self) -> None:
        self.who: Identity | None = LI
        routes = [
            *server.routes(), Route("/media/{x:path}", media), Route("/broken", broken), Route("/swallow", swallow, methods=["POST"]),
            Route("/_stcore/upload_file/{s}/{f}", swallow, methods=["PUT", "POST", "DELETE"]), WebSocketRoute("/_stcore/stream", stream),
        ]  # fmt: skip
        self.app = Starlette(routes=routes, middleware=[Middleware(server.Gate, authorise=lambda _: self.who)])

    def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                return await http.request(method, path, **more)

        return asyncio.run(go())

    def open_page(self) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(said: dict[str, Any]) -> None:
            sent.append(said)

        path = "/_stcore/stream"
        scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "headers": [], "query_string": b""}
        asyncio.run(self.app(scope | {"client": ("127.0.0.1", 1), "subprotocols": []}, receive, send))
        return sent


# --- W04 formulas --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("make", [export_table.csv_file, results.csv_bytes], ids=["table", "results"])
def test_w04_no_cell_of_a_csv_begins_a_formula_and_it_comes_back(text: str, make: Any, tmp_path: Path) -> None:
    """W04: fourteen beginnings, in both CSV writers; read back in, the apostrophe is gone."""
    content = make(pd.DataFrame({"村名": [text, "甲村"], "列": [1, 2]}))
    [_, row, *_] = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert row[0] == "'" + text
    file = tmp_path / "again.csv"
    file.write_bytes(make(pd.DataFrame({"村编码": ["v1", "v2"], "村名": [text, "甲村"], "镇": ["甲镇", "甲镇"]})))
    held = read(file).frame["村名"].iloc[0]
    assert cell_text(held).strip() == cell_text(text).strip()
    assert not cell_text(held).startswith("'")


@pytest.mark.parametrize("text", FORMULAS)
def test_w04_no_cell_of_a_workbook_is_a_formula_and_it_comes_back(text: str, tmp_path: Path) -> None:
    """W04: workbook of a table; the value read back is the value."""
    content = excel.workbook({"表": pd.DataFrame({"村名": [text, "甲村"], "人口": [1, 2]})}, {text: text})
    book = openpyxl.load_workbook(io.BytesIO(content))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert all(cell.hyperlink is None for sheet in book for row in sheet.iter_rows() for cell in row)
    file = tmp_path / "again.xlsx"
    file.write_bytes(content)
    assert cell_text(read(file, sheet="表").frame["村名"].iloc[0]).strip() == cell_text(text).strip()


# --- W08 what is handed out -----------------------------------------------------------------------------------------


def test_w08_a_file_of_one_person_is_not_for_another() -> None:
    """W08: only who was sent the address may use it, and nobody before it was sent."""
    house = House()
    assert house.ask(MEDIA).status_code == 404
    assert [said["type"] for said in house.open_page()] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert house.ask(MEDIA).text == "户主,电话"
    house.who = WU
    assert house.ask(MEDIA).status_code == 404
    house.who = Identity("li", frozenset())
    assert house.ask(MEDIA).status_code == 404, "another role is another person"
    house.who = None
    assert house.ask(MEDIA).status_code == 401, "after signing out"
    house.who = LI
    assert house.ask("/media/" + "f" * 56 + ".csv").status_code == 404


def test_w08_nobody_uploads_into_the_page_of_another() -> None:
    """W08."""
    house = House()
    house.open_page()
    assert house.ask(UPLOAD, "PUT", content=b"abc").text == "3"
    house.who = WU
    for method in ("PUT", "POST", "DELETE"):
        assert house.ask(UPLOAD, method).status_code == 404


def test_w08_addresses_in_a_text_prove_nothing() -> None:
    """W08: a person who types an address into a form, and sees it again on the page, has not been sent that file."""
    from views.handed import Handed

    handed = Handed(most=2)
    handed.note(LI, b"\x0a\x60see " + MEDIA.encode() + b" and more" * 9)
    assert not handed.allows(LI, MEDIA)
    for number in range(5):
        handed.note(LI, message(f"/media/{number:056x}.csv"))
    kept = [number for number in range(5) if handed.allows(LI, f"/media/{number:056x}.csv")]
    assert kept == [3, 4], "what is remembered is bounded"


def test_w08_streamlit_sends_addresses_as_the_gate_reads_them() -> None:
    """W08: the real message of a download button and of an upload, by Streamlit's own classes."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    from views.handed import Handed

    sent = ForwardMsg()
    sent.delta.new_element.download_button.url = MEDIA
    sent.delta.new_element.download_button.label = "下载"
    handed = Handed()
    handed.note(LI, sent.SerializeToString())
    assert handed.allows(LI, MEDIA)
    upload = ForwardMsg()
    one = upload.file_urls_response.file_urls.add()
    one.upload_url, one.delete_url = UPLOAD, UPLOAD
    handed.note(LI, upload.SerializeToString())
    assert handed.allows(LI, UPLOAD)


# --- W13 tiles without end --------------------------------------------------------------------------------------------


def test_w13_any_number_of_tiles_keeps_the_cache_bounded() -> None:
    """W13: what is not there is refused or empty; what is kept stays under its limit."""
    import geopandas as gpd
    from shapely import Point

    frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[Point(113.75, 25.08)], crs="EPSG:4490")
    kept = TileStore()
    digest = kept.add_source(frame, name="id", kind="point", priority=None, min_zooms=None, audience=frozenset())
    kept._tiles._limit = 20_000
    for number in range(3_000):
        assert kept.tile(digest, 14, number, number, LI) is None
    assert len(kept._tiles) <= 20_000 // 120 + 1
    for place in [(-1, 0, 0), (3, 8, 0), (40, 0, 0)]:
        with pytest.raises(InputError):
            kept.tile(digest, *place, LI)
    with pytest.raises(KeyError):
        kept.tile("0" * 32, 0, 0, 0, LI)


# --- W16, W20 faults --------------------------------------------------------------------------------------------------


def test_w16_w20_a_fault_in_a_route_tells_a_number_and_no_data(caplog: pytest.LogCaptureFixture) -> None:
    """W16, W20: the answer has the headers too; neither it nor the log holds the household in the fault."""
    with caplog.at_level(logging.DEBUG):
        answer = House().ask("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == server.security_headers()["content-security-policy"]
    number = answer.text.split("编号 ")[1][:6]
    assert number in caplog.text
    assert "ValueError" in caplog.text
    assert not any(value in answer.text + caplog.text for value in PERSON.values())


def test_w16_streamlit_is_told_to_show_no_details() -> None:
    """W16: the settings that ship."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["client"]["showErrorLinks"] is False
    options = server.app_options(None)
    assert options["on_script_error"] is server.explain_fault


# --- W17 guessing --------------------------------------------------------------------------------------------------


def test_w17_a_thousand_tries_get_nowhere(tmp_path: Path) -> None:
    """W17: one try a second for a thousand seconds; all but a handful are turned away before a password is looked at."""
    looked = 0

    class Counting(PasswordHasher):
        def verify(self, *given: Any, **more: Any) -> Any:
            nonlocal looked
            looked += 1
            return super().verify(*given, **more)

    light = Counting(time_cost=1, memory_cost=8, parallelism=1)
    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        accounts.add_user(
            ledger, "admin", name="a", role="administrator", password="石灰窑埠-2018", by="x", hasher=light
        )
        start = datetime(2018, 5, 1, tzinfo=UTC)
        for second in range(1000):
            with pytest.raises(AccessError):
                sessions.sign_in(
                    ledger, "admin", f"wrong-{second}", now=start + timedelta(seconds=second), hasher=light
                )
        assert looked <= 13
        before = looked
        with pytest.raises(AccessError):
            sessions.sign_in(ledger, "niemand", "wrong", now=start, hasher=light)
        assert looked == before + 1, "an unknown name costs one check as well"


# --- W18 too much ---------------------------------------------------------------------------------------------------


def test_w18_open_pages_and_uploads_are_bounded_for_each_and_for_all() -> None:
    """W18."""
    bound = Quota()
    held = [bound.one_more("page", "li") for _ in range(quota.MOST_PAGES + 1)]
    assert [one.__enter__() for one in held] == [True] * quota.MOST_PAGES + [False]
    with bound.one_more("page", "wu") as is_free:
        assert is_free, "the others are not shut out"
    for one in held:
        one.__exit__(None, None, None)
    with bound.one_more("page", "li") as is_free:
        assert is_free
    crowd = [bound.one_more("upload", f"u{n}") for n in range(quota.MOST_UPLOADS_OF_ALL + 1)]
    assert [one.__enter__() for one in crowd][-1] is False
    for one in crowd:
        one.__exit__(None, None, None)
    assert not bound._open


def test_w18_a_person_with_too_many_pages_is_refused_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """W18: at the gate itself."""
    monkeypatch.setitem(quota.LIMITS, "page", (0, 0))
    monkeypatch.setitem(quota.LIMITS, "upload", (0, 0))
    house = House()
    assert [said["type"] for said in house.open_page()] == ["websocket.close"]
    monkeypatch.setitem(quota.LIMITS, "page", (1, 1))
    house.open_page()
    assert house.ask(UPLOAD, "PUT", content=b"abc").status_code == 429
    monkeypatch.setitem(quota.LIMITS, "upload", (1, 1))
    monkeypatch.setattr(server, "is_full", lambda declared: declared > 2)
    assert house.ask(UPLOAD, "PUT", content=b"abc").status_code == 413
    assert house.ask(UPLOAD, "PUT", content=b"ab").text == "2"


def test_w18_fifty_large_uploads_do_not_fit_into_memory() -> None:
    """W18: fifty of 200 MB are 10 GB; the eighth is refused."""
    held = 0
    taken = 0
    for _ in range(50):
        if not is_full(quota.LARGEST_UPLOAD, held=lambda size=held: size):
            held += quota.LARGEST_UPLOAD
            taken += 1
    assert taken == 7
    assert server._declared({"type": "http", "headers": []}) == quota.LARGEST_UPLOAD
    assert int(st.get_option("server.maxUploadSize")) * 1_000_000 == quota.LARGEST_UPLOAD
    assert quota.held_bytes() == 0


def test_w18_who_sends_nothing_any_more_has_gone() -> None:
    """W18: a slow upload does not hold a place for ever; a long answer is not cut."""

    async def go() -> list[str]:
        async def silent() -> dict[str, Any]:
            await asyncio.sleep(60)
            return {}

        parts = iter([{"type": "http.request", "body": b"x", "more_body": False}])

        async def whole() -> dict[str, Any]:
            found = next(parts, None)
            if found is None:
                await asyncio.sleep(0.05)
                return {"type": "http.disconnect", "late": True}
            return found

        listening = patient(whole, seconds=0.01)
        await listening()
        return [(await patient(silent, seconds=0.01)())["type"], str((await listening()).get("late"))]

    assert asyncio.run(go()) == ["http.disconnect", "True"]


def test_w18_a_long_form_is_cut(tmp_path: Path) -> None:
    """W18: a body that never ends is not gathered by the sign-in form (see test_signin) nor kept by the gate."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 1000

    async def go() -> str:
        transport = httpx.ASGITransport(House().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return (await http.post("/swallow", content=endless())).text

    assert asyncio.run(go()) == "50000"


# --- W19 starting unsafely -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", ""])
def test_w19_without_users_only_this_machine_is_served(tmp_path: Path, host: str, monkeypatch: Any) -> None:
    """W19: refuses to start."""
    create(tmp_path / "office", policy=POLICY, name="试").close()
    monkeypatch.setattr(server, "create_app", lambda _: pytest.fail("it started"))
    with pytest.raises(InputError, match="用户"):
        server.serve(tmp_path / "office", host=host)


def test_w19_nothing_ships_with_a_password_or_debugging_on(tmp_path: Path) -> None:
    """W19."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["server"]["enableXsrfProtection"] is True
    assert settings["server"]["enableCORS"] is True
    assert settings["browser"]["gatherUsageStats"] is False
    assert not settings.get("global", {}).get("developmentMode", False)
    with create(tmp_path / "office", policy=POLICY, name="试") as office:
        assert accounts.users(office.ledger) == []
        with pytest.raises(InputError):
            accounts.add_user(office.ledger, "admin", name="a", role="administrator", password="admin", by="x")


# --- W22 the log ----------------------------------------------------------------------------------------------------


def test_w22_the_log_cannot_be_changed_by_any_role(tmp_path: Path) -> None:
    """W22: no right, no function and no statement changes an entry; a correction of one is refused."""
    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        accounts.log_access(ledger, "li", "export", what="危房.xlsx", rows=120, conditions="镇=甲镇")
        [entry] = accounts.access_log(ledger)
        for sql in ("UPDATE events SET payload = '{}'", "DELETE FROM events", "UPDATE events SET at = at"):
            with pytest.raises(sqlite3.IntegrityError):
                ledger.write(lambda t, sql=sql: t.run(sql))
        with pytest.raises(InputError, match="谁都不能"):
            events.withdraw(ledger, entry.seq, by="admin", reason="不想让人看见")
        with pytest.raises(InputError, match="谁都不能"):
            events.correct(ledger, entry.seq, by="admin", payload={"rows": 1})
        assert accounts.access_log(ledger) == [entry]
        events.append(
            ledger,
            Draft("access:li", "access", entry.at, "li", {"action": "x", "what": "", "rows": 0, "conditions": ""}),
        )
        assert len(accounts.access_log(ledger)) == 2, "one may add, never take away"
    rights = {right for held in accounts.RIGHTS.values() for right in held}
    assert not [right for right in rights if "log" in right]


# --- W25 who opens files ---------------------------------------------------------------------------------------------


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Read every module once: its place in the project and its syntax."""
    rooms = ("geo", "layers", "analysis", "tracker", "views", "commands")
    paths = sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))
    return tuple((path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))) for path in paths)


READERS = {"read_file", "read_dataframe", "read_info", "list_layers", "open_arrow", "read_arrow", "read_bounds"}
IN_THE_WORKER = {"geo/vector.py", "geo/shapefile.py", "geo/tasks.py", "geo/worker.py", "geo/workbook.py", "geo/kml.py"}
RASTERS = {"geo/raster.py", "geo/relief.py", "geo/traveltime.py", "geo/leastcost.py", "geo/lines.py", "demo/rasters.py"}


def test_w25_only_the_worker_opens_files_with_gdal() -> None:
    """W25: no call that lets GDAL read a vector file stands outside the worker; rasters only as GeoTIFF."""
    wrong = []
    for name, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = getattr(node.func.value, "id", "")
            if (
                node.func.attr in READERS
                and owner in {"gpd", "geopandas", "pyogrio", "fiona"}
                and name not in IN_THE_WORKER
            ):
                wrong.append(f"{name}:{node.lineno} {owner}.{node.func.attr}")
            if node.func.attr == "open" and owner == "rasterio":
                modes = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
                given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                if "w" not in modes and given.get("driver") != "GTiff":
                    wrong.append(f"{name}:{node.lineno} rasterio.open without driver")
    assert wrong == []


def test_w25_the_app_does_not_load_the_worker() -> None:
    """W25: modules of the worker are imported by the worker's own modules alone."""
    wrong = []
    for place, tree in trees():
        for node in ast.walk(tree) if not place.startswith("geo/") else ():
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            wrong += [
                f"{place}: {name}"
                for name in names
                if name in {"geo.vector", "geo.tasks", "geo.worker", "geo.workbook"}
            ]
    assert wrong == []


# --- W05, W06 words that are SQL ------------------------------------------------------------------------------------

SQL = ("' OR 1=1 --", '"; DROP TABLE events; --', "a' UNION SELECT * FROM users --", "%", "_", "\\", "') OR ('1'='1")


@pytest.mark.parametrize("text", SQL)
def test_w05_words_that_are_sql_are_words(text: str, tmp_path: Path) -> None:
    """W05: as subject, as user name, as password, as file and sheet name, as name of a bookmark."""
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        accounts.add_user(
            ledger, "admin", name=text, role="administrator", password="石灰窑埠-2018", by=text, hasher=light
        )
        events.append(
            ledger,
            Draft("a", "k", datetime(2018, 5, 1).date(), text, {text: text}),
            Draft(text, text, datetime(2018, 5, 1).date(), "x"),
        )
        assert [event.subject for event in events.history(ledger, text)] == [text]
        assert len(events.effective(ledger, [text])) == 1
        for name, password in ((text, "x"), ("admin", text), (text, text)):
            with pytest.raises(AccessError):
                sessions.sign_in(ledger, name, password, hasher=light)
        assert [user.name for user in accounts.users(ledger)] == [text]
        assert events.verify(ledger) == []


def test_w05_gdal_is_never_given_a_condition_or_a_query() -> None:
    """W05: no `where`, no `sql`, no dialect for GDAL anywhere; no statement of ours is put together from values (ruff S608)."""
    wrong = []
    for place, tree in trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and getattr(node.func.value, "id", "") in {"gpd", "pyogrio", "raw"}
            ):
                wrong += [f"{place}:{node.lineno}" for k in node.keywords if k.arg in {"where", "sql", "sql_dialect"}]
    assert wrong == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in settings["select"]
    assert "S608" not in settings["ignore"]
