"""Short reports for the command line: data quality, headline figures, refused rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.assess import Assessment
from analysis.plan import Programme
from analysis.summary import WHOLE
from geo.errors import InputError, StoreError
from geo.read import read
from layers.problem import Problem
from layers.workspace import Workspace
from views import excel, results
from views.labels import number


def quality(workspace: Workspace, problems: Iterable[Problem]) -> dict[str, Any]:
    """Count rows by layer and problems by layer, severity and kind, each kind with one example."""
    found = list(dict.fromkeys([*problems, *workspace.problems]))
    counts = Counter((item.layer, item.severity, item.kind) for item in found)
    examples = {(item.layer, item.severity, item.kind): item.message for item in reversed(found)}
    layers = [
        {
            "layer": name, "rows": source.rows, "file_name": source.file_name, "as_of": source.as_of.isoformat(),
            "is_partial": source.is_partial, "digest": source.digest,
        }
        for name, source in sorted(workspace.sources.items())
    ]  # fmt: skip
    rows = [
        {"layer": layer, "severity": severity, "kind": kind, "count": count, "example": examples[layer, severity, kind]}
        for (layer, severity, kind), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {"layers": layers, "problems": rows}


def headline(done: Assessment) -> list[str]:
    """Say in a few lines what an assessment found."""
    whole = done.coverage[done.coverage["town"] == WHOLE]
    totals = whole[["met", "gap", "disputed", "unknown"]].sum()
    natural = done.natural_villages
    due = natural[natural["is_due"].astype(str).isin(["yes", "True"])]
    states = due["state"].value_counts()
    return [
        f"评估日 {done.day}，政策 {done.policy_id}（{done.policy_digest[:12]}），数据 {done.workspace_digest[:12]}",
        "逐项结论：达标 {met:,}，缺口 {gap:,}，有争议 {disputed:,}，不明 {unknown:,}".format(**totals.astype(int)),
        f"应通自然村 {len(due):,}：已通 {states.get('connected', 0):,}，待硬化 {states.get('harden', 0):,}，"
        f"待新建 {states.get('build', 0):,}，不明 {states.get('unknown', 0):,}",
        f"危房 {len(done.housing):,} 户；台账与地图矛盾 {len(done.contradictions):,} 处",
    ]


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file whole or not at all; StoreError when the folder cannot be written."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} 写不进去（{error.strerror}）：请检查文件夹权限、磁盘空间，或关闭正打开它的程序。"
        ) from error


def write_refused(rows: pd.DataFrame, path: Path) -> None:
    """Write refused rows, with reason and row number, as a workbook that can be mended and read back."""
    write_bytes(excel.workbook({"退回": rows}, {"说明": "改好后原样重新导入；“原因”“行号”两列会被忽略。"}), path)


def zonal_table(statistic: Any, raster: Path, zones: Path, field: str, stat: str) -> pd.DataFrame:
    """Compute raster statistics for the zones of a file; InputError names a missing column."""
    frame = read(zones).frame
    if field not in frame:
        raise InputError(f"{zones.name} 没有“{field}”列：现有列 {'、'.join(map(str, frame.columns))}。")
    return pd.DataFrame({field: frame[field], stat: statistic(raster, frame, stat=stat).to_numpy()})


def write_table(table: pd.DataFrame, path: Path) -> str:
    """Write a table as CSV that Excel opens in Chinese; returns how many rows."""
    write_bytes(results.csv_bytes(table), path)
    return number(len(table))


def read_budgets(texts: Iterable[str]) -> dict[int, float]:
    """Read yearly budgets written as YEAR=AMOUNT in 万元.

    >>> read_budgets(["2017=800", "2018=1000.5"])
    {2017: 800.0, 2018: 1000.5}
    """
    found: dict[int, float] = {}
    for text in texts:
        year, _, amount = text.partition("=")
        try:
            turn, money = int(year), float(amount)
        except ValueError:
            raise InputError(f"预算“{text}”无法识别：请写成 2018=1000（年份=万元）。") from None
        if turn in found:
            raise InputError(f"{turn} 年的预算写了两次（{found[turn]:g} 和 {money:g} 万元），请只留一个。")
        found[turn] = money
    return found


def plan_lines(made: Programme, budgets: Mapping[int, float]) -> list[str]:
    """Say in a few lines what a road programme reaches, year by year, and how far it can be from the best."""
    lines = []
    for year, amount in sorted(budgets.items()):
        rows = made.projects[made.projects["year"] == year]
        spent, people = rows["cost_cny10k"].sum(), rows["people"].sum()
        lines.append(f"{year} 年：{len(rows)} 个项目，{spent:,.1f} / {amount:,.1f} 万元，新连通 {people:,.0f} 人")
    lines.append(
        f"共连通 {made.projects['people'].sum():,.0f} 人；离理论最优至多差 {made.gap:.3%}（{made.solver}，{made.seconds:.1f} 秒）"
    )
    return [*lines, *made.notes]
