"""Keep warm worker processes, talk to them with a time limit, and replace them when they fail or grow old."""

import atexit
import contextlib
import functools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from geo.errors import InputError
from geo.formats import KEEP_DRIVERS

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 60.0
_MOST_JOBS = 60
_MOST_PROCESSES = 2
_KEPT_VARIABLES = (
    "PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "TEMP", "TMP", "TMPDIR", "HOME", "USERPROFILE", "APPDATA",
    "LOCALAPPDATA", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
)  # fmt: skip
_SKIPPED_RASTERS = (
    "VRT,WMS,WCS,WMTS,HTTP,GTI,STACIT,STACTA,DAAS,EEDAI,OGCAPI,PLMOSAIC,Rasterlite,PDF,netCDF,HDF5,HDF4,Zarr"
)


class Worker:
    """One child process and the thread that listens to it."""

    def __init__(self, skipped: str) -> None:
        """Start the process with everything but `KEEP_DRIVERS` switched off before GDAL is loaded."""
        self.jobs = 0
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "geo.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=_environment(skipped),
            text=True,
            encoding="ascii",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()
        hello = self._hear(_START_SECONDS)
        if hello is None:
            self.stop()
            raise InputError("读取文件的后台进程启动失败。请重启程序；若仍失败，请重新运行 run.py 安装环境。")
        self.extra: list[str] = hello["extra"]

    def _hear(self, seconds: float) -> dict[str, Any] | None:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send one request and wait; a process that dies or is too slow is ended and named in the error.

        Raises
        ------
        InputError
            The file was too slow, or the process died over it.
        """
        self.jobs += 1
        started = time.monotonic()
        line = None
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
            line = self._hear(seconds)
        if line is not None:
            return line
        is_slow = time.monotonic() - started >= seconds
        self.stop()
        if is_slow:
            raise InputError(f"读取超过 {seconds:.0f} 秒，已停止。文件可能太大或有异常，请拆分或重新导出后再试。")
        raise InputError(
            "读取时占用的内存或时间超过上限，或文件已损坏，读取进程已中止（程序未受影响）。请拆分或重新导出。"
        )

    @property
    def is_alive(self) -> bool:
        """The process still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and close its pipes."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin,):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _listen(pipe: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        for line in pipe:
            lines.put(line)
    lines.put(None)


def _environment(skipped: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OGR_SKIP": skipped,
        "GDAL_SKIP": _SKIPPED_RASTERS,
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_HTTP_TIMEOUT": "1",
        "OGR_SQLITE_PRAGMA": "trusted_schema=OFF",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "400",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


class Pool:
    """A few warm workers shared by all threads of this process."""

    def __init__(self) -> None:
        """Start empty; the first file starts the first worker."""
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MOST_PROCESSES)
        self._skipped = ""
        self._owner = os.getpid()

    def _take(self) -> Worker:
        with self._lock:
            if self._owner != os.getpid():
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.stop()
            skipped = self._skipped
        worker = Worker(skipped)
        if worker.extra:
            worker.stop()
            with self._lock:
                self._skipped = ",".join(sorted({*self._skipped.split(","), *worker.extra} - {"", *KEEP_DRIVERS}))
                skipped = self._skipped
            worker = Worker(skipped)
            if worker.extra:
                worker.stop()
                raise InputError(
                    "读取文件的后台进程关不掉不需要的格式驱动，为安全起见已停用。请重新运行 run.py 安装环境。"
                )
        return worker

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Let a free worker answer; waits for one when all are busy."""
        with self._places:
            worker = self._take()
            try:
                found = worker.ask(request, seconds)
            except BaseException:
                worker.stop()
                raise
            if found.pop("recycle", False) or worker.jobs >= _MOST_JOBS:
                worker.stop()
            else:
                with self._lock:
                    self._idle.append(worker)
            return found

    def close(self) -> None:
        """End every idle worker."""
        with self._lock:
            while self._idle:
                self._idle.pop().stop()


@functools.cache
def pool() -> Pool:
    """The pool of this process, closed when the process ends."""
    created = Pool()
    atexit.register(created.close)
    return created
