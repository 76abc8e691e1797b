"""Commands for helper units: who answers for which village, from the office's own list."""

import getpass
from pathlib import Path

import click

from commands.project import day_option, known_option, today
from commands.shell import FILE, FOLDER, Result, cli, command, read_day
from geo.errors import InputError
from geo.read import read
from tracker import responsibility
from tracker.office import Office, open_office
from tracker.responsibility_sheet import read_sheet

by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")


@cli.group("helper", epilog="\b\nExample:\n  python cli.py helper office import 帮扶名单.xlsx --since 2018-01-01")
@click.argument("office", type=FOLDER)
@click.pass_context
def helper(ctx: click.Context, office: Path) -> None:
    """Helper units: import a list, list who answers for which village on a day, end one."""
    ctx.obj = ctx.with_resource(open_office(office))


@command("helper office import 帮扶名单.xlsx --since 2018-01-01", helper)
@click.argument("file", type=FILE)
@click.option("--since", help="first day where the list names none (default today)")
@by_option
def import_(file: Path, since: str | None, by: str) -> Result:
    """Read a list with the columns 行政村 and 帮扶单位; reading it twice adds nothing."""
    office = _office()
    villages = office.frames().get("villages")
    if villages is None:
        raise InputError("办公室还没有村的图层，帮扶名单对不上村。请先导入村界。")
    dropped = read(file)
    sheet = read_sheet(dropped.frame.set_axis(dropped.rows), villages, since=today(office, since))
    new = responsibility.assign(office.ledger, sheet.rows, by=by, source=file.name)
    refused = sheet.refused.to_dict("records")
    lines = [f"登记 {new} 行，{len(sheet.rows) - new} 行与账上相同，{len(refused)} 行不能登记。"]
    lines += [f"第 {row['第几行']} 行 {row['行政村']}：{row['原因']} {row['可能是']}".rstrip() for row in refused]
    return {"entered": new, "same": len(sheet.rows) - new, "refused": refused}, lines


@command("helper office list --day 2018-12-31", helper)
@day_option
@known_option
def list_(day: str | None, known_on: str | None) -> Result:
    """List who answers for which village on a day."""
    office = _office()
    found = responsibility.responsibilities(office.ledger, today(office, day), known_on=read_day(known_on))
    rows = [{**vars(item), "since": str(item.since), "until": str(item.until or "")} for item in found]
    lines = [f"{item.village_id}\t{item.unit}\t{item.person}\t{item.since}\t{item.until or ''}" for item in found]
    return {"responsibilities": rows}, lines or ["没有帮扶单位。"]


@command("helper office end 440811070209 区水务局 --last-day 2018-12-31 --reason 调整", helper)
@click.argument("village_id")
@click.argument("unit")
@click.option("--last-day", required=True, help="the last day it answers for the village")
@click.option("--reason", required=True)
@by_option
def end(village_id: str, unit: str, last_day: str, reason: str, by: str) -> Result:
    """Let a unit answer for a village no longer."""
    office = _office()
    responsibility.end(office.ledger, village_id, unit, last_day=today(office, last_day), by=by, reason=reason)
    return {"village_id": village_id, "unit": unit}, [f"{unit} 帮扶 {village_id} 到 {last_day} 为止。"]


def _office() -> Office:
    office: Office = click.get_current_context().obj
    return office
