"""The tracker on the command line: list, propose, move, fund, totals, history, verify."""

import getpass
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from commands.shell import FILE, FOLDER, Result, cli, command, read_day
from geo.errors import InputError
from tracker import events, evidence, funds, houses, money, projects
from tracker.office import Office, open_office
from tracker.status import PROJECT_LABELS

YUAN = 10_000


@cli.group(epilog="\b\nExample:\n  python cli.py project office move P2018-00001 开工 --at 2018-05-02")
@click.argument("office", type=FOLDER)
@click.pass_context
def project(ctx: click.Context, office: Path) -> None:
    """Track projects, funds and their history."""
    ctx.obj = ctx.with_resource(open_office(office))


def opened() -> Office:
    """Return the office this command works in."""
    office: Office = click.get_current_context().obj
    return office


def today(text: str | None) -> date:
    """Return the day given, else today in China."""
    return read_day(text) or datetime.now(events.OFFICE_ZONE).date()


def status_of(text: str) -> str:
    """Return the code of a status given as code or in Chinese."""
    codes = {label: code for code, label in PROJECT_LABELS.items()}
    code = codes.get(text, text)
    if code not in PROJECT_LABELS:
        raise InputError(f"没有“{text}”这个状态。可用的有：{'、'.join(PROJECT_LABELS.values())}。")
    return code


def yuan(text: str | None) -> Decimal | None:
    """Return an amount given in 万元 as yuan."""
    return None if text is None else money.amount(money.number(text) * YUAN)


by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")
at_option = click.option("--at", help="the day it happened (default today)")
day_option = click.option("--day", help="as it stood on this day")
known_option = click.option("--known-on", help="as it was known on this day")


@command("project office list --day 2018-12-31", project)
@day_option
@known_option
def list_(day: str | None, known_on: str | None) -> Result:
    """List projects as they stood on a day."""
    found = projects.projects(opened().ledger, as_of=read_day(day), known_on=read_day(known_on))
    table = projects.project_table(found)
    lines = [f"{p.project_id}\t{p.label}\t{p.since}\t{p.description.town}\t{p.description.title}" for p in found]
    return {"projects": table.astype(object).where(table.notna(), None).to_dict("records")}, lines or ["没有项目。"]


@command(
    "project office propose --title 调文村道硬化 --kind road --town 东山街道 --year 2018 --need V1:hardened_road",
    project,
)
@click.option("--title", required=True)
@click.option("--kind", required=True, help="road, bridge, water, clinic …")
@click.option("--town", default="")
@click.option("--year", type=int, required=True)
@click.option("--village", "villages", multiple=True, help="village id; may be repeated")
@click.option("--need", "needs", multiple=True, help="UNIT:NEED it is to close; may be repeated")
@click.option("--owner", default="", help="responsible unit")
@click.option("--cost", help="planned cost, 万元")
@click.option("--length-km", type=float)
@at_option
@by_option
def propose(
    villages: Sequence[str], needs: Sequence[str], cost: str | None, at: str | None, by: str, **about: Any
) -> Result:
    """Enter a project into the reserve (储备)."""
    length = about.pop("length_km")
    description = projects.Description(
        **about,
        village_ids=tuple(villages),
        needs=tuple(_need(text) for text in needs),
        planned_cost_cny=yuan(cost),
        planned_length_km=length,
    )
    number = projects.propose(opened().ledger, description, at=today(at), by=by)
    return {"project_id": number}, [f"已登记 {number}：{description.title}"]


@command("project office move P2018-00001 验收 --evidence 验收单.pdf --cost 59.8", project)
@click.argument("project_id")
@click.argument("status")
@click.option("--reason", default="")
@click.option("--evidence", "files", type=FILE, multiple=True, help="paper or photo; may be repeated")
@click.option("--cost", help="actual cost, 万元")
@click.option("--length-km", type=float, help="actual length")
@click.option("--still-open", multiple=True, help="UNIT:NEED the map still shows as a gap")
@at_option
@by_option
def move(
    project_id: str, status: str, reason: str, files: Sequence[Path], at: str | None, by: str, **rest: Any
) -> Result:
    """Take a project one step further: 立项, 招标, 开工, 竣工, 验收, 销号 (or back, with a reason)."""
    office = opened()
    to = status_of(status)
    stored = [evidence.keep(office.path, file.name, file.read_bytes()) for file in files]
    version = projects.move(
        office.ledger,
        project_id,
        to,
        at=today(at),
        by=by,
        reason=reason,
        evidence=stored,
        actual_cost_cny=yuan(rest["cost"]),
        actual_length_km=rest["length_km"],
        still_open=[_need(text) for text in rest["still_open"]],
    )
    return {"project_id": project_id, "status": to, "version": version}, [f"{project_id} 已到“{PROJECT_LABELS[to]}”"]


@command("project office fund allocation --source 省级 --amount 60 --year 2018 --project P2018-00001", project)
@click.argument("stage", type=click.Choice(list(funds.STAGE_LABELS)))
@click.option("--source", required=True, help="whose money")
@click.option("--amount", required=True, help="万元; negative for a refund, with --note")
@click.option("--year", type=int, required=True)
@click.option("--project", "project_id", default="")
@click.option("--town", default="")
@click.option("--document", default="")
@click.option("--note", default="")
@at_option
@by_option
def fund(stage: str, amount: str, at: str | None, by: str, **about: Any) -> Result:
    """Enter planned, ceiling, allocated or paid money."""
    seq = funds.post(opened().ledger, stage, amount_cny=yuan(amount), at=today(at), by=by, **about)
    return {"seq": seq}, [f"已登记 {funds.STAGE_LABELS[stage]} {amount} 万元（第 {seq} 号）"]


@command("project office totals --by town --by year --day 2018-12-31", project)
@click.option("--by", "keys", multiple=True, type=click.Choice(funds.KEYS), help="may be repeated")
@day_option
@known_option
def totals(keys: Sequence[str], day: str | None, known_on: str | None) -> Result:
    """Add up money in 万元 by project, town, year and source; count projects and houses by status."""
    ledger, on, known = opened().ledger, read_day(day), read_day(known_on)
    found = funds.postings(ledger, as_of=on, known_on=known)
    table = funds.total_table(found, keys or ["year"])
    standing: dict[str, int] = {}
    for item in projects.projects(ledger, as_of=on, known_on=known):
        standing[item.status] = standing.get(item.status, 0) + 1
    open_houses = sum(house.is_open for house in houses.houses(ledger, as_of=on, known_on=known))
    data = {"funds": table.to_dict("records"), "projects": standing, "open_houses": open_houses}
    lines = [
        *table.to_string(index=False).splitlines(),
        *(f"{PROJECT_LABELS[name]} {n} 个" for name, n in standing.items()),
    ]
    return {**data, "warnings": funds.faults(found)}, [*lines, f"未销档危房 {open_houses} 户", *funds.faults(found)]


@command("project office history P2018-00001", project)
@click.argument("project_id")
def history(project_id: str) -> Result:
    """Show every event of a project, the corrected and withdrawn among them."""
    found = events.history(opened().ledger, f"project:{project_id}")
    if not found:
        raise InputError(f"没有编号为 {project_id} 的项目。")
    rows = [
        {**event._asdict(), "at": event.at.isoformat(), "entered": event.entered.isoformat(), "hash": event.hash}
        for event in found
    ]
    lines = [f"{e.seq}\t{e.at}\t{e.kind}\t{e.by}\t{e.payload.get('reason', '')}" for e in found]
    return {"events": rows}, lines


@command("project office verify", project)
def verify() -> Result:
    """Recompute the hash chain of the ledger; exit 3 and name the rows when one was altered by hand."""
    ledger = opened().ledger
    faults = [*ledger.faults(), *(fault.message for fault in events.verify(ledger))]
    return {"faults": faults, "failed": bool(faults)}, faults or ["账本完好，没有被改动。"]


def _need(text: str) -> tuple[str, str]:
    unit, mark, need = text.partition(":")
    if not (unit and mark and need):
        raise InputError(f"“{text}”要写成 编号:事项，例如 V1:hardened_road。")
    return unit, need
