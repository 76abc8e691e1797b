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
from views.desk import desk, has_accounts, served
from views.tilestore import Identity

COOKIE = "qiyou_session"
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
    token = _token(scope)
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
    return f"/login?to={page}" if _is_page(page) and page != "/" else "/login"


def routes() -> list[BaseRoute]:
    """List the routes for signing in and out."""
    return [Route("/login", _login, methods=["GET", "POST"]), Route("/logout", _logout, methods=["GET", "POST"])]


async def _login(request: Request) -> Response:
    try:
        folder = await run_in_threadpool(_office_with_users)
    except AppError as error:
        return _form("/", str(error), 503)
    if folder is None:
        return RedirectResponse("/", status_code=303)
    to = request.query_params.get("to", "/")
    if request.method == "GET":
        return _form(to, "")
    if not _is_own_form(request):
        return PlainTextResponse("登录请求来自别的网站，已拒绝。", status_code=403)
    fields = await _fields(request)
    if fields is None:
        return PlainTextResponse("登录表单过大，已拒绝。", status_code=413)
    try:
        return await run_in_threadpool(_enter, request, folder, fields)
    except AccessError as error:
        return _form(fields.get("to", "/"), str(error), 403)
    except AppError as error:
        return _form(fields.get("to", "/"), str(error), 503)


def _enter(request: Request, folder: Path, fields: dict[str, str]) -> Response:
    """Begin a session under a new id, end the one the browser had, and open the page asked for."""
    ledger = desk(folder).ledger
    client = request.client.host if request.client else ""
    begun = sessions.sign_in(ledger, fields.get("username", ""), fields.get("password", ""), client=client)
    old = _token(request.scope)
    if old:
        sessions.sign_out(ledger, old)
    to = fields.get("to", "/")
    answer = RedirectResponse(to if _is_page(to) else "/", status_code=303)
    answer.set_cookie(
        COOKIE, begun.token, httponly=True, samesite="strict", path="/", secure=request.url.scheme == "https"
    )
    answer.headers["cache-control"] = "no-store"
    return answer


async def _logout(request: Request) -> Response:
    token = _token(request.scope)
    folder = served()
    if token and folder is not None:
        await run_in_threadpool(lambda: sessions.sign_out(desk(folder).ledger, token))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def _office_with_users() -> Path | None:
    folder = served()
    return folder if has_accounts(folder) else None


def _form(to: str, message: str, status: int = 200) -> HTMLResponse:
    """Write the form; texts are escaped, and it works without a script."""
    folder = served()
    page = PAGE.read_text(encoding="utf-8")
    alert = f'<p class="wrong" role="alert">{html.escape(message)}</p>' if message else ""
    name = html.escape(desk(folder).name) if folder is not None and status != 503 else ""
    filled = page.replace("{{office}}", name).replace("{{alert}}", alert)
    filled = filled.replace("{{to}}", html.escape(to if _is_page(to) else "/", quote=True))
    return HTMLResponse(filled, status_code=status, headers={"cache-control": "no-store"})


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


def _is_page(path: str) -> bool:
    return re.fullmatch(r"/[a-z_]{0,40}", path, flags=re.ASCII) is not None


def _token(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(COOKIE)
    return found.value if found is not None else ""
