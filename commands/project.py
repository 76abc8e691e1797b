"""The tracker on the command line: list, propose, move, fund, totals, history, verify."""

import getpass
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from commands.shell import FILE, FOLDER, Result, cli, command, progress, read_day
from geo.errors import InputError
from tracker import events, evidence, funds, houses, money, projects
from tracker.office import Office, open_office
from tracker.status import PROJECT_LABELS
from views.assessing import assess_office
from views.context import Context
from views.labels import label
from views.recheck import data_day, standings
from views.recheck import still_open as still_open_of

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


def today(office: Office, text: str | None) -> date:
    """Return the day given, else the office's today."""
    return read_day(text) or office.today


def happened(office: Office, text: str | None) -> date:
    """Return the day something happened (default the office's today); InputError for a day that has not come yet."""
    day = today(office, text)
    if day > office.today:
        raise InputError(f"{day} 还没有到（今天是 {office.today}）。这里登记已经发生的事，请核对日期。")
    return day


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
    office = opened()
    number = projects.propose(office.ledger, description, at=happened(office, at), by=by)
    return {"project_id": number}, [f"已登记 {number}：{description.title}"]


@command("project office move P2018-00001 验收 --evidence 验收单.pdf --cost 59.8", project)
@click.argument("project_id")
@click.argument("status")
@click.option("--reason", default="")
@click.option("--evidence", "files", type=FILE, multiple=True, help="paper or photo; may be repeated")
@click.option("--cost", help="actual cost, 万元")
@click.option("--length-km", type=float, help="actual length")
@click.option("--still-open", multiple=True, help="UNIT:NEED seen to be still a gap, besides those of the map")
@click.option("--assess/--no-assess", default=True, show_default=True, help="on closing, check its needs on the map")
@at_option
@by_option
def move(
    project_id: str, status: str, reason: str, files: Sequence[Path], at: str | None, by: str, **rest: Any
) -> Result:
    """Take a project one step further: 立项, 招标, 开工, 竣工, 验收, 销号 (or back, with a reason).

    Closing looks every need of the project up on the map of the newest data and asks for a reason where one is still a gap.
    """
    office = opened()
    to, day = status_of(status), happened(office, at)
    is_checked = to == "closed" and rest["assess"]
    found, said = recheck(office, projects.project(office.ledger, project_id)) if is_checked else ([], [])
    still_open = [_need(text) for text in rest["still_open"]] + found
    for line in said:
        progress(line)
    stored = [evidence.keep(office.path, file.name, file.read_bytes()) for file in files]
    version = projects.move(
        office.ledger,
        project_id,
        to,
        at=day,
        by=by,
        reason=reason,
        evidence=stored,
        actual_cost_cny=yuan(rest["cost"]),
        actual_length_km=rest["length_km"],
        still_open=still_open,
    )
    data = {"project_id": project_id, "status": to, "version": version, "recheck": said}
    return data, [f"{project_id} 已到“{PROJECT_LABELS[to]}”"]


def recheck(office: Office, item: projects.Project) -> tuple[list[tuple[str, str]], list[str]]:
    """Look up on the map what a project was to close: what is still open, and a line for every need."""
    if not item.description.needs:
        return [], []
    try:
        day = office.default_day()
    except InputError:
        return [], ["办公室还没有图层，销号前没有能复核的地图。"]
    done = assess_office(office, day=day)
    context = Context(office, office.workspace(day), load_policy(office.policy_path), done, day, "zh")
    found = standings(context, item.description.needs)
    lines = [f"地图复核（数据到 {day}）：{each.place} {each.label}　{label('status', each.status)}" for each in found]
    late = data_day(context, item)
    return still_open_of(found), [*lines, *([late] if late else [])]


@command("project office amend P2018-00001 --owner 区交通局 --cost 65 --note 设计变更", project)
@click.argument("project_id")
@click.option("--title")
@click.option("--kind")
@click.option("--town")
@click.option("--year", type=int)
@click.option("--owner", help="responsible unit")
@click.option("--village", "villages", multiple=True, help="village id; those given replace the former")
@click.option("--need", "needs", multiple=True, help="UNIT:NEED; those given replace the former")
@click.option("--cost", help="planned cost, 万元")
@click.option("--length-km", "planned_length_km", type=float)
@click.option("--note", help="why it changes")
@at_option
@by_option
def amend(
    project_id: str,
    villages: Sequence[str],
    needs: Sequence[str],
    cost: str | None,
    at: str | None,
    by: str,
    **about: Any,
) -> Result:
    """Change what a project is; what it said before stays in its history."""
    office = opened()
    changes = {name: value for name, value in about.items() if value is not None}
    changes |= {"village_ids": tuple(villages)} if villages else {}
    changes |= {"needs": tuple(_need(text) for text in needs)} if needs else {}
    changes |= {"planned_cost_cny": yuan(cost)} if cost is not None else {}
    if not changes:
        raise InputError("没有写要改什么，例如 --owner 区交通局。")
    seen = projects.version(office.ledger, project_id)
    day = happened(office, at)
    version = projects.amend(office.ledger, project_id, at=day, by=by, expected_version=seen, **changes)
    return {"project_id": project_id, "version": version}, [f"{project_id} 已修改，原内容仍可查。"]


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
    office = opened()
    seq = funds.post(office.ledger, stage, amount_cny=yuan(amount), at=happened(office, at), by=by, **about)
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
