"""One open office a process: the gate, the pages and the routes share its ledger."""

import functools
import os
from pathlib import Path

from tracker.accounts import has_users
from tracker.office import Office, open_office
from tracker.oidc import Provider

OFFICE_VARIABLE = "QIYOU_OFFICE"


@functools.lru_cache(maxsize=4)
def desk(folder: Path) -> Office:
    """Open an office once; StoreError when it cannot be opened, and then it is tried again the next time."""
    return open_office(folder)


@functools.lru_cache(maxsize=4)
def provider(folder: Path) -> Provider | None:
    """Give the identity provider of an office, None when it has none."""
    settings = desk(folder).oidc
    return None if settings is None else Provider(settings)


def served() -> Path | None:
    """Give the folder of the office that is served, None when none was named or it is not there yet."""
    named = os.environ.get(OFFICE_VARIABLE)
    folder = Path(named).absolute() if named else None
    return folder if folder is not None and (folder / "office.toml").is_file() else None


def has_accounts(folder: Path | None) -> bool:
    """Tell whether anybody can sign in to an office; without one, nobody can."""
    return folder is not None and (folder / "office.toml").is_file() and has_users(desk(folder.absolute()).ledger)
