"""Signing in by the office's own identity provider: the way out, the way back, and what the browser keeps meanwhile.

What must come back (state, nonce, verifier) lies in a signed cookie that lives ten minutes and is readable by no script. It is
`lax`, because the provider is another site; the session cookie stays `strict`, so the way back ends on a small page of
ours that leads on.
"""

import functools
import html
import logging
import secrets
from dataclasses import astuple
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from geo.errors import AccessError, AppError
from tracker import identities, sessions
from tracker.oidc import CALLBACK, Attempt
from views import signin
from views.desk import desk, provider

COOKIE = "qiyou_oidc"
LIFETIME_S = 600
LOG = logging.getLogger("qiyou")


def routes() -> list[BaseRoute]:
    """List the routes of the way out and the way back."""
    return [Route(signin.OIDC_START, _start), Route(CALLBACK, _callback)]


@functools.cache
def _sealer() -> URLSafeTimedSerializer:
    """Sign what the browser keeps, with a key of this run of the program."""
    return URLSafeTimedSerializer(secrets.token_bytes(32), salt="oidc")


async def _start(request: Request) -> Response:
    try:
        return await run_in_threadpool(_leave, request)
    except AppError as error:
        return signin.form("/", str(error), 503)


async def _callback(request: Request) -> Response:
    try:
        answer = await run_in_threadpool(_return, request)
    except AccessError as error:
        answer = signin.form("/", str(error), 403)
    except AppError as error:
        answer = signin.form("/", str(error), 503)
    answer.delete_cookie(COOKIE, path="/oidc", httponly=True, samesite="lax")
    return answer


def _leave(request: Request) -> Response:
    folder = signin.office_with_users()
    held = provider(folder) if folder else None
    if held is None:
        return RedirectResponse("/login", status_code=303)
    to = request.query_params.get("to", "/")
    address, attempt = held.begin(to if signin.is_page(to) else "/")
    answer = RedirectResponse(address, status_code=303, headers={"cache-control": "no-store"})
    answer.set_cookie(
        COOKIE, _sealer().dumps(astuple(attempt)), max_age=LIFETIME_S, path="/oidc", httponly=True, samesite="lax",
        secure=held.settings.address.startswith("https"),
    )  # fmt: skip
    return answer


def _return(request: Request) -> Response:
    folder = signin.office_with_users()
    held = provider(folder) if folder else None
    if folder is None or held is None:
        return RedirectResponse("/login", status_code=303)
    attempt = _attempt(request)
    told = request.query_params
    if told.get("error"):
        LOG.warning("统一身份认证没有放行：%s", "".join(c for c in told["error"][:60] if c.isalnum() or c == "_"))
        raise AccessError(f"您没有在{held.settings.label}完成登录。请重新登录。")
    claims = held.finish(attempt, state=told.get("state", ""), code=told.get("code", ""))
    office = desk(folder)
    client = request.client.host if request.client else ""
    begun = identities.enter(office.ledger, held.settings, claims, known_towns=_towns(folder), client=client)
    if old := signin.token_of(request.scope):
        sessions.sign_out(office.ledger, old)
    answer = _onward(attempt.to)
    signin.give_session(answer, begun, secure=held.settings.address.startswith("https"))
    return answer


def _attempt(request: Request) -> Attempt:
    try:
        return Attempt(*_sealer().loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME_S))
    except BadData as error:
        raise AccessError("登录已过期，或不是从这个浏览器开始的。请从登录页重新开始。") from error


def _towns(folder: Path) -> frozenset[str] | None:
    """Return the towns the office has, None before it has any: then nothing can be held against a claim."""
    frame = desk(folder).frames().get("towns")
    return None if frame is None or frame.empty else frozenset(str(name) for name in frame["name"])


def _onward(to: str) -> Response:
    """Lead on from a page of our own, so that the browser sends the strict cookie."""
    place = html.escape(to, quote=True)
    text = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={place}"><title>登录 · 七有图</title><p>已登录，正在打开。<a href="{place}">没有自动打开请点这里</a></p></html>'
    return HTMLResponse(text, headers={"cache-control": "no-store"})
