"""Mend what was entered wrongly, on the command line: correct or take back a step, money or a reported figure."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from commands.project import happened, yuan
from commands.shell import FILE, FOLDER, Result, cli, command, read_day
from geo.errors import InputError
from tracker import events, evidence, funds, measures, mending
from tracker.houses import MOVED as HOUSE_STEPS
from tracker.office import Office, open_office
from tracker.projects import MOVED as PROJECT_STEPS
from tracker.status import CLOSE_REASONS, TREATMENTS

by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")
at_option = click.option("--at", help="the day it really happened (default as it was)")
why_option = click.option("--why", required=True, help="what was wrong; it is kept")


@cli.group("mend", epilog="\b\nExample:\n  python cli.py mend office step 42 --at 2018-05-03 --why 日期写错")
@click.argument("office", type=FOLDER)
@click.pass_context
def mend(ctx: click.Context, office: Path) -> None:
    """Correct or take back an entry by its number; what it said stays readable."""
    ctx.obj = ctx.with_resource(open_office(office))


@command("mend office step 42 --at 2018-05-03 --cost 59.8 --why 日期和造价写错", mend)
@click.argument("seq", type=int)
@at_option
@click.option("--cost", help="actual cost, 万元")
@click.option("--length-km", "actual_length_km", type=float, help="actual length")
@click.option("--grade", type=click.Choice(["A", "B", "C", "D"]))
@click.option("--treatment", type=click.Choice(list(TREATMENTS)))
@click.option("--close-reason", type=click.Choice(list(CLOSE_REASONS)))
@click.option("--notice-from", help="first day of the public notice")
@click.option("--evidence", "files", type=FILE, multiple=True, help="those given replace the former; may be repeated")
@why_option
@by_option
def step(seq: int, at: str | None, cost: str | None, files: Sequence[Path], why: str, by: str, **given: Any) -> Result:
    """Correct the day, evidence or details of a step of a project or a house."""
    office = _office()
    notice = read_day(given.pop("notice_from"))
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {"actual_cost_cny": str(yuan(cost))} if cost is not None else {}
    changes |= {"notice_from": notice.isoformat()} if notice else {}
    proof = [evidence.keep(office.path, file.name, file.read_bytes()) for file in files] if files else None
    day = happened(office, at) if at else None
    number = mending.correct_step(office.ledger, seq, by=by, why=why, at=day, evidence=proof, changes=changes)
    return {"seq": number, "corrects": seq}, [f"第 {seq} 号已由第 {number} 号更正，原记录仍可查。"]


@command("mend office money 57 --amount 60 --why 多写了一个零", mend)
@click.argument("seq", type=int)
@click.option("--amount", help="万元; negative for a refund, with --note")
@click.option("--source", help="whose money")
@click.option("--year", type=int)
@click.option("--project", "project_id")
@click.option("--town")
@click.option("--document")
@at_option
@why_option
@by_option
def money(seq: int, amount: str | None, at: str | None, why: str, by: str, **given: Any) -> Result:
    """Correct what a posting of money says."""
    office = _office()
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {"amount_cny": yuan(amount)} if amount is not None else {}
    day = happened(office, at) if at else None
    number = funds.correct(office.ledger, seq, by=by, at=day, note=why, **changes)
    return {"seq": number, "corrects": seq}, [f"第 {seq} 号已由第 {number} 号更正，原记录仍可查。"]


@command("mend office figure 61 0.62 --why 报表抄错", mend)
@click.argument("seq", type=int)
@click.argument("value", type=float)
@at_option
@why_option
@by_option
def figure(seq: int, value: float, at: str | None, why: str, by: str) -> Result:
    """Correct a reported figure of a target."""
    office = _office()
    day = happened(office, at) if at else None
    measure = events.event(office.ledger, seq).subject.removeprefix("measure:")
    unit = {target.measure: target.unit for target in load_policy(office.policy_path).targets}.get(measure, "")
    number = measures.correct(office.ledger, seq, value, at=day, by=by, why=why, unit=unit)
    return {"seq": number, "corrects": seq}, [f"第 {seq} 号已由第 {number} 号更正，原记录仍可查。"]


@command("mend office withdraw 57 --why 重复登记", mend)
@click.argument("seq", type=int)
@why_option
@by_option
def withdraw(seq: int, why: str, by: str) -> Result:
    """Take a step, money or a reported figure back that never was; the steps left must still be allowed."""
    ledger = _office().ledger
    kind = events.event(ledger, seq).kind
    if kind in (*PROJECT_STEPS, *HOUSE_STEPS):
        number = mending.withdraw_step(ledger, seq, by=by, reason=why)
    elif kind in (*funds.KINDS, measures.OBSERVED):
        number = events.withdraw(ledger, seq, by=by, reason=why).seq
    else:
        raise InputError(f"第 {seq} 号不是步骤、资金或实际数，不能在这里撤回。")
    return {"seq": number, "withdrawn": seq}, [f"第 {seq} 号已撤回（第 {number} 号），原记录仍可查。"]


def _office() -> Office:
    office: Office = click.get_current_context().obj
    return office
