"""The process that opens what people drop: started by `geo.pool`, one request and one answer a line.

It imports neither pandas nor geopandas (so a start costs a quarter of a second), keeps only the GDAL drivers it needs,
and answers with Arrow and JSON, never with pickled objects. Run as `python -m geo.worker`.
"""

import contextlib
import ctypes
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from geo.errors import AppError
from geo.formats import KEEP_DRIVERS
from geo.parsed import Limits, Wish


class _Absent:
    """Pretend that pandas and geopandas are not installed: nothing here needs them, and they take seconds to import."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse the two, pass everything else on."""
        if name.split(".")[0] in ("pandas", "geopandas"):
            raise ModuleNotFoundError(name)


def main() -> None:
    """Serve requests until the pipe closes."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii", newline="\n")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    cut_network()
    sys.meta_path.insert(0, _Absent())
    drivers = list(importlib.import_module("pyogrio").list_drivers())
    tasks = importlib.import_module("geo.tasks")
    _send(channel, {"extra": [name for name in drivers if name not in (*KEEP_DRIVERS, "MEM", "Memory")]})
    for line in sys.stdin:
        _send(channel, answer(tasks, json.loads(line)))


def _send(channel: Any, message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def cut_network() -> bool:
    """Leave the network where the system lets an ordinary process do so (Linux); say whether it did."""
    if not sys.platform.startswith("linux"):
        return False
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None:
        return False
    new_network, new_user = 0x40000000, 0x10000000
    user, group = os.getuid(), os.getgid()
    if unshare(new_network) == 0:
        return True
    if unshare(new_user | new_network) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
    return True


def limit(limits: Limits) -> None:
    """Bound memory, processor time and file size of this process where the system can (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    for what, soft in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, spent + limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.unpacked_bytes * 2),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, hard))


def answer(tasks: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Read one file into the job folder; say what was found or, in a sentence, why not."""
    limits = Limits(**request["limits"])
    limit(limits)
    wish = Wish(request["name"], request["layer"], request["encoding"], limits)
    job = Path(request["job"])
    try:
        if "do" in request:
            return dict(tasks.on_workbook(Path(request["path"]), job, request, limits))
        found: dict[str, Any] = tasks.write_result(tasks.open_dropped(Path(request["path"]), job, wish), job)
    except AppError as refused:
        return {"error": str(refused)}
    except MemoryError:
        return {"error": "文件展开后占用内存超过上限，已停止读取。请按乡镇拆分后分别导入。", "recycle": True}
    except RecursionError:
        return {"error": "文件嵌套层数过深，已拒绝。请重新导出。", "recycle": True}
    except Exception as broken:  # noqa: BLE001 - a hostile file may raise anything; the person must still get a sentence
        return {
            "error": f"文件内容有误，读取时出错（{type(broken).__name__}）。请用原软件打开检查后重新导出。",
            "trace": traceback.format_exc(limit=-8),
            "recycle": True,
        }
    return found


if __name__ == "__main__":
    main()
