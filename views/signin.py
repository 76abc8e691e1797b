"""Signing in and out, who a request comes from, and who looks at a page.

As soon as the office has users, everybody signs in – on this machine too. Until then only this machine is let in.
"""

import html
import re
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from geo.errors import AccessError, AppError
from tracker import sessions
from tracker.accounts import RIGHTS, User, users
from tracker.office import Office
from views.desk import desk, has_accounts, provider, served
from views.tilestore import Identity

COOKIE = "qiyou_session"
OIDC_START = "/oidc/start"
LAPTOP_USER = "本机"
PAGE = Path(__file__).with_name("login.html")
_LONGEST_FORM = 4096


class Owner(User):
    """Who sits at a laptop without accounts: may do everything, everywhere."""

    def may(self, right: str, *, town: str | None = None, sector: str | None = None) -> bool:
        """Return True."""
        del right, town, sector
        return True


OWNER = Owner(LAPTOP_USER, "本机用户", "owner")
NOBODY = User("", "未登录", "", is_active=False)


def grants(user: User) -> frozenset[str]:
    """List the audiences a person belongs to: single households of the county, or of the person's towns only.

    >>> sorted(grants(User("li", "李", "town_clerk", towns=("东山街道",))))
    ['households:东山街道']
    """
    if "households" not in RIGHTS.get(user.role, frozenset()):
        return frozenset()
    return frozenset(f"households:{town}" for town in user.towns) or frozenset({"households"})


def audience(user: User) -> frozenset[str]:
    """Name who may fetch what is registered for this person's view of households (see `grants`)."""
    return frozenset({"households"}) if isinstance(user, Owner) else (grants(user) or frozenset({"households"}))


def session_identity(scope: Scope, folder: Path) -> Identity | None:
    """Tell who a request comes from by its session cookie; None when nobody is signed in."""
    token = token_of(scope)
    user = sessions.session_user(desk(folder).ledger, token) if token else None
    return None if user is None else Identity(user.username, grants(user))


def current_user(office: Office) -> User:
    """Return who looks at the page, as the gate passed it on; the owner on a laptop without accounts.

    The gate has checked the session at every message, so that a changed role or a closed account ends the page.
    """
    name = unquote(st.context.headers.get("X-App-User") or "")
    if not has_accounts(office.path):
        return OWNER
    found = {user.username: user for user in users(office.ledger) if user.is_active}
    return found.get(name, NOBODY)


def is_asked_to_sign_in(scope: Scope) -> bool:
    """Tell whether a refused request is a person opening a page, who is then sent to the form."""
    if scope["type"] != "http" or scope["method"] != "GET" or not has_accounts(served()):
        return False
    is_page = "text/html" in Headers(scope=scope).get("accept", "")
    return is_page and not scope["path"].startswith(("/_stcore", "/media", "/atlas", "/static", "/app"))


def form_address(scope: Scope) -> str:
    """Give the address of the form that leads back to the page asked for."""
    page = scope["path"]
    return f"/login?to={page}" if is_page(page) and page != "/" else "/login"


def routes() -> list[BaseRoute]:
    """List the routes for signing in and out."""
    return [Route("/login", _login, methods=["GET", "POST"]), Route("/logout", _logout, methods=["GET", "POST"])]


async def _login(request: Request) -> Response:
    try:
        folder = await run_in_threadpool(office_with_users)
    except AppError as error:
        return form("/", str(error), 503)
    if folder is None:
        return RedirectResponse("/", status_code=303)
    to = request.query_params.get("to", "/")
    if request.method == "GET":
        return form(to, "")
    if not _is_own_form(request):
        return PlainTextResponse("登录请求来自别的网站，已拒绝。", status_code=403)
    fields = await _fields(request)
    if fields is None:
        return PlainTextResponse("登录表单过大，已拒绝。", status_code=413)
    try:
        return await run_in_threadpool(_enter, request, folder, fields)
    except AccessError as error:
        return form(fields.get("to", "/"), str(error), 403)
    except AppError as error:
        return form(fields.get("to", "/"), str(error), 503)


def _enter(request: Request, folder: Path, fields: dict[str, str]) -> Response:
    """Begin a session under a new id, end the one the browser had, and open the page asked for."""
    ledger = desk(folder).ledger
    client = request.client.host if request.client else ""
    begun = sessions.sign_in(ledger, fields.get("username", ""), fields.get("password", ""), client=client)
    old = token_of(request.scope)
    if old:
        sessions.sign_out(ledger, old)
    to = fields.get("to", "/")
    answer = RedirectResponse(to if is_page(to) else "/", status_code=303)
    give_session(answer, begun, secure=request.url.scheme == "https")
    return answer


def give_session(answer: Response, begun: sessions.Session, *, secure: bool) -> None:
    """Put the session into the browser: readable by no script, sent from our own pages only."""
    answer.set_cookie(COOKIE, begun.token, httponly=True, samesite="strict", path="/", secure=secure)
    answer.headers["cache-control"] = "no-store"


async def _logout(request: Request) -> Response:
    token = token_of(request.scope)
    folder = served()
    onward = None
    if token and folder is not None:
        is_from_provider = await run_in_threadpool(sessions.sign_out, desk(folder).ledger, token)
        held = provider(folder) if is_from_provider else None
        onward = held.sign_out_address() if held else None
    answer = RedirectResponse(onward or "/login", status_code=303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def office_with_users() -> Path | None:
    """Return the folder of the office that is served, None before anybody can sign in to it."""
    folder = served()
    return folder if has_accounts(folder) else None


def form(to: str, message: str, status: int = 200) -> HTMLResponse:
    """Write the form; texts are escaped, and it works without a script."""
    folder = served()
    page = PAGE.read_text(encoding="utf-8")
    alert = f'<p class="wrong" role="alert">{html.escape(message)}</p>' if message else ""
    is_open = folder is not None and _is_openable(folder)
    name = html.escape(desk(folder).name) if folder is not None and is_open else ""
    filled = page.replace("{{office}}", name).replace("{{alert}}", alert)
    filled = filled.replace("{{other}}", _other_way(folder if is_open else None, to))
    filled = filled.replace("{{to}}", html.escape(to if is_page(to) else "/", quote=True))
    return HTMLResponse(filled, status_code=status, headers={"cache-control": "no-store"})


def _is_openable(folder: Path) -> bool:
    try:
        desk(folder)
    except AppError:
        return False
    return True


def _other_way(folder: Path | None, to: str) -> str:
    """Write the button that leads to the office's identity provider, nothing when there is none."""
    held = provider(folder) if folder is not None else None
    if held is None:
        return ""
    place = html.escape(to if is_page(to) else "/", quote=True)
    return (
        f'<a class="other" href="{OIDC_START}?to={place}">用{html.escape(held.settings.label)}登录</a>'
        '<p class="or">或用本系统的用户名和密码</p>'
    )


def _is_own_form(request: Request) -> bool:
    """Tell whether a form was sent from our own page: a browser always says where a form comes from."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _fields(request: Request) -> dict[str, str] | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            return None
    try:
        return {key: values[0] for key, values in parse_qs(body.decode("utf-8"), keep_blank_values=True).items()}
    except (UnicodeDecodeError, ValueError):
        return {}


def is_page(path: str) -> bool:
    """Tell whether a path is one of our pages: nobody is led elsewhere after signing in."""
    return re.fullmatch(r"/[a-z_]{0,40}", path, flags=re.ASCII) is not None


def token_of(scope: Scope) -> str:
    """Return the session id a browser sent, "" when it sent none."""
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(COOKIE)
    return found.value if found is not None else ""
