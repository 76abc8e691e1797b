"""Reports as they were published: the file itself, and the figures in it, kept for good and opened again to the byte."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from geo.errors import InputError
from layers.disk import read_whole, write_once
from tracker import events
from tracker.events import OFFICE_ZONE, Draft
from tracker.office import Office

PUBLISHED = "report_published"
FOLDER = "results/reports"


@dataclass(frozen=True)
class Published:
    """One published report: what it is about, under which rules, and the figures it gave."""

    seq: int
    name: str
    period: str
    start: date
    end: date
    on: date
    by: str
    policy_digest: str
    data_digest: str
    file_name: str
    digest: str
    figures: tuple[Mapping[str, Any], ...]


def publish(
    office: Office,
    content: bytes,
    *,
    name: str,
    period: str,
    start: date,
    end: date,
    policy_digest: str,
    data_digest: str,
    file_name: str,
    figures: Sequence[Mapping[str, Any]],
    by: str,
) -> int:
    """Keep a report as it is given out and return its number in the ledger; the file is on the disk before the event."""
    if not content:
        raise InputError("报告是空的，没有发布。")
    digest = hashlib.sha256(content).hexdigest()
    suffix = Path(file_name).suffix
    write_once(office.path / FOLDER / f"{digest}{suffix}", content, mode=0o600)
    payload = {
        "name": name, "period": period, "start": start.isoformat(), "end": end.isoformat(), "policy_digest": policy_digest,
        "data_digest": data_digest, "file_name": file_name, "digest": digest, "figures": [dict(row) for row in figures],
    }  # fmt: skip
    today = datetime.now(OFFICE_ZONE).date()
    return events.append(office.ledger, Draft(f"report:{name}/{period}", PUBLISHED, today, by, payload))[0].seq


def reports(office: Office) -> list[Published]:
    """Return every published report, the latest first; one published again is there twice."""
    found = []
    for event in reversed(events.effective(office.ledger, (PUBLISHED,))):
        said = dict(event.payload)
        said |= {key: date.fromisoformat(said[key]) for key in ("start", "end")}
        said["figures"] = tuple(said["figures"])
        found.append(Published(seq=event.seq, on=event.at, by=event.by, **said))
    return found


def content(office: Office, report: Published) -> bytes:
    """Return the file of a report, to the byte; StoreError when it is not what was published."""
    suffix = Path(report.file_name).suffix
    return read_whole(office.path / FOLDER / f"{report.digest}{suffix}", report.digest, what=f"报告“{report.period}”")
