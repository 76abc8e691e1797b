"""The ledger of dangerous houses on the command line: report, move, list."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from commands.project import day_option, happened, known_option, today
from commands.shell import FILE, FOLDER, Result, cli, command, read_day
from geo.errors import InputError
from geo.read import read
from tracker import evidence, houses
from tracker.office import Office, open_office
from tracker.status import CLOSE_REASONS, HOUSE_LABELS, TREATMENTS

by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")
at_option = click.option("--at", help="the day it happened (default today)")
HEADERS = {"household_id": ("household_id", "户编号"), "village_id": ("village_id", "行政村代码"), "town": ("town", "乡镇"), "grade": ("grade", "housing_grade", "危房级别", "等级")}  # fmt: skip


@cli.group("house", epilog="\b\nExample:\n  python cli.py house office move H0001 鉴定 --grade D --evidence 鉴定书.pdf")
@click.argument("office", type=FOLDER)
@click.pass_context
def house(ctx: click.Context, office: Path) -> None:
    """Track dangerous houses from first report to closed."""
    ctx.obj = ctx.with_resource(open_office(office))


@command("house office report housing.csv --at 2018-01-10", house)
@click.argument("file", type=FILE)
@at_option
@by_option
def report(file: Path, at: str | None, by: str) -> Result:
    """Enter the houses of a table (column household_id or 户编号) as newly found; twice does no harm."""
    frame = read(file).frame
    columns = {name: next((h for h in heads if h in frame.columns), "") for name, heads in HEADERS.items()}
    if not columns["household_id"]:
        raise InputError(f"{file.name} 里没有“户编号”（household_id）一列。")
    kept = {name: column for name, column in columns.items() if column}
    rows = [{name: row[column] for name, column in kept.items()} for row in frame.to_dict("records")]
    office = _office()
    new = houses.report(office.ledger, rows, at=happened(office, at), by=by, source=file.name)
    return {"entered": len(new), "rows": len(rows)}, [
        f"登记 {len(new)} 户为新发现，{len(rows) - len(new)} 户已在账上。"
    ]


@command("house office move H0001 销档 --close-reason renovated --notice-from 2018-11-01", house)
@click.argument("household_id")
@click.argument("status")
@click.option("--reason", default="")
@click.option("--grade", type=click.Choice(["A", "B", "C", "D"]))
@click.option("--treatment", type=click.Choice(list(TREATMENTS)))
@click.option("--close-reason", type=click.Choice(list(CLOSE_REASONS)))
@click.option("--notice-from", help="first day of the public notice")
@click.option("--notice-days", type=int, help="days of public notice (default: what the policy asks for)")
@click.option("--evidence", "files", type=FILE, multiple=True, help="paper or photo; may be repeated")
@at_option
@by_option
def move(household_id: str, status: str, files: Sequence[Path], at: str | None, by: str, **given: Any) -> Result:
    """Take a house one step further: 鉴定, 纳入计划, 施工, 验收, 销档; or 新发现 again, with a reason."""
    codes = {label: code for code, label in HOUSE_LABELS.items()}
    to = codes.get(status, status)
    if to not in HOUSE_LABELS:
        raise InputError(f"没有“{status}”这个状态。可用的有：{'、'.join(HOUSE_LABELS.values())}。")
    office, days = _office(), given["notice_days"]
    asked = int(load_policy(office.policy_path).tables.get("notice", {}).get("days", 0))
    stored = [evidence.keep(office.path, file.name, file.read_bytes()) for file in files]
    version = houses.move(
        office.ledger, household_id, to, at=happened(office, at), by=by, reason=given["reason"], evidence=stored,
        grade=given["grade"], treatment=given["treatment"], close_reason=given["close_reason"],
        notice_from=read_day(given["notice_from"]), notice_days=asked if days is None else max(days, asked),
    )  # fmt: skip
    return {"household_id": household_id, "status": to, "version": version}, [
        f"{household_id} 已到“{HOUSE_LABELS[to]}”"
    ]


@command("house office list --day 2018-12-31", house)
@day_option
@known_option
def list_(day: str | None, known_on: str | None) -> Result:
    """List the houses as they stood on a day, count them by town and status, and say how many are overdue."""
    office = _office()
    found = houses.houses(office.ledger, as_of=read_day(day), known_on=read_day(known_on))
    counts = houses.counts(found)
    limit = load_policy(office.policy_path).tables.get("housing", {}).get("deadline")
    late = houses.overdue(found, deadline=limit, day=today(office, day)) if limit else []
    data = {"houses": houses.house_table(found).to_dict("records"), "counts": counts.to_dict("records")}
    data |= {"deadline": limit, "overdue": [house.household_id for house in late] if limit else None}
    lines = [
        *counts.to_string(index=False).splitlines(),
        *([f"文件期限 {limit}，超期 {len(late)} 户"] if limit else []),
    ]
    return data, lines if found else ["没有危房。"]


def _office() -> Office:
    office: Office = click.get_current_context().obj
    return office
