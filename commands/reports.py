"""Rules and periodic reports on the command line: versions of the policy, both scores of an old period, published reports."""

import getpass
from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from analysis.progress import MONTHS, Period, periods
from commands.project import happened, today
from commands.shell import FILE, FOLDER, Result, command, progress, read_day
from geo.errors import InputError
from layers.disk import write_once
from tracker import measures, policies, published
from tracker.office import Office, open_office
from views import excel, progressbook
from views.assessing import assess_office
from views.rescore import rescore as score_both
from views.rescore import rescored_tables

by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")


@command("adopt office new-policy.toml --since 2019-01-01 --reason 新文件〔2019〕1号")
@click.argument("office", type=FOLDER)
@click.argument("file", type=FILE)
@click.option("--since", help="from which day the office works under it (default today)")
@click.option("--reason", required=True, help="the document, which clause changed")
@by_option
def adopt(office: Path, file: Path, since: str | None, reason: str, by: str) -> Result:
    """Put a new version of the policy file in force; every earlier version is kept."""
    load_policy(file)
    with open_office(office) as desk:
        policies.adopt(desk, file, since=today(desk, since), by=by, reason=reason)
        known = policies.versions(desk)
    lines = [f"{item.since}　{item.digest[:12]}　{item.reason}" for item in known]
    return {"versions": [{**vars(item), "since": str(item.since), "path": item.path.name} for item in known]}, lines


@command("rescore office --day 2018-12-31 --out both.xlsx")
@click.argument("office", type=FOLDER)
@click.option("--day", required=True, help="the day to score under the rules of then and of now")
@click.option("--out", type=FOLDER, help="workbook")
def rescore(office: Path, day: str, out: Path | None) -> Result:
    """Score an old day under the rules in force then and those in force now, side by side, with the reasons."""
    with open_office(office) as desk:
        policies.note_current(desk)
        done = score_both(desk, today(desk, day), today=desk.today, on_stage=progress)
    if out is not None:
        tables = rescored_tables(done, "zh")
        write_once(
            out, excel.workbook(tables, {"评估日": str(done.day), "旧规则": done.old_since, "新规则": done.new_since})
        )
    frames = {"changes": done.changes, "targets": done.targets, "needs": done.needs}
    data = {name: frame.astype(object).where(frame.notna(), None).to_dict("records") for name, frame in frames.items()}
    lines = [f"{row.label}：{row.old or '没有'} → {row.new or '取消'}" for row in done.changes.itertuples()]
    changed = done.needs[done.needs["is_changed"]]
    lines += [
        f"{row.label}：缺口 {row.old_gap:.0f} → {row.new_gap:.0f}（{row.reason}）" for row in changed.itertuples()
    ]
    return data, lines or ["规则没有变，只有一个数。"]


@command("observe office poverty_exit_people 300 --at 2018-06-30 --source 半年报")
@click.argument("office", type=FOLDER)
@click.argument("measure")
@click.argument("value", type=float)
@click.option("--at", help="the day of the figure (default today)")
@click.option("--source", default="", help="which report, whose")
@by_option
def observe(office: Path, measure: str, value: float, at: str | None, source: str, by: str) -> Result:
    """Enter what a measure of a target stood at on a day; shares as decimals."""
    with open_office(office) as desk:
        known = {target.measure: target.unit for target in load_policy(desk.policy_path).targets}
        if measure not in known:
            raise InputError(f"政策里没有“{measure}”这个指标。可用的有：{'、'.join(sorted(known))}。")
        day, unit = happened(desk, at), known[measure]
        seq = measures.observe(desk.ledger, measure, value, at=day, by=by, source=source, unit=unit)
    return {"seq": seq}, [f"已登记 {measure} = {value:g}（第 {seq} 号）"]


@command("report office --every quarter --day 2018-06-30 --out 季报.xlsx")
@click.argument("office", type=FOLDER)
@click.option("--every", type=click.Choice(list(MONTHS)), required=True)
@click.option("--day", required=True, help="any day of the period")
@click.option("--out", type=FOLDER, help="workbook")
@click.option("--publish", "is_final", is_flag=True, help="keep it as it is given out")
@click.option("--assess/--no-assess", default=True, show_default=True, help="count the needs on the map too")
@by_option
def report(office: Path, every: str, day: str, out: Path | None, is_final: bool, assess: bool, by: str) -> Result:
    """Make the report of a period: targets, projects, money and houses beside the period before."""
    on = read_day(day)
    if on is None:
        raise InputError("请写日期，例如 --day 2018-06-30。")
    period = periods(every, on, on)[0]  # type: ignore[arg-type]
    with open_office(office) as desk:
        policies.note_current(desk)
        done = assess_office(desk, day=min(period.end, desk.default_day()), on_stage=progress) if assess else None
        policy = load_policy(desk.policy_path)
        findings, found_day = (None, period.end) if done is None else (done.findings, done.day)
        tables = progressbook.report_tables(desk.ledger, policy, findings, found_day, period, every)
        content = excel.workbook(tables, {"政策": policy.title, "期间": f"{period.start} – {period.end}"})
        if out is not None:
            write_once(out, content)
        seq = (
            _publish(desk, content, tables, period, policy.digest, done.workspace_digest if done else "", by)
            if is_final
            else None
        )
    rows = {name: table.astype(object).where(table.notna(), None).to_dict("records") for name, table in tables.items()}
    lines = [f"{period.label}：{name} {len(table)} 行" for name, table in tables.items()]
    return {"period": period.label, "tables": rows, "published": seq}, [
        *lines,
        *([f"已发布并留存（第 {seq} 号）"] if seq else []),
    ]


def _publish(
    desk: Office, content: bytes, tables: Any, period: Period, policy_digest: str, data_digest: str, by: str
) -> int:
    first = next(iter(tables.values()))
    figures = first.astype(object).where(first.notna(), None).to_dict("records")
    return published.publish(
        desk, content, name="定期报告", period=period.label, start=period.start, end=period.end, policy_digest=policy_digest,
        data_digest=data_digest, file_name=f"{period.label}.xlsx", figures=figures, by=by,
    )  # fmt: skip
