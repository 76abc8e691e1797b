"""A throw-away PostgreSQL: own folder, own socket, no network port, gone when the tests end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PORT = 54329


def programs() -> Path | None:
    """Return the folder that holds initdb and pg_ctl: the newest installed, else what is on the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def absent(what: str) -> None:
    """Skip aloud on a machine without PostgreSQL; in CI its absence is a failure, not an excuse."""
    message = f"{what}: install Debian's postgresql-15-postgis-3 (docs/tracker.md) to run the PostgreSQL half"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def running() -> Iterator[str]:
    """Start a cluster and give its address (without a database name's schema); PostgreSQL refuses to run as root."""
    folder = programs()
    if folder is None:
        absent("initdb not found")
        return
    home = Path(tempfile.mkdtemp(prefix="qiyou-pg-"))
    user = ["runuser", "-u", "postgres", "--"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    if user:
        try:
            shutil.chown(home, "postgres", "postgres")
        except LookupError:
            shutil.rmtree(home)
            absent("running as root and there is no user postgres")
            return

    def call(*words: str) -> None:
        ran = subprocess.run([*user, *words], capture_output=True, text=True, timeout=120, cwd="/")
        if ran.returncode:
            raise RuntimeError(f"{words[0]} failed:\n{ran.stdout}\n{ran.stderr}")

    data = str(home / "data")
    options = (
        f"-c listen_addresses='' -c unix_socket_directories='{home}' -p {PORT} -c fsync=off -c full_page_writes=off"
        " -c max_connections=60 -c shared_buffers=64MB"
    )
    try:
        call(str(folder / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        call(str(folder / "pg_ctl"), "-D", data, "-o", options, "-l", str(home / "log"), "-w", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={home}&port={PORT}"
        finally:
            with suppress(subprocess.TimeoutExpired):
                call(str(folder / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
