"""Seconds by stage of a whole assess, and the ratio to the script a user would write, on the same office.

python -m benchmarks.stages --size county --against naive
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from analysis.assess import assess
from analysis.policy import load_policy
from tracker.office import open_office
from views import results

ROOT = Path(__file__).resolve().parents[1]


def demo_office(size: str) -> Path:
    """Build the demo office of a size once and keep it."""
    folder = ROOT / ".office" / f"bench-{size}"
    if not (folder / ".done").is_file():
        command = [sys.executable, ROOT / "cli.py", "demo", "--size", size, "--out", folder]
        subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (folder / ".done").touch()
    return folder / "office"


def ours(office: Path) -> dict[str, Any]:
    """Open, assess twice (the second time with compiled kernels loaded) and write; seconds of wall clock and of CPU."""
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    desk = open_office(office)
    day = desk.default_day()
    workspace = desk.workspace(day)
    seconds["open"] = time.perf_counter() - started
    policy = load_policy(desk.policy_path)
    passes = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        done = assess(workspace, policy, day, rasters=desk.rasters(day), timer=time.perf_counter)
        passes.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, **done.stage_seconds})
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        results.write(done, Path(folder))
        seconds["write"] = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**seconds, "first": passes[0], "warm": passes[1], "cpu_total": time.process_time(), "peak_mb": round(peak)}


def child(*command: str) -> dict[str, Any]:
    """Run a script in a process of its own; its JSON output with the CPU seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout), "process_wall": time.perf_counter() - started, "process_cpu": cpu}


def measure(size: str, *, against: str | None = None) -> dict[str, Any]:
    """Measure one size; with `against="naive"` also the user's script and the ratios naive / ours."""
    office = demo_office(size)
    report: dict[str, Any] = {"size": size, "ours": child("-m", "benchmarks.stages", "--office", str(office))}
    if against == "naive":
        with tempfile.TemporaryDirectory() as folder:
            naive = child(str(ROOT / "benchmarks" / "naive.py"), str(office), "--out", folder)
        whole = naive["process_cpu"] / report["ours"]["process_cpu"]
        work = naive["total"] - naive["seconds"]["read"]
        report |= {
            "naive": naive,
            "ratio": {"whole process, CPU": whole, "analysis, warm": work / report["ours"]["warm"]["wall"]},
        }
    return report


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["tiny", "county", "city", "province"], default="county")
    parser.add_argument("--against", choices=["naive"])
    parser.add_argument("--office", type=Path, help="measure this office in this process")
    asked = parser.parse_args()
    report = ours(asked.office) if asked.office else measure(asked.size, against=asked.against)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
