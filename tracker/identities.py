"""Who an identity from the office's provider is here: one issuer and subject, one account, for good.

Without a role mapping in office.toml the administrator opens the account and the ledger says what it may do. With one,
the provider's claims make and keep the account. A name alone never opens an administrator's account, and an account that
belongs to one identity is never given to another.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from geo.errors import AccessError, InputError
from tracker import accounts, events, sessions
from tracker.accounts import ROLE_LABELS, SECTORS, User, known_user, note
from tracker.ledger import Ledger, Transaction
from tracker.oidc import Settings
from tracker.sessions import Session

_ASK = "请找管理员开通。"


def enter(
    ledger: Ledger,
    settings: Settings,
    claims: Mapping[str, Any],
    *,
    known_towns: frozenset[str] | None = None,
    client: str = "",
    now: datetime | None = None,
) -> Session:
    """Begin a session for a person the provider vouches for, under a new id.

    `claims` are those of a checked ID token. `known_towns` are the towns the office has; a claim that names another is
    refused. Raises AccessError, saying what the administrator has to do, for a person without a place here.
    """
    moment = now or datetime.now(UTC)
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    said = claims.get(settings.username_claim)
    if not isinstance(said, str) or not said.strip():
        raise AccessError(
            f"{settings.label}没有说明您的用户名（{settings.username_claim}），不能登录。请管理员在平台上给本应用加上这一项。"
        )
    try:
        login = accounts.plain_login(said)
    except InputError as error:
        raise AccessError(f"{settings.label}给的用户名不合用：{error}") from error
    shown = claims.get(settings.name_claim)
    name = shown.strip()[:40] if isinstance(shown, str) and shown.strip() else login
    wanted = _wanted(settings, claims, login, name, known_towns) if settings.role_claim else None
    token = secrets.token_urlsafe(32)

    def work(t: Transaction) -> User:
        user = _account(t, settings, issuer, subject, login, name, wanted)
        if not user.is_active:
            raise AccessError(f"{user.name} 的账号已停用。需要时请找管理员。")
        sessions.begin(t, token, user.username, moment, client, via=issuer)
        return user

    return Session(token, ledger.write(work))


def _wanted(
    settings: Settings, claims: Mapping[str, Any], login: str, name: str, known_towns: frozenset[str] | None
) -> User:
    """Return the account that the claims describe. The first role of the mapping that the person has counts."""
    held = set(_texts(_claim(claims, settings.role_claim)))
    role = next((ours for theirs, ours in settings.roles.items() if theirs in held), None)
    if role is None:
        raise AccessError(f"{name}（{login}）在{settings.label}登录成功，但没有本系统的角色。{_ASK}")
    if role not in ROLE_LABELS:
        raise AccessError(
            f"office.toml 的 [oidc.roles] 里没有“{role}”这个角色，可用的有：{'、'.join(ROLE_LABELS)}。请管理员改正。"
        )
    towns = tuple(_texts(_claim(claims, settings.towns_claim))) if settings.towns_claim else ()
    foreign = [town for town in towns if known_towns is not None and town not in known_towns]
    if foreign:
        raise AccessError(f"{settings.label}说您管 {'、'.join(foreign)}，本办公室没有这个乡镇。请管理员核对名称。")
    sectors = (
        [text for text in _texts(_claim(claims, settings.sector_claim)) if text in SECTORS]
        if settings.sector_claim
        else []
    )
    user = User(login, name, role, sectors[0] if sectors and role == "bureau" else "", towns)
    try:
        accounts.check(user)
    except InputError as error:
        raise AccessError(
            f"{name}（{login}）的角色是{ROLE_LABELS[role]}，{settings.label}给的范围不够：{error}"
        ) from error
    return user


def _account(
    t: Transaction, settings: Settings, issuer: str, subject: str, login: str, name: str, wanted: User | None
) -> User:
    bound = t.rows("SELECT username FROM identities WHERE issuer = ? AND subject = ?", (issuer, subject))
    if bound:
        user = known_user(t, str(bound[0][0]))
        return user if wanted is None or not user.is_active else _kept_up(t, user, wanted)
    is_there = bool(t.rows("SELECT 1 FROM users WHERE username = ?", (login,)))
    taken = t.rows("SELECT 1 FROM identities WHERE username = ?", (login,))
    if taken:
        raise AccessError(f"用户名 {login} 在本系统已属于另一个人的统一身份，已拒绝。请管理员核对。")
    if wanted is None:
        if not is_there:
            raise AccessError(f"{name}（{login}）在{settings.label}登录成功，但本办公室没有给您开通账号。{_ASK}")
        user = known_user(t, login)
        if user.role == "administrator":
            raise AccessError("管理员账号不能只凭用户名相同就用统一身份登录，请用本系统的密码登录。")
    elif is_there:
        raise AccessError(f"用户名 {login} 是本系统的本地账号，请用密码登录，或请管理员换一个用户名。")
    else:
        user = wanted
        listed = json.dumps(list(user.towns), ensure_ascii=False)
        t.run(
            "INSERT INTO users VALUES (?,?,?,?,?,?,?,?)",
            (login, user.name, user.role, user.sector, listed, accounts.NO_PASSWORD, 1, 1),
        )
        events.enter(t, note(login, "user_added", settings.label, {**accounts.scope_of(user), "issuer": issuer}))
    t.run("INSERT INTO identities VALUES (?,?,?)", (issuer, subject, login))
    events.enter(t, note(login, "identity_bound", settings.label, {"issuer": issuer, "subject": subject}))
    return user


def _kept_up(t: Transaction, user: User, wanted: User) -> User:
    """Bring an account up to what the provider says now; sessions under the old rights end."""
    if (user.name, user.role, user.sector, user.towns) == (wanted.name, wanted.role, wanted.sector, wanted.towns):
        return user
    return accounts.change(
        t, user, by="统一身份认证", name=wanted.name, role=wanted.role, sector=wanted.sector, towns=wanted.towns
    )


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by name; a dot leads inside (realm_access.roles)."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> list[str]:
    """Return a claim as texts: a list, or one text with commas or spaces."""
    if isinstance(value, str):
        return [part for part in value.replace("，", ",").replace(" ", ",").split(",") if part]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
