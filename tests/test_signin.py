"""Nobody comes in without signing in as soon as there are users; until then only this machine."""

import contextlib
import warnings
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have another client library
    from starlette.testclient import TestClient

from geo.errors import InputError
from tests.policies_path import POLICY
from tracker import accounts
from tracker.office import Office, create
from views import desk, server, signin
from views.tilestore import Identity

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "zhen-hao-9-mima"
PAGE = {"accept": "text/html"}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = create(tmp_path / "office", policy=POLICY, name="试验县<b>")
    monkeypatch.setenv(desk.OFFICE_VARIABLE, str(made.path))
    yield made
    made.close()
    desk.desk.cache_clear()


@pytest.fixture
def people(office: Office) -> Office:
    for username, role, towns in (
        ("admin", "administrator", ()),
        ("li", "town_clerk", ("东山街道",)),
        ("ling", "leader", ()),
    ):
        accounts.add_user(
            office.ledger, username, name=f"{username}同志", role=role, password=PASSWORD, by="试", towns=towns, hasher=QUICK
        )  # fmt: skip
    return office


async def who(request: Request) -> JSONResponse:
    return JSONResponse({"user": request.scope["state"]["identity"].user, "header": request.headers.get("x-app-user")})


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


async def plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def client(*, peer: str = "127.0.0.1", base: str = "http://127.0.0.1:8501") -> TestClient:
    paths = ("/", "/media/{x}", "/app/static/{x}", "/_stcore/metrics", "/_stcore/upload_file/{x}", "/component/{x}")
    app = Starlette(
        routes=[*server.routes(), Route("/who", who), WebSocketRoute("/_stcore/stream", echo), *(Route(p, plain) for p in paths)],
        middleware=[Middleware(server.Gate, authorise=server.known_person)],
    )  # fmt: skip
    return TestClient(app, base_url=base, client=(peer, 50000), follow_redirects=False)


def enter(caller: TestClient, username: str = "li", password: str = PASSWORD, **more: str):
    return caller.post("/login", data={"username": username, "password": password, **more})


def test_without_users_this_machine_needs_no_password(office: Office) -> None:
    assert client().get("/who").json()["user"] == "本机"
    assert client().get("/login").headers["location"] == "/"


def test_without_users_no_other_machine_comes_in(office: Office) -> None:
    assert client(peer="10.1.2.3").get("/", headers=PAGE).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/who", "/media/a", "/app/static/a", "/_stcore/metrics", "/_stcore/upload_file/a", "/atlas/tiles/a/1/1/1.mvt", "/atlas/download/a"],
)  # fmt: skip
def test_with_users_nothing_answers_without_a_session(people: Office, path: str) -> None:
    assert client().get(path).status_code == 401


def test_with_users_a_page_leads_to_the_form(people: Office) -> None:
    answer = client().get("/projects", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/projects")


def test_with_users_the_websocket_is_shut(people: Office) -> None:
    with pytest.raises(WebSocketDisconnect), client().websocket_connect("ws://127.0.0.1:8501/_stcore/stream") as socket:
        socket.receive_text()


def test_the_form_is_chinese_escaped_and_hardened(people: Office) -> None:
    answer = client().get("/login?to=//evil.example", headers=PAGE)
    assert answer.status_code == 200
    assert "用户名" in answer.text
    assert "试验县&lt;b&gt;" in answer.text
    assert 'value="/"' in answer.text
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text


def test_signing_in_gives_a_strict_cookie_and_the_page_asked_for(people: Office) -> None:
    caller = client()
    answer = enter(caller, to="/projects")
    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert caller.get("/who").json() == {"user": "li", "header": "li"}


def test_the_cookie_is_secure_over_https(people: Office) -> None:
    assert "secure" in enter(client(base="https://127.0.0.1")).headers["set-cookie"].lower()


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(people: Office) -> None:
    wrong, unknown = enter(client(), password="falsch-falsch"), enter(client(), "niemand")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text == unknown.text


def test_tries_are_limited(people: Office) -> None:
    caller = client()
    for _ in range(5):
        enter(caller, password="falsch-falsch")
    late = enter(caller)
    assert late.status_code == 403
    assert "次数太多" in late.text


def test_a_new_id_at_every_sign_in_and_the_old_one_ends(people: Office) -> None:
    caller = client()
    caller.cookies.set(signin.COOKIE, "planted-by-somebody")
    enter(caller)
    first = caller.cookies.get(signin.COOKIE, domain="127.0.0.1")
    caller.cookies.clear()
    caller.cookies.set(signin.COOKIE, first)
    enter(caller)
    stale = client()
    stale.cookies.set(signin.COOKIE, first)
    assert first != "planted-by-somebody"
    assert stale.get("/who").status_code == 401


def test_signing_out_ends_the_session(people: Office) -> None:
    caller = client()
    enter(caller)
    kept = dict(caller.cookies)
    assert caller.get("/logout").headers["location"] == "/login"
    again = client()
    again.cookies.update(kept)
    assert again.get("/who").status_code == 401


@pytest.mark.parametrize("change", ["role", "password", "closed"])
def test_a_change_of_the_account_ends_the_session_and_an_open_websocket(people: Office, change: str) -> None:
    caller = client()
    enter(caller, "ling")
    with caller.websocket_connect("ws://127.0.0.1:8501/_stcore/stream") as socket:
        socket.send_text("a")
        assert socket.receive_text() == "a"
        if change == "password":
            accounts.set_password(people.ledger, "ling", "ganz-anders-7", by="admin", hasher=QUICK)
        else:
            changes = {"role": "planner"} if change == "role" else {"is_active": False}
            accounts.change_user(people.ledger, "ling", by="admin", **changes)
        socket.send_text("b")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    assert caller.get("/who").status_code == 401


def test_a_websocket_opened_before_the_first_user_is_shut_afterwards(office: Office) -> None:
    with client().websocket_connect("ws://127.0.0.1:8501/_stcore/stream") as socket:
        socket.send_text("a")
        assert socket.receive_text() == "a"
        accounts.add_user(
            office.ledger, "admin", name="a", role="administrator", password=PASSWORD, by="x", hasher=QUICK
        )
        socket.send_text("b")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999"])
def test_a_form_from_elsewhere_is_refused(people: Office, origin: str) -> None:
    answer = client().post("/login", data={"username": "li", "password": PASSWORD}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_our_own_form_is_taken(people: Office) -> None:
    headers = {"origin": "http://127.0.0.1:8501"}
    assert client().post("/login", data={"username": "li", "password": PASSWORD}, headers=headers).status_code == 303


def test_a_huge_form_is_refused(people: Office) -> None:
    assert client().post("/login", content=b"username=" + b"x" * 100_000).status_code == 413


def test_broken_cookies_and_bodies_are_nobody(people: Office) -> None:
    for cookie in ("qiyou_session", "=;;=", 'qiyou_session="\\777"', "a" * 4000, "qiyou_session=''"):
        assert client().get("/who", headers={"cookie": cookie}).status_code == 401
    assert client().post("/login", content=b"\xff\xfe=1&username").status_code == 403


def test_a_forged_name_is_dropped(people: Office) -> None:
    caller = client()
    enter(caller)
    assert caller.get("/who", headers={"X-App-User": "admin", "X-Forwarded-User": "admin"}).json()["header"] == "li"


def test_an_unreadable_ledger_lets_nobody_in(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> bool:
        raise InputError("账本坏了")

    monkeypatch.setattr(server, "has_accounts", broken)
    assert client().get("/who").status_code == 503


def test_grants_follow_role_and_town(people: Office) -> None:
    caller = client()
    enter(caller)
    scope = {"type": "http", "headers": [(b"cookie", f"{signin.COOKIE}={caller.cookies[signin.COOKIE]}".encode())]}
    found = signin.session_identity(scope, people.path)
    assert found == Identity("li", frozenset({"households:东山街道"}))
    assert found.may(frozenset({"households:东山街道"}))
    assert not found.may(frozenset({"households"}))
    assert not found.may(frozenset({"households:民安街道"}))
    assert signin.grants(accounts.User("x", "x", "leader")) == frozenset()
    assert signin.grants(accounts.User("x", "x", "planner")) == {"households"}
    assert not Identity("l", frozenset()).may(signin.audience(accounts.User("x", "x", "leader")))


def test_another_address_is_served_only_with_users(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(
        server, "create_app", lambda _: type("A", (), {"run": lambda self, config: asked.update(config)})()
    )
    server.serve(people.path, host="0.0.0.0", port=9)
    assert asked["server.address"] == "0.0.0.0"
    with pytest.raises(InputError, match="用户"):
        server.serve(people.path.parent, host="0.0.0.0")
