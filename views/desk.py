"""One open office a process: the gate, the pages and the routes share its ledger."""

import os
import threading
from pathlib import Path

from tracker.accounts import has_users
from tracker.ledger import LEDGER_FILE
from tracker.office import Office, open_office
from tracker.oidc import Provider

OFFICE_VARIABLE = "QIYOU_OFFICE"
_MOST = 4
Mark = tuple[tuple[int, ...], ...]


class Desks:
    """The offices this process has open.

    An office whose files were replaced under it – restored from a backup, its ledger moved, its settings edited – is opened
    anew at the next look, so that nobody is shown the old one or writes into a file that is gone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Path, tuple[Mark, Office]] = {}
        self._providers: dict[Path, tuple[Office, Provider | None]] = {}

    def __call__(self, folder: Path) -> Office:
        """Open an office once; StoreError when it cannot be opened, and then it is tried again the next time."""
        mark = _mark(folder)
        with self._lock:
            held = self._open.get(folder)
            if held is not None and held[0] == mark:
                return held[1]
            if held is not None:
                del self._open[folder]
                held[1].close()
            while len(self._open) >= _MOST:
                self._open.pop(next(iter(self._open)))
            made = open_office(folder)
            self._open[folder] = (_mark(folder), made)
            return made

    def provider(self, folder: Path) -> Provider | None:
        """Give the identity provider of an office, None when it has none."""
        office = self(folder)
        with self._lock:
            held = self._providers.get(folder)
            if held is None or held[0] is not office:
                held = (office, None if office.oidc is None else Provider(office.oidc))
                self._providers[folder] = held
            return held[1]

    def cache_clear(self) -> None:
        """Close every office."""
        with self._lock:
            for _, office in self._open.values():
                office.close()
            self._open.clear()
            self._providers.clear()


def _mark(folder: Path) -> Mark:
    """Tell which files make up an office now: its settings as they stand, and which file the ledger is."""
    found: list[tuple[int, ...]] = []
    for name in ("office.toml", LEDGER_FILE):
        try:
            state = (folder / name).stat()
        except OSError:
            found.append((0,))
            continue
        own = (state.st_dev, state.st_ino)
        found.append(own if name == LEDGER_FILE else (*own, state.st_mtime_ns, state.st_size))
    return tuple(found)


desk = Desks()


def provider(folder: Path) -> Provider | None:
    """Give the identity provider of an office, None when it has none."""
    return desk.provider(folder)


def served() -> Path | None:
    """Give the folder of the office that is served, None when none was named or it is not there yet."""
    named = os.environ.get(OFFICE_VARIABLE)
    folder = Path(named).absolute() if named else None
    return folder if folder is not None and (folder / "office.toml").is_file() else None


def has_accounts(folder: Path | None) -> bool:
    """Tell whether anybody can sign in to an office; without one, nobody can."""
    return folder is not None and (folder / "office.toml").is_file() and has_users(desk(folder.absolute()).ledger)
