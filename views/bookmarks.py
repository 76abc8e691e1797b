"""Views kept under a name, in the ledger: what an address says and nothing personal; everyone in the office sees them."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from geo.errors import InputError
from tracker import events
from tracker.events import OFFICE_ZONE, Draft
from tracker.office import Office

SAVED = "bookmark_saved"
LONGEST = 40


@dataclass(frozen=True)
class Bookmark:
    """A view kept under a name: its page and what its address says."""

    seq: int
    name: str
    page: str
    parameters: dict[str, list[str]]
    by: str


def keep(office: Office, name: str, page: str, parameters: dict[str, list[str]], *, by: str) -> None:
    """Keep a view under a name of at most 40 signs; the name of an earlier one replaces it."""
    title = " ".join(name.split())[:LONGEST]
    if not title:
        raise InputError("请给书签起一个名称。")
    today = datetime.now(OFFICE_ZONE).date()
    for old in bookmarks(office):
        if old.name == title:
            events.withdraw(office.ledger, old.seq, by=by, reason="同名书签已更新")
    payload = {"name": title, "page": page, "parameters": parameters}
    events.append(office.ledger, Draft(f"bookmark:{uuid.uuid4().hex}", SAVED, today, by, payload))


def forget(office: Office, seq: int, *, by: str) -> None:
    """Take a bookmark off the list."""
    events.withdraw(office.ledger, seq, by=by, reason="删除书签")


def bookmarks(office: Office) -> list[Bookmark]:
    """List the views kept, in the order of their names."""
    found = [
        Bookmark(e.seq, e.payload["name"], e.payload["page"], dict(e.payload["parameters"]), e.by)
        for e in events.effective(office.ledger, (SAVED,))
    ]
    return sorted(found, key=lambda item: (item.name, item.seq))
