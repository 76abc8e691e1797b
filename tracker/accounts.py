"""People: who may sign in, what each role may do and where, and the log of who looked at households or took data out.

Passwords are kept as Argon2id hashes, which cannot be turned back. A change of password, role or scope ends every session
of the person; signing in is in tracker.sessions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from argon2 import PasswordHasher

from geo.errors import AccessError, InputError
from tracker import events
from tracker.events import OFFICE_ZONE, Draft, Event
from tracker.ledger import Ledger, Transaction

ROLE_LABELS = {
    "leader": "领导",
    "planner": "规划人员",
    "bureau": "部门（按行业）",
    "town_clerk": "乡镇经办",
    "administrator": "管理员",
}
# What a role may do. "households" is seeing single households, "private" their names and numbers.
RIGHTS: dict[str, frozenset[str]] = {
    "leader": frozenset({"view", "export"}),
    "planner": frozenset({"view", "export", "import", "edit", "fund", "households"}),
    "bureau": frozenset({"view", "export", "import", "edit", "households"}),
    "town_clerk": frozenset({"view", "export", "edit", "households", "private"}),
    "administrator": frozenset({"view", "users", "backup", "audit"}),
}
SECTORS = ("transport", "housing", "water", "power", "health", "education", "culture", "finance", "environment")
MIN_PASSWORD = 8
NO_PASSWORD = "!"  # noqa: S105 - no password fits: the person signs in by the office's identity provider only
HASHER = PasswordHasher()


@dataclass(frozen=True)
class User:
    """A person who may sign in. `towns` limits what is shown; empty means the whole county."""

    username: str
    name: str
    role: str
    sector: str = ""
    towns: tuple[str, ...] = ()
    is_active: bool = True
    version: int = 1

    def may(self, right: str, *, town: str | None = None, sector: str | None = None) -> bool:
        """Return whether the person may do something, in a town and for a sector if these matter.

        >>> clerk = User("li", "李工", "town_clerk", towns=("东山街道",))
        >>> clerk.may("households", town="东山街道"), clerk.may("households", town="民安街道"), clerk.may("users")
        (True, False, False)
        """
        if not self.is_active or right not in RIGHTS.get(self.role, frozenset()):
            return False
        if town is not None and self.towns and town not in self.towns:
            return False
        is_change = right in {"import", "edit"}
        return not (is_change and self.role == "bureau" and sector is not None and sector != self.sector)


def require(user: User, right: str, *, town: str | None = None, sector: str | None = None) -> None:
    """Raise AccessError, saying what is missing, unless the person may do it."""
    if not user.may(right, town=town, sector=sector):
        where = f"（{town}）" if town else ""
        raise AccessError(
            f"{ROLE_LABELS.get(user.role, user.role)}“{user.name}”没有这项权限{where}：{right}。请找管理员。"
        )


def has_users(ledger: Ledger) -> bool:
    """Return whether anybody can sign in; until then the app serves this machine only, without a password."""
    return bool(ledger.read(lambda t: t.rows("SELECT 1 FROM users WHERE is_active = 1 LIMIT 1")))


def users(ledger: Ledger) -> list[User]:
    """Return every account by user name, the closed ones too."""
    sql = "SELECT username, name, role, sector, towns, is_active, version FROM users ORDER BY username"
    return [as_user(row) for row in ledger.read(lambda t: t.rows(sql))]


def add_user(
    ledger: Ledger,
    username: str,
    *,
    name: str,
    role: str,
    password: str | None,
    by: str,
    sector: str = "",
    towns: Sequence[str] = (),
    hasher: PasswordHasher = HASHER,
) -> User:
    """Open an account. Raises InputError for a name already taken, an unknown role or a weak password.

    Without a password (None) the person can only come by the office's identity provider.
    """
    login = plain_login(username)
    user = User(login, name.strip() or login, role, sector, tuple(towns))
    check(user)
    if password is None and role == "administrator":
        raise InputError("管理员要有本系统的密码，认证平台停用时才进得来。")
    if password is not None:
        _check_password(login, password)
    digest = NO_PASSWORD if password is None else hasher.hash(password)

    def work(t: Transaction) -> None:
        if t.rows("SELECT 1 FROM users WHERE username = ?", (login,)):
            raise InputError(f"用户名 {login} 已经有人用了，请换一个。")
        row = (login, user.name, role, sector, json.dumps(list(towns), ensure_ascii=False), digest, 1, 1)
        t.run("INSERT INTO users VALUES (?,?,?,?,?,?,?,?)", row)
        events.enter(t, note(login, "user_added", by, scope_of(user)))

    ledger.write(work)
    return user


def change_user(
    ledger: Ledger,
    username: str,
    *,
    by: str,
    name: str | None = None,
    role: str | None = None,
    sector: str | None = None,
    towns: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> User:
    """Change a person's role, scope or whether the account is open; all their sessions end at once."""
    login = plain_login(username)
    return ledger.write(
        lambda t: change(
            t, known_user(t, login), by=by, name=name, role=role, sector=sector, towns=towns, is_active=is_active
        )
    )


def change(
    t: Transaction,
    old: User,
    *,
    by: str,
    name: str | None = None,
    role: str | None = None,
    sector: str | None = None,
    towns: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> User:
    """Change an account as part of a larger change, see `change_user`."""
    user = User(
        old.username,
        old.name if name is None else name,
        old.role if role is None else role,
        old.sector if sector is None else sector,
        old.towns if towns is None else tuple(towns),
        old.is_active if is_active is None else is_active,
        old.version + 1,
    )
    check(user)
    _keep_an_administrator(t, old, user)
    listed = json.dumps(list(user.towns), ensure_ascii=False)
    row = (user.name, user.role, user.sector, listed, int(user.is_active), user.version, old.username)
    t.run(
        "UPDATE users SET name = ?, role = ?, sector = ?, towns = ?, is_active = ?, version = ? WHERE username = ?", row
    )
    t.run("DELETE FROM sessions WHERE username = ?", (old.username,))
    events.enter(t, note(old.username, "user_changed", by, scope_of(user)))
    return user


def set_password(ledger: Ledger, username: str, password: str, *, by: str, hasher: PasswordHasher = HASHER) -> None:
    """Set a new password; all sessions of the person end at once and failed tries are forgotten."""
    login = plain_login(username)
    _check_password(login, password)
    digest = hasher.hash(password)

    def work(t: Transaction) -> None:
        known_user(t, login)
        t.run("UPDATE users SET password = ?, version = version + 1 WHERE username = ?", (digest, login))
        t.run("DELETE FROM sessions WHERE username = ?", (login,))
        t.run("DELETE FROM failures WHERE scope = ?", (f"user:{login}",))
        events.enter(t, note(login, "password_set", by, {}))

    ledger.write(work)


def log_access(ledger: Ledger, username: str, action: str, *, what: str, rows: int, conditions: str = "") -> None:
    """Write down an export or a view of households: who, what, under which filter, how many rows."""
    today = datetime.now(OFFICE_ZONE).date()
    payload = {"action": action, "what": what, "rows": int(rows), "conditions": conditions}
    events.append(ledger, Draft(f"access:{username}", "access", today, username, payload))


def access_log(ledger: Ledger, *, since: date | None = None) -> list[Event]:
    """Return what was looked at or taken out, oldest first; nobody can change it, not even the administrator."""
    found = events.effective(ledger, ["access"])
    return [event for event in found if since is None or event.at >= since]


def known_user(t: Transaction, login: str) -> User:
    """Return an account inside a transaction; InputError when there is none."""
    sql = "SELECT username, name, role, sector, towns, is_active, version FROM users WHERE username = ?"
    found = t.rows(sql, (login,))
    if not found:
        raise InputError(f"没有用户名为 {login} 的账号。")
    return as_user(found[0])


def _keep_an_administrator(t: Transaction, old: User, new: User) -> None:
    if old.role != "administrator" or not old.is_active or (new.role == "administrator" and new.is_active):
        return
    left = t.rows(
        "SELECT 1 FROM users WHERE role = 'administrator' AND is_active = 1 AND username <> ?", (old.username,)
    )
    if not left:
        raise InputError(f"{old.name} 是最后一位管理员，不能停用或改作别的角色。请先增加一位管理员。")


def check(user: User) -> None:
    """Raise InputError unless role, sector and towns of an account fit together."""
    if user.role not in ROLE_LABELS:
        raise InputError(f"没有“{user.role}”这个角色。可用的有：{'、'.join(ROLE_LABELS)}。")
    if user.role == "bureau" and user.sector not in SECTORS:
        raise InputError(f"部门账号要写明行业，可用的有：{'、'.join(SECTORS)}。")
    if user.role == "town_clerk" and not user.towns:
        raise InputError("乡镇经办账号要写明乡镇，否则会看到全县的农户。")


def _check_password(login: str, password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise InputError(f"密码至少 {MIN_PASSWORD} 位。")
    if len(password) > 128:
        raise InputError("密码最多 128 位。")
    if login in password.lower() or len(set(password)) < 4:
        raise InputError("密码太容易猜到：不要包含用户名，也不要只重复几个字符。")


def plain_login(username: str) -> str:
    """Return a user name as it is kept; InputError when it holds what a user name may not."""
    login = username.strip().lower()
    is_plain = bool(login) and len(login) <= 64 and all(c.isalnum() or c in "._-" for c in login)
    if not is_plain:
        raise InputError(f"用户名“{username[:70]}”不合用：请用字母、汉字、数字、点或横线，最多 64 位。")
    return login


def scope_of(user: User) -> dict[str, Any]:
    """Return the rights of an account as its event holds them."""
    return {"role": user.role, "sector": user.sector, "towns": list(user.towns), "is_active": user.is_active}


def note(login: str, kind: str, by: str, payload: dict[str, Any]) -> Draft:
    """Return the event that records what was done to an account."""
    return Draft(f"user:{login}", kind, datetime.now(OFFICE_ZONE).date(), by, payload)


def as_user(row: Sequence[Any]) -> User:
    """Return a row of the table `users` (username, name, role, sector, towns, is_active, version) as a person."""
    return User(row[0], row[1], row[2], row[3], tuple(json.loads(row[4])), bool(row[5]), int(row[6]))
