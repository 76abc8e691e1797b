"""Which version of its policy file an office worked under on which day: each version kept, each change an event."""

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from geo.errors import InputError
from layers.disk import write_once
from tracker import configuration, events
from tracker.events import OFFICE_ZONE, Draft
from tracker.office import Office

HELD = "policy_held"
FOLDER = "results/policies"
_SUBJECT = "policy"


@dataclass(frozen=True)
class Version:
    """One version of the policy file: from which day the office works under it, who entered it and why."""

    since: date
    digest: str
    file_name: str
    reason: str
    by: str
    path: Path


def versions(office: Office, *, known_on: date | None = None) -> list[Version]:
    """Return the versions in the order in which they came to hold; empty for an office that never noted one."""
    found = events.effective(office.ledger, (HELD,), known_on=known_on)
    return [
        Version(
            event.at, str(event.payload["digest"]), str(event.payload["file_name"]), str(event.payload["reason"]), event.by,
            office.path / FOLDER / f"{event.payload['digest']}.toml",
        )
        for event in found
    ]  # fmt: skip


def held_on(office: Office, day: date) -> Version | None:
    """Return the version of a day; before the first one was noted, the first. None when none was ever noted."""
    known = versions(office)
    return next((version for version in reversed(known) if version.since <= day), known[0] if known else None)


def note_current(office: Office, *, by: str = "系统", reason: str = "") -> None:
    """Keep the policy file as it now is, when it is not the version noted last: also one changed in Notepad."""
    if office.ledger.is_read_only:
        return
    content = office.policy_path.read_bytes()
    known = versions(office)
    if known and known[-1].digest == _digest(content):
        return
    why = reason or ("政策文件在程序之外被改动" if known else "首次登记")
    _enter(office, content, datetime.now(OFFICE_ZONE).date() if known else _issued(content), by, why)


def adopt(office: Office, file: Path, *, since: date, by: str, reason: str) -> None:
    """Let the office work under a new version of its policy from a day on; every earlier version is kept.

    The caller checks the content (`analysis.policy.load_policy`). Raises InputError without a reason, for a version that is
    the present one, or for a day before that of the present version.
    """
    configuration.check_policy(file)
    content = file.read_bytes()
    note_current(office)
    known = versions(office)
    if not reason.strip():
        raise InputError("换政策版本要写明原因（文号、哪一条变了）。")
    if known[-1].digest == _digest(content):
        raise InputError("这份政策文件与现在用的一字不差，没有换。")
    if since > datetime.now(OFFICE_ZONE).date():
        raise InputError("新版本的日期还没到：到了那一天再换；文件里的数值可以先写好以后的 since。")
    if since < known[-1].since:
        raise InputError(f"现行版本从 {known[-1].since} 起，新版本不能更早。")
    write_once(office.path / FOLDER / f"{_digest(content)}.toml", content)
    write_once(office.policy_path, content)  # before the event: a version without one is noted at the next look
    _enter(office, content, since, by, reason.strip())


def _enter(office: Office, content: bytes, since: date, by: str, reason: str) -> None:
    digest = _digest(content)
    write_once(office.path / FOLDER / f"{digest}.toml", content)
    payload = {"digest": digest, "file_name": office.policy_path.name, "reason": reason}
    events.append(office.ledger, Draft(_SUBJECT, HELD, since, by, payload))


def _issued(content: bytes) -> date:
    """Return the day the document was issued: from then on the first version noted is taken to have held."""
    found = tomllib.loads(content.decode("utf-8-sig")).get("issued")
    return found if isinstance(found, date) else datetime.now(OFFICE_ZONE).date()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
