"""Sign-in by the office's own identity provider: OpenID Connect, authorisation code with PKCE.

Only the issuer named in office.toml is ever asked, over TLS (plain http on loopback only), never through a proxy and never
where a redirect points. An ID token counts when the issuer's own key signed it for this program, for this sign-in, and
it has not expired (OpenID Connect Core 1.0, 3.1.3.7). The client secret comes from the environment, never from a file of
the office: it is in no backup, no log and not in the ledger.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from geo.errors import AccessError, StoreError

SECRET_VARIABLE = "QIYOU_OIDC_SECRET"  # noqa: S105 - the name of a variable, not a secret
CALLBACK = "/oidc/callback"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LARGEST_ANSWER = 1_000_000
_TIMEOUT_S = 8.0
_KEEP_S = 3600.0
_ASK_AGAIN_S = 20.0
_LEEWAY_S = 60
LOG = logging.getLogger("qiyou")


@dataclass(frozen=True)
class Settings:
    """The table [oidc] of office.toml. `roles` maps what the provider says to a role of ours; empty: the ledger says."""

    issuer: str
    client_id: str
    address: str
    label: str = "统一身份认证"
    scope: str = "openid profile"
    username_claim: str = "preferred_username"
    name_claim: str = "name"
    role_claim: str = ""
    sector_claim: str = ""
    towns_claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""

    @property
    def callback(self) -> str:
        """Return the address to which the provider sends people back; it must be registered there."""
        return self.address.rstrip("/") + CALLBACK


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way: what must come back unchanged. It lives in the browser's signed cookie."""

    state: str
    nonce: str
    verifier: str
    to: str


def read_settings(table: Mapping[str, Any] | None) -> Settings | None:
    """Return the settings of the table [oidc], None when the office has none. Raises StoreError naming the mistake.

    >>> read_settings(None) is None
    True
    >>> read_settings({"issuer": "https://sso.example", "client_id": "atlas", "address": "https://atlas.example"}).callback
    'https://atlas.example/oidc/callback'
    """
    if table is None:
        return None
    if "client_secret" in table or "secret" in table:
        raise StoreError(
            f"office.toml 的 [oidc]：密钥不要写在文件里，请放进环境变量 {SECRET_VARIABLE}，并在认证平台换一个新的密钥。"
        )
    unknown = sorted(set(table) - set(Settings.__dataclass_fields__))
    if unknown:
        raise StoreError(
            f"office.toml 的 [oidc] 不认识 {'、'.join(unknown)}。可用的有：{'、'.join(Settings.__dataclass_fields__)}。"
        )
    missing = [
        name for name in ("issuer", "client_id", "address") if not isinstance(table.get(name), str) or not table[name]
    ]
    if missing:
        raise StoreError(f"office.toml 的 [oidc] 缺少 {'、'.join(missing)}（写法见 docs/tracker.md）。")
    texts = {key: value for key, value in table.items() if key != "roles"}
    roles = table.get("roles", {})
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    if wrong or not isinstance(roles, dict) or not all(isinstance(value, str) for value in roles.values()):
        raise StoreError(f"office.toml 的 [oidc]：{'、'.join(wrong) or 'roles'} 要写成文字。")
    if roles and not texts.get("role_claim"):
        raise StoreError("office.toml 的 [oidc] 写了 roles，还要写 role_claim（认证平台用哪一项说明角色）。")
    made = Settings(**texts, roles=dict(roles))
    for name in ("issuer", "address"):
        _check_address(name, getattr(made, name))
    return made


def _check_address(name: str, text: str) -> None:
    parts = urlsplit(text)
    is_own = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    is_sound = bool(parts.hostname) and not parts.username and not parts.query and not parts.fragment
    if name == "issuer" and not (is_sound and (parts.scheme == "https" or (parts.scheme == "http" and is_own))):
        raise StoreError(
            f"office.toml 的 [oidc]：issuer 要是 https:// 开头的认证平台地址，现在是 {text}。用 http 别人可以冒充认证平台。"
        )
    if name == "address" and not (is_sound and parts.scheme in {"http", "https"}):
        raise StoreError(
            f"office.toml 的 [oidc]：address 要是大家打开本系统的网址，例如 https://atlas.xian.gov.cn，现在是 {text}。"
        )


class Provider:
    """The identity provider of an office, with what it published about itself kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None
        self._opener: urllib.request.OpenerDirector | None = None

    def begin(self, to: str) -> tuple[str, Attempt]:
        """Return where to send the browser, and what must come back."""
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), to)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": self.settings.callback,
            "scope": self.settings.scope, "state": attempt.state, "nonce": attempt.nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        address = self._endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", attempt

    def finish(self, attempt: Attempt, *, state: str, code: str) -> dict[str, Any]:
        """Exchange the code for an ID token and return its claims, checked. Raises AccessError with one sentence."""
        if not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise AccessError("这次登录和您浏览器里开始的那一次对不上，已拒绝。请从登录页重新开始。")
        answer = self._exchange(code, attempt.verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise AccessError(
                f"{self.settings.label}没有给出身份凭证（id_token），不能登录。请管理员检查平台上的应用设置。"
            )
        return self._claims(token, attempt.nonce)

    def sign_out_address(self) -> str | None:
        """Return where one ends the session at the provider too, if it said so; nobody is asked for it."""
        about = self._about[1] if self._about else {}
        address = about.get("end_session_endpoint")
        if not isinstance(address, str) or not self._is_own(address):
            return None
        query = {
            "client_id": self.settings.client_id,
            "post_logout_redirect_uri": self.settings.address.rstrip("/") + "/login",
        }
        return f"{address}?{urlencode(query)}"

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        settings = self.settings
        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") not in ALGORITHMS:
                raise AccessError(
                    f"{settings.label}给的身份凭证没有可靠的签名（{str(head.get('alg'))[:20]}），已拒绝。请管理员把签名算法改为 RS256。"
                )
            claims: dict[str, Any] = jwt.decode(
                token, self._key(head), algorithms=list(ALGORITHMS), audience=settings.client_id, issuer=settings.issuer,
                leeway=_LEEWAY_S, options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError as error:
            raise AccessError("登录凭证已过期。请重新登录；总是这样时，请核对这台服务器的时钟。") from error
        except jwt.InvalidAudienceError as error:
            raise AccessError("登录凭证是发给别的系统的，已拒绝。请管理员核对 client_id。") from error
        except jwt.InvalidIssuerError as error:
            raise AccessError("登录凭证不是本单位认证平台签发的，已拒绝。请管理员核对 issuer。") from error
        except jwt.ImmatureSignatureError as error:
            raise AccessError("登录凭证的时间在以后，已拒绝。请核对这台服务器和认证平台的时钟。") from error
        except jwt.PyJWTError as error:
            raise AccessError("登录凭证的签名或内容不对，已拒绝。请重新登录；还不行请找管理员。") from error
        listed = claims["aud"]
        is_other = isinstance(listed, list) and len(listed) > 1 and claims.get("azp") != settings.client_id
        if is_other or claims.get("azp", settings.client_id) != settings.client_id:
            raise AccessError("登录凭证是发给别的系统的，已拒绝。请管理员核对 client_id。")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise AccessError("登录凭证不是这一次登录的（nonce 不符），已拒绝。请从登录页重新开始。")
        return claims

    def _key(self, head: Mapping[str, Any]) -> Any:
        """Return the issuer's key that a token names; a key not known yet is asked for once more (keys rotate)."""
        for is_again in (False, True):
            fitting = [
                key for key in self._published_keys(is_again=is_again)
                if key.get("use", "sig") == "sig" and key.get("kty") in {"RSA", "EC"} and key.get("alg", head["alg"]) == head["alg"]
                and (head.get("kid") is None or key.get("kid") == head["kid"])
            ]  # fmt: skip
            if len(fitting) == 1 or (fitting and head.get("kid") is not None):
                return jwt.PyJWK.from_dict(fitting[0], algorithm=head["alg"]).key
        raise AccessError("登录凭证用的签名密钥不在认证平台公布的密钥里，已拒绝。请稍后重试；还不行请找管理员。")

    def _published_keys(self, *, is_again: bool) -> list[dict[str, Any]]:
        with self._lock:
            kept = self._keys
        age = time.monotonic() - kept[0] if kept else _KEEP_S
        if kept and age < (_ASK_AGAIN_S if is_again else _KEEP_S):
            return kept[1]
        content = self._fetch(self._endpoint("jwks_uri"))
        keys = [key for key in content.get("keys", []) if isinstance(key, dict)]
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.settings.callback, "code_verifier": verifier,
        }  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        secret = os.environ.get(SECRET_VARIABLE, "")
        ways = self._description().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in ways:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.settings.client_id, **({"client_secret": secret} if secret else {})}
        return self._fetch(self._endpoint("token_endpoint"), data=urlencode(form).encode(), headers=headers)

    def _endpoint(self, name: str) -> str:
        address = self._description().get(name)
        if not isinstance(address, str) or not self._is_own(address):
            raise StoreError(
                f"{self.settings.label}公布的 {name} 不在 {self.settings.issuer} 上，已拒绝使用。请管理员核对 issuer。"
            )
        return address

    def _is_own(self, address: str) -> bool:
        ours, theirs = urlsplit(self.settings.issuer), urlsplit(address)
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)

    def _description(self) -> dict[str, Any]:
        with self._lock:
            kept = self._about
        if kept and time.monotonic() - kept[0] < _KEEP_S:
            return kept[1]
        about = self._fetch(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if about.get("issuer") != self.settings.issuer:
            raise StoreError(
                f"{self.settings.label}自称是 {str(about.get('issuer'))[:200]}，与 office.toml 里的 issuer 不符（要逐字相同，包括末尾的斜杠），已拒绝。"
            )
        with self._lock:
            self._about = (time.monotonic(), about)
        return about

    def _fetch(
        self, address: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(address, data=data, headers=dict(headers or {"accept": "application/json"}))  # noqa: S310 - scheme and host are the issuer's
        try:
            with self._door().open(request, timeout=_TIMEOUT_S) as answer:
                body = answer.read(LARGEST_ANSWER + 1)
            content = json.loads(body) if len(body) <= LARGEST_ANSWER else None
        except urllib.error.HTTPError as error:
            with error:
                fault = _fault(error.read(4096))
            LOG.warning("统一身份认证 %s 回答 %s %s", urlsplit(address).path, error.code, fault)
            if data is not None and 400 <= error.code < 500:
                raise AccessError(
                    f"{self.settings.label}没有接受这次登录（{fault or error.code}）。请重新登录；还不行请管理员核对 client_id、密钥和回调地址。"
                ) from error
            raise self._out_of_reach(f"回答 {error.code}") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            is_certificate = isinstance(reason, ssl.SSLError)
            raise self._out_of_reach(
                "证书不受信任，见 docs/tracker.md 的 ca_file" if is_certificate else "没有回答"
            ) from error
        if not isinstance(content, dict):
            raise self._out_of_reach("回答读不懂")
        return content

    def _door(self) -> urllib.request.OpenerDirector:
        """Return what opens addresses: this issuer's certificates, no proxy, no redirect."""
        if self._opener is None:
            try:
                context = ssl.create_default_context(cafile=self.settings.ca_file or None)
            except OSError as error:
                raise StoreError(
                    f"office.toml 的 [oidc]：打不开证书文件 {self.settings.ca_file}。请核对 ca_file。"
                ) from error
            self._opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), _NoRedirect(), urllib.request.HTTPSHandler(context=context)
            )
        return self._opener

    def _out_of_reach(self, why: str) -> StoreError:
        return StoreError(
            f"{self.settings.label}（{urlsplit(self.settings.issuer).netloc}）暂时用不了：{why}。请稍后再试，或用本系统的用户名和密码登录；还不行请找管理员。"
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow nothing: a redirect would lead away from the issuer."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return None, which makes the redirect an error."""
        return


def _fault(body: bytes) -> str:
    """Return the error code of an OAuth answer, nothing else of it: a description may hold what was sent."""
    try:
        text = json.loads(body).get("error", "")
    except (ValueError, AttributeError):
        return ""
    return text if isinstance(text, str) and re.fullmatch(r"[a-z_]{1,40}", text) else ""
