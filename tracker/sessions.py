"""Signing in: passwords checked, tries limited, sessions begun and ended.

Session ids are kept as SHA-256 only. An unknown name and a wrong password take the same time and get the same answer.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo.errors import AccessError
from tracker import events
from tracker.accounts import HASHER, NO_PASSWORD, User, as_user, known_user, note
from tracker.events import OFFICE_ZONE
from tracker.ledger import Ledger, Transaction

FREE_TRIES = 5
FREE_TRIES_FROM_ONE_MACHINE = 30
LONGEST_WAIT = timedelta(minutes=15)
IDLE_LIMIT = timedelta(hours=2)
SESSION_LIMIT = timedelta(hours=12)
_WRONG = "用户名或密码不对。请核对后再试；忘记密码请找管理员重设。"


@dataclass(frozen=True)
class Session:
    """A signed-in person. `token` goes into the cookie and nowhere else: the ledger keeps only its hash."""

    token: str
    user: User


def sign_in(
    ledger: Ledger,
    username: str,
    password: str,
    *,
    client: str = "",
    now: datetime | None = None,
    hasher: PasswordHasher = HASHER,
) -> Session:
    """Check a name and password and begin a session under a new id.

    After five wrong passwords for a name (or thirty from one machine) each further try has to wait twice as long, up
    to a quarter of an hour. Raises AccessError with one sentence for every cause but the waiting.
    """
    moment = now or datetime.now(UTC)
    login = username.strip().lower()[:64]
    scopes = [f"user:{login}", *([f"client:{client}"] if client else [])]
    _refuse_while_waiting(ledger, scopes, moment)
    found = ledger.read(lambda t: t.rows("SELECT password, is_active FROM users WHERE username = ?", (login,)))
    is_known = bool(found) and bool(found[0][1]) and found[0][0] != NO_PASSWORD
    digest = str(found[0][0]) if is_known else _decoy(hasher)
    is_right = _verify(hasher, digest, password) and is_known
    if not is_right:
        ledger.write(lambda t: _count_failure(t, scopes, moment))
        raise AccessError(_WRONG)
    fresh = hasher.hash(password) if hasher.check_needs_rehash(digest) else digest
    token = secrets.token_urlsafe(32)

    def work(t: Transaction) -> User:
        changed = t.run("UPDATE users SET password = ? WHERE username = ? AND password = ?", (fresh, login, digest))
        user = known_user(t, login)
        if not changed or not user.is_active:
            raise AccessError(_WRONG)
        t.run("DELETE FROM failures WHERE scope = ?", (f"user:{login}",))
        begin(t, token, login, moment, client)
        return user

    return Session(token, ledger.write(work))


def begin(t: Transaction, token: str, login: str, moment: datetime, client: str, *, via: str = "") -> None:
    """Begin a session as part of a larger change; `via` is the identity provider that vouched, if not a password."""
    t.run("DELETE FROM sessions WHERE begun < ?", (_stamp(moment - SESSION_LIMIT),))
    t.run("DELETE FROM sessions WHERE token_hash = ?", (_token_hash(token),))  # a try whose answer was lost
    row = (_token_hash(token), login, _stamp(moment), _stamp(moment), client)
    t.run("INSERT INTO sessions VALUES (?,?,?,?,?)", row)
    payload = {"client": client, **({"via": via} if via else {})}
    events.enter(t, note(login, "signed_in", login, payload), now=moment)


def session_user(ledger: Ledger, token: str, *, now: datetime | None = None) -> User | None:
    """Return who a session id belongs to, None when it ended, was idle for two hours or is older than twelve."""
    moment = now or datetime.now(UTC)
    key = _token_hash(token)
    sql = (
        "SELECT u.username, u.name, u.role, u.sector, u.towns, u.is_active, u.version, s.begun, s.seen"
        " FROM sessions s JOIN users u ON u.username = s.username WHERE s.token_hash = ?"
    )
    found = ledger.read(lambda t: t.rows(sql, (key,)))
    if not found or not found[0][5]:
        return None
    begun, seen = str(found[0][7]), str(found[0][8])
    if begun < _stamp(moment - SESSION_LIMIT) or seen < _stamp(moment - IDLE_LIMIT):
        ledger.write(lambda t: t.run("DELETE FROM sessions WHERE token_hash = ?", (key,)))
        return None
    if seen < _stamp(moment - timedelta(minutes=1)) and not ledger.is_read_only:
        ledger.write(lambda t: t.run("UPDATE sessions SET seen = ? WHERE token_hash = ?", (_stamp(moment), key)))
    return as_user(found[0][:7])


def sign_out(ledger: Ledger, token: str) -> bool:
    """End a session; ending it twice does no harm. Tells whether its person belongs to the identity provider."""
    key = _token_hash(token)
    sql = "SELECT 1 FROM sessions s JOIN identities i ON i.username = s.username WHERE s.token_hash = ?"

    def work(t: Transaction) -> bool:
        is_from_provider = bool(t.rows(sql, (key,)))
        t.run("DELETE FROM sessions WHERE token_hash = ?", (key,))
        return is_from_provider

    return ledger.write(work)


def _refuse_while_waiting(ledger: Ledger, scopes: Sequence[str], moment: datetime) -> None:
    marks = ", ".join("?" * len(scopes))
    sql = f"SELECT max(until) FROM failures WHERE scope IN ({marks})"  # noqa: S608 - marks only
    until = str(ledger.read(lambda t: t.rows(sql, scopes))[0][0] or "")
    if until > _stamp(moment):
        end = datetime.fromisoformat(until).astimezone(OFFICE_ZONE)
        raise AccessError(f"密码错误次数太多，请在 {end:%H:%M:%S} 之后再试，或找管理员重设密码。")


def _count_failure(t: Transaction, scopes: Sequence[str], moment: datetime) -> None:
    for scope in scopes:
        found = t.rows("SELECT tries, last FROM failures WHERE scope = ?", (scope,))
        is_stale = bool(found) and str(found[0][1]) < _stamp(moment - timedelta(days=1))
        tries = 1 if not found or is_stale else int(found[0][0]) + 1
        over = tries - (FREE_TRIES if scope.startswith("user:") else FREE_TRIES_FROM_ONE_MACHINE)
        wait = min(timedelta(seconds=15) * 2 ** min(over, 10), LONGEST_WAIT) if over >= 0 else timedelta(0)
        t.run("DELETE FROM failures WHERE scope = ?", (scope,))
        t.run("INSERT INTO failures VALUES (?,?,?,?)", (scope, tries, _stamp(moment + wait), _stamp(moment)))


def _verify(hasher: PasswordHasher, digest: str, password: str) -> bool:
    try:
        return hasher.verify(digest, password[:1024])
    except (VerificationError, InvalidHashError):
        return False


def _decoy(hasher: PasswordHasher) -> str:
    """Return a hash no password fits, as costly to check as a real one, so that unknown names take as long."""
    salt, body = "c2FsdHNhbHRzYWx0c2FsdA", "A" * 43
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${body}"


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
