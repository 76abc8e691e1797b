"""What the ledger must know about the disk under it: is it a network share, is there room."""

import os
import shutil
import sys
from pathlib import Path

NETWORK_TYPES = frozenset(
    {"cifs", "smb3", "smbfs", "smb2", "nfs", "nfs4", "afs", "ncpfs", "9p", "vboxsf", "prl_fs", "fuse.sshfs", "davfs"}
)
RESERVE_BYTES = 4 * 1024 * 1024


def filesystem_type(path: Path) -> str:
    """Return the file-system type under a path, as the system names it; "" when it cannot be told.

    Windows answers "network" for a mapped network drive or a UNC path, "local" for others.
    """
    real = os.path.realpath(path)
    if sys.platform == "win32":
        return _windows_type(real)
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if len(point) >= len(best) and (real + "/").startswith(point.rstrip("/") + "/"):
            best, kind = point, fields[2]
    return kind


def is_network_share(path: Path) -> bool:
    """Return whether a path lies on another machine's disk, where SQLite's shared-memory log is unsafe."""
    kind = filesystem_type(path)
    return kind == "network" or kind in NETWORK_TYPES


def free_bytes(folder: Path) -> int:
    """Return the room left for this user on the disk of a folder."""
    return shutil.disk_usage(folder).free


def keep_reserve(path: Path) -> None:
    """Fill a reserve file, to be given up when the disk is full, unless it is there or room is already short."""
    size = path.stat().st_size if path.exists() else 0
    if size >= RESERVE_BYTES or free_bytes(path.parent) < 16 * RESERVE_BYTES:
        return
    try:
        path.write_bytes(b"\0" * RESERVE_BYTES)
    except OSError:
        path.unlink(missing_ok=True)


def give_up_reserve(path: Path) -> bool:
    """Delete the reserve file so that the next write finds room; False when there was none."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return False
    return size > 0


def _windows_type(real: str) -> str:
    if real.startswith("\\\\"):
        return "network"
    if sys.platform == "win32":  # pragma: no cover - mypy and Linux runs skip it
        import ctypes

        remote = 4
        drive = os.path.splitdrive(real)[0] + "\\"
        return "network" if ctypes.windll.kernel32.GetDriveTypeW(drive) == remote else "local"
    return ""
