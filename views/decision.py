"""Frozen decisions: what a meeting saw and settled, signed, kept for good, and able to say what differs today.

A record is plain data. Its digest is SHA-256 over canonical JSON; its signature is HMAC-SHA-256 with a key that never
leaves the office folder, so that a record altered outside the office is told from one that was made here.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from geo.errors import InputError, StoreError
from tracker import events
from tracker.events import OFFICE_ZONE, Draft
from tracker.office import Office
from views.labels import Language, label

FROZEN = "decision_frozen"
KEY_FILE = "decision.key"
SCHEMA = 1
LONGEST_MINUTES = 20_000


@dataclass(frozen=True)
class Decision:
    """A frozen record as the ledger holds it."""

    seq: int
    record: Mapping[str, Any]
    digest: str
    signature: str
    by: str
    at: date


def canonical(record: Mapping[str, Any]) -> bytes:
    """Write a record as the one JSON text it has: sorted keys, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": "村"}).decode()
    '{"a":"村","b":1}'
    """
    try:
        text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"会议记录里有不能保存的值：{error}。") from error
    return text.encode("utf-8")


def digest_of(record: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a record.

    >>> digest_of({})[:12]
    '44136fa355b3'
    """
    return hashlib.sha256(canonical(record)).hexdigest()


def office_key(office: Path) -> bytes:
    """Give the key that signs the office's decisions; made once, readable by the service account alone."""
    file = office / KEY_FILE
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = file.read_bytes()
        if len(key) != 32:
            raise StoreError(f"{file} 不是 32 字节的密钥，可能已损坏。请从备份恢复这个文件。") from None
        return key
    except OSError as error:
        raise StoreError(f"不能在办公文件夹里建立签名密钥：{error.strerror}。请检查权限和磁盘空间。") from error
    key = secrets.token_bytes(32)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(key)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        file.unlink(missing_ok=True)  # a key half written would be taken for a damaged one for ever
        raise StoreError(f"不能在办公文件夹里建立签名密钥：{error.strerror}。请检查权限和磁盘空间。") from error
    return key


def signature_of(office: Path, record: Mapping[str, Any]) -> str:
    """Sign a record with the office's key."""
    return hmac.new(office_key(office), canonical(record), hashlib.sha256).hexdigest()


def freeze(
    office: Office,
    *,
    title: str,
    minutes: str,
    basis: Mapping[str, Any],
    parameters: Mapping[str, Any],
    figures: Mapping[str, Any],
    by: str,
    now: datetime | None = None,
) -> Decision:
    """Keep a decision for good.

    Parameters
    ----------
    title, minutes
        What the meeting calls it and what was said; no household is to be named.
    basis
        Inputs: day, policy and its digest, workspace and layer digests, code version.
    parameters, figures
        What was asked, and what came out, as numbers and texts.

    """
    if not title.strip():
        raise InputError("请给这次决定起一个标题。")
    if len(minutes) > LONGEST_MINUTES:
        raise InputError(f"会议纪要太长（{len(minutes)} 字），最多 {LONGEST_MINUTES} 字。")
    moment = now or datetime.now(OFFICE_ZONE)
    record = {
        "schema": SCHEMA,
        "title": title.strip(),
        "minutes": minutes.strip(),
        "office": office.name,
        "frozen_at": moment.isoformat(timespec="seconds"),
        "by": by,
        "basis": dict(basis),
        "parameters": dict(parameters),
        "figures": dict(figures),
    }
    digest = digest_of(record)
    payload = {"record": record, "digest": digest, "signature": signature_of(office.path, record)}
    [stored] = events.append(office.ledger, Draft(f"decision:{digest[:16]}", FROZEN, moment.date(), by, payload))
    return _decision(stored)


def decisions(office: Office) -> list[Decision]:
    """List the decisions, latest first."""
    found = [_decision(item) for item in events.effective(office.ledger, (FROZEN,))]
    return sorted(found, key=lambda item: item.seq, reverse=True)


def _decision(item: events.Event) -> Decision:
    held = item.payload
    return Decision(item.seq, held["record"], str(held["digest"]), str(held["signature"]), item.by, item.at)


def faults(office: Office, decision: Decision, language: Language = "zh") -> list[str]:
    """Say what is wrong with a record itself: altered, or not signed here; empty when it is as it was frozen.

    An office that has lost its key cannot check the signature, and says so.
    """
    found = []
    if digest_of(decision.record) != decision.digest:
        found.append(label("text", "decision_altered", language))
    if not (office.path / KEY_FILE).is_file():
        return [*found, label("text", "decision_no_key", language)]
    if not hmac.compare_digest(signature_of(office.path, decision.record), decision.signature):
        found.append(label("text", "decision_not_ours", language))
    return found


def differences(then: Mapping[str, Any], now: Mapping[str, Any], *, where: str = "") -> list[tuple[str, str, str]]:
    """Name everything that differs between two records' parts: what, then, now.

    >>> differences({"day": "2018-06-30", "figures": {"met": 3}}, {"day": "2018-06-30", "figures": {"met": 4}})
    [('figures.met', '3', '4')]
    """
    told: list[tuple[str, str, str]] = []
    for name in sorted({*then, *now}):
        one, other = then.get(name), now.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            told += differences(one, other, where=f"{where}{name}.")
        elif one != other:
            told.append((f"{where}{name}", _text(one), _text(other)))
    return told


def _text(value: Any) -> str:
    return "—" if value is None else str(value)
