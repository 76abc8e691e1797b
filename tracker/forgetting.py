"""Forgetting a person who asks for it: the name, numbers and address go, the house and its figures stay.

The ledger keeps a tombstone – which household, who asked, when – and never what was taken out. A file imported later
brings nothing back. Copies outside the office (backups, exports, published files) are listed, for a person to see to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geo.errors import InputError
from layers import schema, store
from tracker import events
from tracker.events import OFFICE_ZONE, Draft
from tracker.ledger import Ledger
from tracker.office import Office
from tracker.parts import LAYER_ADDED
from tracker.tombstones import FORGOTTEN, forgotten


@dataclass(frozen=True)
class Forgotten:
    """What was done: stored versions that were blanked, and copies outside that a person has to see to."""

    household_id: str
    versions: int
    backups: tuple[str, ...]
    exports: int
    files: tuple[str, ...]


def forget(office: Office, household_id: str, *, by: str, reason: str) -> Forgotten:
    """Take the person of a household out of every stored version, and write a tombstone into the ledger.

    Done twice it does no harm; interrupted, it is finished by doing it again.

    Raises
    ------
    InputError
        When no reason is given, or the office never held this household.

    """
    wanted = household_id.strip()
    if not wanted or not reason.strip():
        raise InputError("请写明户编号和理由（谁在什么时候要求删除）。")
    digests = _versions(office.ledger)
    held = [digest for digest in digests if _is_in(office, digest, wanted)]
    if not held:
        raise InputError(f"办公室里从来没有户编号“{wanted}”。请核对后再试。")
    if wanted not in forgotten(office.ledger):
        payload = {"reason": reason.strip(), "versions": len(held)}
        events.append(
            office.ledger, Draft(f"person:{wanted}", FORGOTTEN, datetime.now(OFFICE_ZONE).date(), by, payload)
        )
    blanked = sum(store.forget(office.path, "households", digest, wanted) for digest in held)
    saved = events.effective(office.ledger, ["backup_begun"])
    taken = [e for e in events.effective(office.ledger, ["access"]) if e.payload.get("action") == "export"]
    folders = (office.path / name for name in ("evidence", "reports"))
    files = tuple(sorted(p.relative_to(office.path).as_posix() for f in folders for p in f.rglob("*") if p.is_file()))
    names = tuple(dict.fromkeys(f"{e.payload.get('file_name', '')}（{e.at}）" for e in saved))
    return Forgotten(wanted, blanked, names, len(taken), files)


def _versions(ledger: Ledger) -> Sequence[str]:
    """List every version of the households that was ever stored, withdrawn ones too."""
    rows = ledger.read(lambda t: t.rows("SELECT seq FROM events WHERE kind = ? ORDER BY seq", (LAYER_ADDED,)))
    added = [events.event(ledger, int(row[0])) for row in rows]
    return list(dict.fromkeys(str(e.payload["digest"]) for e in added if e.payload.get("layer") == "households"))


def _is_in(office: Office, digest: str, household_id: str) -> bool:
    frame = store.read_layer(office.path, "households", digest)
    return bool((frame[schema.load()["households"].id] == household_id).any())
