"""CPU seconds by stage of a whole assess, and the ratio to the script a user would write, on the same office.

python -m benchmarks.stages --size county --against naive

Every measurement runs in a process of its own; seconds are CPU seconds of that process (other work on the machine does
not count), medians of the runs asked for. `whole_process` includes starting Python and importing the libraries.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".office"


def demo_office(size: str) -> Path:
    """Build the demo office of a size once and keep it."""
    folder = KEPT / f"bench-{size}"
    if not (folder / ".done").is_file():
        command = [sys.executable, ROOT / "cli.py", "demo", "--size", size, "--seed", "1", "--out", folder]
        subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (folder / ".done").touch()
    return folder / "office"


def ours(office: Path, *, passes: int = 2) -> dict[str, Any]:
    """Open, gather, assess and write in this process; CPU seconds.

    The last of the passes over `assess` counts as warm: compiled kernels are loaded, the layers are in memory.
    """
    begin = time.process_time()
    from analysis.assess import assess
    from analysis.policy import load_policy
    from tracker.office import open_office
    from views import results

    seconds: dict[str, Any] = {"import": time.process_time() - begin}

    def timed(name: str, function: Callable[[], Any]) -> Any:
        start = time.process_time()
        found = function()
        seconds[name] = time.process_time() - start
        return found

    desk = open_office(office)
    day = desk.default_day()
    workspace = timed("open", lambda: desk.workspace(day))
    policy, rasters = load_policy(desk.policy_path), desk.rasters(day)
    for name in ("assess", "assess_warm")[:passes]:
        done = timed(name, lambda: assess(workspace, policy, day, rasters=rasters, timer=time.process_time))
    with tempfile.TemporaryDirectory() as folder:
        timed("write", lambda: results.write(done, Path(folder)))
    total = sum(seconds[name] for name in ("import", "open", "assess", "write"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = {"stages": dict(done.stage_seconds), "total": total, "peak_mb": round(peak)}
    return {**seconds, **held}


def child(*command: str) -> dict[str, Any]:
    """Run a script in a process of its own; its JSON output with the CPU seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout), "whole_process": cpu, "wall": time.perf_counter() - started}


def median(reports: list[Any]) -> Any:
    """Give the median of every number of several reports of the same shape."""
    if isinstance(reports[0], dict):
        return {name: median([report[name] for report in reports]) for name in reports[0]}
    return round(statistics.median(reports), 3)


def measure(size: str, *, against: str | None = None, runs: int = 3, made_office: Path | None = None) -> dict[str, Any]:
    """Measure one size (or an office already made); with `against="naive"` also the user's script and the ratios."""
    office = str(made_office or demo_office(size))
    report: dict[str, Any] = {
        "size": size,
        "runs": runs,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "ours": median([child("-m", "benchmarks.stages", "--here", "--office", office) for _ in range(runs)]),
    }
    if against == "naive":
        with tempfile.TemporaryDirectory() as folder:
            command = ("-W", "ignore", "-m", "benchmarks.naive", office, "--out", folder)
            theirs = median([child(*command) for _ in range(runs)])
        mine, work = report["ours"], theirs["total"] - theirs["seconds"]["read"] - theirs["seconds"]["place"]
        report["naive"] = theirs
        report["ratio"] = {
            "read to files": round(theirs["total"] / (mine["total"] - mine["import"]), 2),
            "analysis and files, first": round(work / (mine["assess"] + mine["write"]), 2),
            "analysis and files, warm": round(work / (mine["assess_warm"] + mine["write"]), 2),
        }
    return report


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", "county", "city", "province"], default="county")
    parser.add_argument("--against", choices=["naive"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--office", type=Path, help="measure this office instead of the demo of a size")
    parser.add_argument("--here", action="store_true", help="measure ours in this process, once")
    asked = parser.parse_args()
    if asked.here:
        report = ours(asked.office or demo_office(asked.size))
    else:
        report = measure(asked.size, against=asked.against, runs=asked.runs, made_office=asked.office)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
