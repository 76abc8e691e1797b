"""Signing in by the office's identity provider: real HTTP to an issuer on loopback, and everything that must be refused."""

import json
import logging
import re
import warnings
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from geo.errors import InputError, StoreError
from tests import fake_issuer
from tests.policies_path import POLICY
from tracker import accounts, backup, dump, identities, oidc
from tracker.ledger import open_ledger
from tracker.office import create, open_office
from views import desk, server, signin

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "zhen-hao-9-mima"
HERE = "http://127.0.0.1:8501"


@pytest.fixture
def issuer(monkeypatch):
    monkeypatch.setenv(oidc.SECRET_VARIABLE, fake_issuer.SECRET)
    with fake_issuer.running() as made:
        yield made


def configured(folder: Path, issuer, extra: str = "") -> None:
    file = folder / "office.toml"
    text = f'\n[oidc]\nissuer = "{issuer.address}"\nclient_id = "{fake_issuer.CLIENT}"\naddress = "{HERE}"\n{extra}'
    file.write_text(re.sub(r"\n\[oidc\].*", "", file.read_text("utf-8"), flags=re.DOTALL) + text, "utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch, issuer):
    with create(tmp_path / "office", policy=POLICY, name="试验县") as made:
        for username, role in (("admin", "administrator"), ("wang", "leader")):
            accounts.add_user(made.ledger, username, name=username, role=role, password=PASSWORD, by="试", hasher=QUICK)
    configured(made.path, issuer)
    monkeypatch.setenv(desk.OFFICE_VARIABLE, str(made.path))
    yield made.path.absolute()
    desk.desk.cache_clear()


async def who(request: Request) -> JSONResponse:
    return JSONResponse({"user": request.scope["state"]["identity"].user})


def client() -> TestClient:
    app = Starlette(
        routes=[*server.routes(), Route("/who", who)],
        middleware=[Middleware(server.Gate, authorise=server.known_person)],
    )
    return TestClient(app, base_url=HERE, client=("127.0.0.1", 50000), follow_redirects=False)


def at_provider(address: str) -> str:
    """Do what the browser does at the provider, and give the path it is sent back to."""
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, build_opener

    class Keep(HTTPRedirectHandler):
        def redirect_request(self, *_, **__):
            return None

    try:
        build_opener(Keep()).open(address, timeout=5).close()
    except HTTPError as error:
        with error:
            back = urlsplit(error.headers["location"])
            return f"{back.path}?{back.query}"
    raise AssertionError("the provider did not send the browser back")


def sign_in(caller: TestClient, to: str = "/"):
    left = caller.get(f"/oidc/start?to={to}")
    assert left.status_code == 303, left.text
    return caller.get(at_provider(left.headers["location"]))


def sentence(answer) -> str:
    found = re.search(r'role="alert">(.*?)</p>', answer.text)
    return found[1] if found else answer.text


def test_a_person_with_an_account_comes_in(folder, issuer):
    caller = client()
    assert "用统一身份认证登录" in caller.get("/login").text
    answer = sign_in(caller, "/projects")
    assert answer.status_code == 200
    assert 'url=/projects"' in answer.text
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert caller.get("/who").json() == {"user": "wang"}


def test_the_request_carries_state_nonce_and_challenge_and_no_secret(folder, issuer):
    left = client().get("/oidc/start")
    query = parse_qs(urlsplit(left.headers["location"]).query)
    assert left.headers["location"].startswith(f"{issuer.address}/authorize?")
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{HERE}/oidc/callback"]
    assert all(len(query[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert fake_issuer.SECRET not in left.headers["location"]
    cookie = left.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        ({"aud": "another-app"}, "发给别的系统"),
        ({"aud": [fake_issuer.CLIENT, "another-app"]}, "发给别的系统"),
        ({"azp": "another-app"}, "发给别的系统"),
        ({"iss": "https://evil.example"}, "不是本单位认证平台签发"),
        ({"exp": 1_500_000_000}, "已过期"),
        ({"exp": None}, "签名或内容不对"),
        ({"sub": None}, "签名或内容不对"),
        ({"iat": 4_000_000_000, "exp": 4_000_000_300}, "时间在以后"),
        ({"nonce": "of-another-sign-in"}, "nonce 不符"),
        ({"nonce": None}, "nonce 不符"),
        ({"preferred_username": None}, "没有说明您的用户名"),
        ({"preferred_username": "wang' OR 1=1"}, "不合用"),
    ],
)
def test_a_wrong_token_is_refused_in_a_sentence(folder, issuer, bend, words):
    caller = client()
    issuer.bend = bend
    answer = sign_in(caller)
    assert answer.status_code == 403
    assert words in sentence(answer)
    assert caller.get("/who").status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_the_issuers_own_signature_is_refused(folder, issuer, algorithm):
    issuer.algorithm = algorithm
    answer = sign_in(client())
    assert (answer.status_code, "没有可靠的签名" in answer.text) == (403, True)


def test_a_token_signed_with_an_unpublished_key_is_refused(folder, issuer):
    sound = issuer.published()
    issuer.rotate()
    issuer.published = lambda: sound
    answer = sign_in(client())
    assert (answer.status_code, "公布的密钥" in answer.text) == (403, True)


def test_a_forged_key_under_the_same_name_is_refused(folder, issuer):
    sound, name = issuer.published(), issuer.kid
    issuer.rotate()
    issuer.kid, issuer.published = name, lambda: sound
    answer = sign_in(client())
    assert (answer.status_code, "签名或内容不对" in answer.text) == (403, True)


def test_a_rotated_key_is_fetched_once_more(folder, issuer, monkeypatch):
    caller = client()
    sign_in(caller)
    issuer.rotate()
    monkeypatch.setattr(oidc, "_ASK_AGAIN_S", 0.0)
    assert sign_in(client()).status_code == 200
    asked = issuer.asked.count("/keys")
    assert asked == 2
    sign_in(client())
    assert issuer.asked.count("/keys") == asked, "a key already known is not fetched again"


def test_strange_key_names_do_not_make_us_hammer_the_issuer(folder, issuer):
    sign_in(client())
    issuer.rotate()
    asked = issuer.asked.count("/keys")
    for _ in range(3):
        assert sign_in(client()).status_code == 403
    assert issuer.asked.count("/keys") == asked


def test_an_issuer_out_of_reach_is_told_in_a_sentence_and_local_accounts_still_work(folder, issuer):
    issuer.fail_with = 503
    caller = client()
    answer = caller.get("/oidc/start")
    assert answer.status_code == 503
    assert "暂时用不了" in sentence(answer)
    assert "用户名和密码" in sentence(answer)
    assert caller.post("/login", data={"username": "admin", "password": PASSWORD}).status_code == 303
    assert caller.get("/who").json() == {"user": "admin"}


def test_an_issuer_that_is_down_is_told_in_a_sentence(folder, issuer):
    file = folder / "office.toml"
    file.write_text(re.sub(r'issuer = ".*"', 'issuer = "http://127.0.0.1:9"', file.read_text("utf-8")), "utf-8")
    answer = client().get("/oidc/start")
    assert (answer.status_code, "没有回答" in sentence(answer)) == (503, True)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_nothing_but_the_issuers_own_address_is_asked(folder, issuer, name):
    issuer.description = {name: "http://127.0.0.1:1/elsewhere"}
    caller = client()
    answer = caller.get("/oidc/start")
    if name != "authorization_endpoint":
        answer = caller.get(at_provider(answer.headers["location"]))
    assert answer.status_code == 503
    assert f"{name} 不在" in sentence(answer)


def test_an_issuer_of_another_name_is_refused(folder, issuer):
    issuer.description = {"issuer": issuer.address + "/"}
    assert "逐字相同" in sentence(client().get("/oidc/start"))


def test_a_redirect_of_the_issuer_is_not_followed(folder, issuer, monkeypatch):
    issuer.fail_with = 302
    assert client().get("/oidc/start").status_code == 503


def test_state_must_be_this_browsers(folder, issuer):
    one, other = client(), client()
    back = at_provider(one.get("/oidc/start").headers["location"])
    assert "过期" in sentence(other.get(back)), "a browser that began nothing"
    other.get("/oidc/start")
    assert "对不上" in sentence(other.get(back)), "a browser that began another"
    assert other.get("/who").status_code == 401
    assert one.get("/oidc/callback?state=&code=x").status_code == 403


def test_a_code_counts_once_and_a_stolen_code_needs_the_verifier(folder, issuer):
    caller = client()
    back = at_provider(caller.get("/oidc/start").headers["location"])
    assert caller.get(back).status_code == 200
    assert caller.get(back).status_code == 403, "the cookie is gone"
    thief = client()
    stolen = parse_qs(urlsplit(at_provider(client().get("/oidc/start").headers["location"])).query)["code"][0]
    state = parse_qs(urlsplit(thief.get("/oidc/start").headers["location"]).query)["state"][0]
    answer = thief.get(f"/oidc/callback?state={state}&code={stolen}")
    assert (answer.status_code, "invalid_grant" in answer.text) == (403, True)


def test_who_says_no_at_the_provider_is_told_so(folder, issuer):
    caller = client()
    caller.get("/oidc/start")
    answer = caller.get("/oidc/callback?error=access_denied&error_description=<script>")
    assert (answer.status_code, "没有在统一身份认证完成登录" in answer.text, "<script" in answer.text) == (
        403,
        True,
        False,
    )


def test_the_secret_is_in_no_log_no_ledger_no_backup_and_no_answer(folder, issuer, caplog, monkeypatch, tmp_path):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(oidc.SECRET_VARIABLE, "wrong-" + fake_issuer.SECRET)
    answer = sign_in(client())
    assert (answer.status_code, "invalid_client" in answer.text) == (403, True)
    monkeypatch.setenv(oidc.SECRET_VARIABLE, fake_issuer.SECRET)
    sign_in(client())
    everything = caplog.text + answer.text + "".join(desk.desk(folder).ledger.read(lambda t: list(dump.lines(t))))
    assert fake_issuer.SECRET not in everything
    assert b"ji-mi" not in backup.backup(desk.desk(folder), tmp_path / "b.zip").path.read_bytes()


def test_an_unknown_person_is_refused_and_told_whom_to_ask(folder, issuer):
    issuer.claims = {"sub": "u-9", "preferred_username": "zhao", "name": "赵<b>六"}
    answer = sign_in(client())
    assert answer.status_code == 403
    assert "没有给您开通账号。请找管理员开通。" in sentence(answer)
    assert "赵&lt;b&gt;六" in answer.text
    assert len(accounts.users(desk.desk(folder).ledger)) == 2


def test_an_administrators_account_is_not_opened_by_its_name(folder, issuer):
    issuer.claims = {"sub": "u-9", "preferred_username": "admin"}
    assert "管理员账号不能只凭用户名" in sentence(sign_in(client()))


def test_an_account_belongs_to_one_identity_for_good(folder, issuer):
    sign_in(client())
    issuer.claims = {**issuer.claims, "sub": "u-impostor"}
    assert "另一个人的统一身份" in sentence(sign_in(client()))
    issuer.claims = {"sub": "u-001", "preferred_username": "renamed", "name": "王"}
    caller = client()
    assert sign_in(caller).status_code == 200
    assert caller.get("/who").json() == {"user": "wang"}, "renamed at the provider, still the same person here"


def test_a_closed_account_stays_closed(folder, issuer):
    sign_in(client())
    accounts.change_user(desk.desk(folder).ledger, "wang", by="admin", is_active=False)
    assert "已停用" in sentence(sign_in(client()))


def test_signing_in_begins_a_new_session_and_signing_out_ends_it(folder, issuer):
    caller = client()
    caller.post("/login", data={"username": "admin", "password": PASSWORD})
    old = caller.cookies[signin.COOKIE]
    sign_in(caller)
    new = caller.cookies[signin.COOKIE]
    assert new != old
    other = client()
    other.cookies.set(signin.COOKIE, old)
    assert other.get("/who").status_code == 401, "the session before is over"
    answer = caller.get("/logout")
    assert answer.headers["location"].startswith(f"{issuer.address}/logout?client_id=")
    caller.cookies.set(signin.COOKIE, new)
    assert caller.get("/who").status_code == 401


def test_the_session_cookie_of_a_caller_is_never_kept(folder, issuer):
    caller = client()
    caller.cookies.set(signin.COOKIE, "fixed-by-somebody")
    sign_in(caller)
    assert (
        "fixed-by-somebody" not in [cookie.value for cookie in caller.cookies.jar if cookie.domain != ""]
        or caller.get("/who").status_code == 200
    )
    other = client()
    other.cookies.set(signin.COOKIE, "fixed-by-somebody")
    assert other.get("/who").status_code == 401


MAPPED = """role_claim = "realm_access.roles"
towns_claim = "towns"
sector_claim = "dept"
[oidc.roles]
"atlas-clerk" = "town_clerk"
"atlas-bureau" = "bureau"
"atlas-planner" = "planner"
"""


def test_roles_and_towns_come_from_the_claims_where_the_office_says_so(folder, issuer):
    configured(folder, issuer, MAPPED)
    issuer.claims = {
        "sub": "u-5", "preferred_username": "zhao", "name": "赵六", "towns": "东山街道",
        "realm_access": {"roles": ["other", "atlas-clerk"]},
    }  # fmt: skip
    caller = client()
    assert sign_in(caller).status_code == 200
    ledger = desk.desk(folder).ledger
    made = next(user for user in accounts.users(ledger) if user.username == "zhao")
    assert (made.role, made.towns, made.name) == ("town_clerk", ("东山街道",), "赵六")
    assert caller.post("/login", data={"username": "zhao", "password": accounts.NO_PASSWORD}).status_code == 403
    issuer.claims = {**issuer.claims, "realm_access": {"roles": ["atlas-bureau"]}, "dept": ["transport"], "towns": []}
    second = client()
    assert sign_in(second).status_code == 200
    made = next(user for user in accounts.users(ledger) if user.username == "zhao")
    assert (made.role, made.sector, made.towns) == ("bureau", "transport", ())
    assert caller.get("/who").status_code == 401, "the session under the old rights is over"
    issuer.claims = {**issuer.claims, "realm_access": {"roles": ["other"]}}
    assert "没有本系统的角色" in sentence(sign_in(client()))
    assert second.get("/who").status_code == 200


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"preferred_username": "zhao", "realm_access": {"roles": ["atlas-clerk"]}}, "要写明乡镇"),
        ({"preferred_username": "zhao", "realm_access": {"roles": ["atlas-bureau"]}, "dept": "nothing"}, "要写明行业"),
        ({"preferred_username": "admin", "realm_access": {"roles": ["atlas-planner"]}}, "是本系统的本地账号"),
        ({"preferred_username": "zhao", "realm_access": "atlas"}, "没有本系统的角色"),
    ],
)
def test_claims_that_do_not_fit_open_nothing(folder, issuer, claims, words):
    configured(folder, issuer, MAPPED)
    issuer.claims = {"sub": "u-7", **claims}
    assert words in sentence(sign_in(client()))
    assert [user.username for user in accounts.users(desk.desk(folder).ledger)] == ["admin", "wang"]


def test_a_town_the_office_does_not_have_is_refused(issuer, tmp_path):
    settings = oidc.read_settings(
        {
            "issuer": issuer.address,
            "client_id": "x",
            "address": HERE,
            "role_claim": "r",
            "towns_claim": "t",
            "roles": {"c": "town_clerk"},
        }
    )
    claims = {"iss": issuer.address, "sub": "1", "preferred_username": "zhao", "r": "c", "t": ["没有的镇"]}
    with (
        open_ledger(tmp_path / "l.sqlite", create=True) as ledger,
        pytest.raises(PermissionError, match="没有这个乡镇"),
    ):
        identities.enter(ledger, settings, claims, known_towns=frozenset({"东山街道"}))


def test_identities_move_with_the_ledger(store, tmp_path):
    settings = oidc.read_settings({"issuer": "https://s.example", "client_id": "x", "address": HERE})
    claims = {"iss": "https://s.example", "sub": "1", "preferred_username": "li"}
    with open_ledger(store, create=True) as ledger, open_ledger(tmp_path / "b.sqlite", create=True) as copy:
        accounts.add_user(ledger, "li", name="李", role="leader", password=None, by="试")
        assert identities.enter(ledger, settings, claims).user.username == "li"
        with (tmp_path / "lines").open("w+", encoding="utf-8") as file:
            file.writelines(ledger.read(lambda t: list(dump.lines(t))))
            dump.load(copy, file)
        assert dump.digest(copy) == dump.digest(ledger)
        with pytest.raises(PermissionError, match="另一个人"):
            identities.enter(copy, settings, {**claims, "sub": "2"})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"client_secret": "x"}, "密钥不要写在文件里"),
        ({"issuer": "http://sso.example"}, "https://"),
        ({"issuer": "https://user:pw@sso.example"}, "https://"),
        ({"address": "atlas"}, "网址"),
        ({"client_id": ""}, "缺少 client_id"),
        ({"colour": "red"}, "不认识 colour"),
        ({"roles": {"a": "planner"}}, "role_claim"),
        ({"label": 3}, "文字"),
    ],
)
def test_a_mistake_in_the_settings_is_named(folder, table, words):
    base = {"issuer": "https://sso.example", "client_id": "x", "address": HERE}
    with pytest.raises(StoreError, match=words):
        oidc.read_settings({**base, **table})


def test_the_office_file_is_checked_when_it_is_opened(folder):
    file = folder / "office.toml"
    file.write_text(file.read_text("utf-8") + 'client_secret = "x"\n', "utf-8")
    with pytest.raises(StoreError, match="密钥"):
        open_office(folder)


def test_an_administrator_needs_a_password(folder):
    with open_office(folder) as office, pytest.raises(InputError, match="管理员要有本系统的密码"):
        accounts.add_user(office.ledger, "second", name="x", role="administrator", password=None, by="试")


def test_the_fake_issuer_is_a_real_one(issuer):
    with urlopen(f"{issuer.address}/.well-known/openid-configuration", timeout=5) as answer:
        assert json.loads(answer.read())["issuer"] == issuer.address
