"""The app as one ASGI program: Streamlit, and beside it tiles, values and assets, all behind one gate."""

import base64
import contextlib
import functools
import gzip
import hashlib
import ipaddress
import logging
import os
import re
import secrets
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo.errors import AccessError, AppError, InputError
from views import assets, basemap, oidc, signin, warm
from views.audit import log_refusal
from views.desk import desk, has_accounts, served
from views.handed import Handed
from views.quota import LARGEST_UPLOAD, Quota, is_full, patient
from views.tilestore import Identity, pack, store

Authorise = Callable[[Scope], Identity | None]
LOG = logging.getLogger("qiyou")
ENTRY = Path(__file__).resolve().parent / "start" / "script.py"
OPEN_PATHS = frozenset({"/_stcore/health", "/login", "/logout", "/oidc/start", "/oidc/callback"})
FOREVER = "private, max-age=31536000, immutable"
LAPTOP = Identity("本机")
_TRUSTED_HEADER = b"x-app-user"
_STRIPPED = (_TRUSTED_HEADER, b"forwarded")
_UPLOADS = "/_stcore/upload_file/"


class Gate:
    """Stands before every route and the WebSocket: who may not enter gets nothing, and every answer is hardened."""

    def __init__(self, app: ASGIApp, authorise: Authorise) -> None:
        self.app = app
        self.authorise = authorise
        self.handed = Handed()
        self.quota = Quota()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        try:
            identity = await run_in_threadpool(self.authorise, scope)
        except AppError as error:  # the ledger cannot be read: nobody is let in on a guess
            await _refuse(scope, receive, send, message=str(error), status=503)
            return
        if identity is None and scope["path"] not in OPEN_PATHS:
            await _refuse(scope, receive, send)
            return
        if scope["type"] == "websocket":
            receive = functools.partial(self._receive_while_in, scope, identity, receive, send)
        scope = {**scope, "headers": _trusted(scope["headers"], identity)}
        scope["state"] = {**scope.get("state", {}), "identity": identity}
        await self._admit(scope, identity, receive, send)

    async def _admit(self, scope: Scope, identity: Identity | None, receive: Receive, send: Send) -> None:
        """Refuse what was handed to somebody else, and more than one person may hold open."""
        if identity is None:
            await self._serve(scope, None, receive, send)
            return
        if not self.handed.allows(identity, scope["path"]):
            await _refuse(scope, receive, send, message="没有这项内容。", status=404)
            return
        is_upload = scope["type"] == "http" and scope["path"].startswith(_UPLOADS) and scope["method"] != "DELETE"
        kind = "page" if scope["type"] == "websocket" else "upload" if is_upload else ""
        if not kind:
            await self._serve(scope, identity, receive, send)
            return
        with self.quota.one_more(kind, identity.user) as is_free:
            if not is_free:
                await _refuse(scope, receive, send, message="同时打开的页面或上传太多，请关掉一些再试。", status=429)
            elif is_upload and is_full(_declared(scope)):
                await _refuse(scope, receive, send, message="服务器内存里的上传文件太多，请稍后再试。", status=413)
            else:
                await self._serve(scope, identity, receive, send)

    async def _serve(self, scope: Scope, identity: Identity | None, receive: Receive, send: Send) -> None:
        """Pass a request on; a fault is answered with its number, and nothing of the data stands in the log."""
        is_begun = False

        async def answer(message: Message) -> None:
            nonlocal is_begun
            is_begun = is_begun or message["type"] == "http.response.start"
            if message["type"] == "websocket.send" and identity is not None and message.get("bytes"):
                self.handed.note(identity, message["bytes"])
            await _send_hardened(send, message)

        try:
            await self.app(scope, patient(receive) if scope["type"] == "http" else receive, answer)
        except ClientDisconnect:
            LOG.info("对方已断开：%s", scope["path"])
        except Exception as error:  # noqa: BLE001 - told under a number: its text may hold data
            number = log_fault(error)
            if scope["type"] == "http" and not is_begun:
                await _refuse(
                    scope, receive, send, message=f"程序出了故障（编号 {number}），请告诉管理员。", status=500
                )

    async def _receive_while_in(self, scope: Scope, identity: Identity | None, receive: Receive, send: Send) -> Message:
        """Pass a message on while its sender is still who was let in; else close, also for a page left open."""
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        try:
            is_same = await run_in_threadpool(self.authorise, scope) == identity
        except AppError:
            is_same = False
        if is_same:
            return message
        await send({"type": "websocket.close", "code": 1008})
        return {"type": "websocket.disconnect", "code": 1008}


def _declared(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 16 else LARGEST_UPLOAD


async def _refuse(scope: Scope, receive: Receive, send: Send, *, message: str = "", status: int = 401) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    text = message or "没有权限：请在本机打开，或先登录。"
    answer = Response(text, status_code=status, media_type="text/plain; charset=utf-8")
    if not message and await run_in_threadpool(signin.is_asked_to_sign_in, scope):
        answer = RedirectResponse(signin.form_address(scope), status_code=303, headers={"cache-control": "no-store"})
    await answer(scope, receive, functools.partial(_send_hardened, send))


async def _send_hardened(send: Send, message: Message) -> None:
    if message["type"] in {"http.response.start", "websocket.http.response.start"}:
        headers = MutableHeaders(scope=message)
        for name, value in security_headers().items():
            headers[name] = value
    await send(message)


def _trusted(headers: list[tuple[bytes, bytes]], identity: Identity | None) -> list[tuple[bytes, bytes]]:
    """Drop what only a gate may say, then say it."""
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in _STRIPPED and not name.lower().startswith(b"x-forwarded-")
    ]
    if identity is not None:
        kept.append((_TRUSTED_HEADER, quote(identity.user).encode()))
    return kept


@functools.cache
def security_headers() -> Mapping[str, str]:
    """Return the headers of every answer.

    Streamlit styles its page inline and runs component scripts from blobs, so the policy allows inline styles and
    blob modules; inline scripts only those of its own start page, by hash. Nothing outside this server is reachable.
    """
    page = Path(st.__file__).parent / "static" / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in inline)
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {hashes}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'self' blob: data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }


def laptop_only(scope: Scope) -> Identity | None:
    """Let in whoever sits at this machine: a loopback peer that asked for a loopback host.

    The host is checked too, so that a page elsewhere cannot reach in under a name of its own (DNS rebinding).
    """
    peer = scope.get("client")
    host = Headers(scope=scope).get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if peer is None or not _is_loopback(peer[0]) or not (name == "localhost" or _is_loopback(name.strip("[]"))):
        return None
    return LAPTOP


def known_person(scope: Scope) -> Identity | None:
    """Let in whoever has signed in; while the office has no users, whoever sits at this machine."""
    folder = served()
    if folder is not None and has_accounts(folder):
        return signin.session_identity(scope, folder)
    return laptop_only(scope)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def create_app(
    office_path: str | Path | None, *, script: str | Path = ENTRY, authorise: Authorise = known_person
) -> st.App:
    """Make the app for one office.

    Parameters
    ----------
    office_path
        The office folder; passed to the pages as the environment variable QIYOU_OFFICE. None keeps what is set.
    script
        The Streamlit script.
    authorise
        Tells who asks from the ASGI scope; None refuses. By default who has signed in, or without users this machine.

    Examples
    --------
    >>> app = create_app(None)
    >>> type(app).__name__
    'App'

    """
    return st.App(script, **app_options(office_path, authorise=authorise, has_pages=script == ENTRY))


def app_options(
    office_path: str | Path | None, *, authorise: Authorise = known_person, has_pages: bool = True
) -> dict[str, Any]:
    """Return what `st.App` needs besides the script: routes, the gate and what to warm at start (`has_pages`: our pages).

    `streamlit run app.py` only sees an app written as ``st.App(...)`` in that file; it is given these.
    """
    if office_path is not None:
        os.environ["QIYOU_OFFICE"] = str(Path(office_path).resolve())
    gate = Middleware(Gate, authorise=authorise)
    return {"routes": routes(), "middleware": [gate], "lifespan": _warmed(has_pages), "on_script_error": explain_fault}


def explain_fault(error: Exception) -> bool:
    """Tell the person that the program failed, under a number that stands in the log; never what data were at hand.

    Deliberate errors never come here: the pages show their sentence. Returns True, so that Streamlit adds nothing.
    """
    number = log_fault(error)
    st.error(
        f"程序出了故障（编号 {number}），数据没有受影响。请刷新页面再试；还不行，把编号告诉管理员，日志里查得到。",
        icon=":material/bug_report:",
    )
    return True


def log_fault(error: Exception) -> str:
    """Write a fault down under a number: its kind and where it happened, never its text, which may hold data."""
    number = secrets.token_hex(3)
    places = "".join(traceback.format_tb(error.__traceback__))
    LOG.error("故障 %s：%s\n%s", number, type(error).__name__, places)
    return number


def serve(office_path: str | Path, *, host: str = "127.0.0.1", port: int = 8501) -> None:
    """Serve one office until stopped.

    Raises
    ------
    InputError
        If the address is not this machine's own: others are let in only through accounts.

    """
    is_own = host == "localhost" or _is_loopback(host)
    if not is_own and not has_accounts(Path(office_path)):
        raise InputError(f"还没有设置用户，不能在 {host} 上对外服务。请用 127.0.0.1，或先建立用户。")
    config: dict[str, Any] = {"server.address": host, "server.port": port}
    if not is_own:
        config["server.allowedHosts"] = ["*"]  # a foreign name has no session: the cookie is bound to the host
    create_app(office_path).run(config=config)


def _warmed(has_pages: bool) -> Callable[[Any], contextlib.AbstractAsyncContextManager[dict[str, Any]]]:
    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
        warm.begin(has_pages=has_pages)
        yield {}

    return lifespan


def routes() -> list[BaseRoute]:
    """List the routes beside Streamlit's own."""
    return [
        *signin.routes(),
        *oidc.routes(),
        Route("/overview", answered(_overview)),
        Route("/atlas/assets/{digest}/{name:path}", answered(_asset)),
        Route("/atlas/tiles/{digest}/{z}/{x}/{y}.mvt", answered(_tile)),
        Route("/atlas/hillshade/{digest}/{z}/{x}/{y}.png", answered(_relief)),
        Route("/atlas/surface/{digest}/{z}/{x}/{y}.png", answered(_surface)),
        Route("/atlas/values/{digest}.bin", answered(_values)),
        Route("/atlas/values/{digest}.json", answered(_labels)),
        Route("/atlas/map/{digest}.json", answered(_map)),
        Route("/atlas/map/{digest}.js", answered(_map_script)),
        Route("/atlas/download/{token}", answered(_download)),
        basemap.route(),
    ]


def answered(make: Callable[[Request, Identity], Response]) -> Callable[[Request], Any]:
    """Run a handler in a thread and turn what can go wrong into plain answers without a word of detail."""

    async def endpoint(request: Request) -> Response:
        identity = request.scope.get("state", {}).get("identity")
        if identity is None:
            return Response("没有权限。", status_code=401)
        try:
            return await run_in_threadpool(make, request, identity)
        except KeyError:
            return Response("没有这项内容。", status_code=404)
        except AccessError:
            folder = served()
            if folder is not None:
                await run_in_threadpool(lambda: log_refusal(desk(folder), identity.user, request.url.path))
            return Response("您的角色不能查看这项内容。", status_code=403)
        except InputError:
            return Response("地址不对。", status_code=400)

    return endpoint


def _kept(content: bytes | None, media_type: str, *, packed: bool = False, request: Request | None = None) -> Response:
    """Answer with content that never changes under its address."""
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    if content is None:
        return Response(status_code=204, headers=headers)
    if packed and request is not None:
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
    return Response(content, media_type=media_type, headers=headers)


def _overview(request: Request, _: Identity) -> Response:
    query = request.url.query  # the first page stands at the root, whatever its name
    return RedirectResponse(f"/?{query}" if query else "/")


def _asset(request: Request, _: Identity) -> Response:
    held = assets.load()
    if request.path_params["digest"] != held.digest:
        raise KeyError("digest")
    asset = held.files[request.path_params["name"]]
    media_type = asset.media_type + ("; charset=utf-8" if asset.media_type.startswith("text/") else "")
    return _kept(asset.compressed, media_type, packed=True, request=request)


def _address(request: Request) -> tuple[int, int, int]:
    texts = [request.path_params[name] for name in ("z", "x", "y")]
    if not all(re.fullmatch(r"\d{1,8}", text, flags=re.ASCII) for text in texts):
        raise InputError("地址不对。")
    z, x, y = map(int, texts)
    return z, x, y


def _tile(request: Request, identity: Identity) -> Response:
    content = store().tile(request.path_params["digest"], *_address(request), identity)
    return _kept(content, "application/vnd.mapbox-vector-tile", packed=True, request=request)


def _relief(request: Request, identity: Identity) -> Response:
    return _kept(store().relief(request.path_params["digest"], *_address(request), identity), "image/png")


def _surface(request: Request, identity: Identity) -> Response:
    return _kept(store().surface(request.path_params["digest"], *_address(request), identity), "image/png")


def _values(request: Request, identity: Identity) -> Response:
    return _kept(pack(store().column(request.path_params["digest"], identity)), "application/octet-stream")


def _labels(request: Request, identity: Identity) -> Response:
    content = store().labels(request.path_params["digest"], identity)
    return _kept(content, "application/json", packed=True, request=request)


def _definition(request: Request) -> Mapping[str, Any]:
    kept = store().maps.get(request.path_params["digest"])
    if kept is None:
        raise KeyError("map")
    return kept.item


def _map(request: Request, _: Identity) -> Response:
    public = {key: value for key, value in _definition(request).items() if key != "module"}
    return JSONResponse(public, headers={"cache-control": FOREVER})


def _map_script(request: Request, _: Identity) -> Response:
    return _kept(_definition(request)["module"].encode(), "text/javascript; charset=utf-8")


def _download(request: Request, identity: Identity) -> Response:
    token = request.path_params["token"]
    entry = store().downloads.get(token)
    if entry is None or entry.item.expires < time.monotonic():
        raise KeyError("download")
    if entry.item.user != identity.user:
        raise AccessError("不是您的文件。")
    if store().downloads.pop(token) is None:
        raise KeyError("download")
    name = quote(entry.item.file_name)
    return Response(
        entry.item.content,
        media_type=entry.item.media_type,
        headers={"cache-control": "no-store", "content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )
