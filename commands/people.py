"""Commands for accounts: who may sign in to an office, from the machine it stands on."""

import os
from pathlib import Path

import click

from commands.shell import FOLDER, Result, cli, command
from geo.errors import InputError
from tracker import accounts
from tracker.accounts import ROLE_LABELS, SECTORS
from tracker.office import Office, open_office

PASSWORD_VARIABLE = "QIYOU_PASSWORD"  # noqa: S105 - the name of a variable, not a password


@cli.group("user", epilog="\b\nExample:\n  python cli.py user office add wang --role administrator --name 王科长")
@click.argument("office", type=FOLDER)
@click.pass_context
def user(ctx: click.Context, office: Path) -> None:
    """Accounts of an office: add, list, close, password. From the first one on everybody has to sign in."""
    ctx.obj = ctx.with_resource(open_office(office))


@command("user office add wang --role town_clerk --town 东山街道", user)
@click.argument("username")
@click.option("--role", type=click.Choice(list(ROLE_LABELS)), required=True)
@click.option("--name", default="", help="full name")
@click.option("--sector", type=click.Choice(SECTORS), help="for a bureau")
@click.option("--town", "towns", multiple=True, help="only this town; may be repeated")
@click.option("--by", default="本机", show_default=True, help="who opens the account")
@click.option("--no-password", is_flag=True, help="signs in by the office's identity provider only")
def add(
    username: str, role: str, name: str, sector: str | None, towns: tuple[str, ...], by: str, no_password: bool
) -> Result:
    """Open an account. The password is asked for, or taken from the variable QIYOU_PASSWORD; never from the line."""
    ledger = _office().ledger
    if not accounts.has_users(ledger) and role != "administrator":
        raise InputError("第一个用户要是管理员（--role administrator），否则没有人能管理用户。")
    password = None if no_password else _password()
    made = accounts.add_user(
        ledger, username, name=name, role=role, password=password, by=by, sector=sector or "", towns=towns
    )
    return vars(made), [f"已建立用户 {made.username}（{ROLE_LABELS[made.role]}）。从现在起打开网页要先登录。"]


@command("user office list", user)
def list_() -> Result:
    """List the accounts, the closed ones too."""
    found = accounts.users(_office().ledger)
    lines = [
        f"{item.username}　{item.name}　{ROLE_LABELS[item.role]}　{'、'.join(item.towns) or '全县'}"
        f"{'' if item.is_active else '　已停用'}"
        for item in found
    ]
    return {"users": [vars(item) for item in found]}, lines or ["还没有用户：只有这台机器能打开，不用登录。"]


@command("user office close wang", user)
@click.argument("username")
@click.option("--by", default="本机", show_default=True)
def close(username: str, by: str) -> Result:
    """Close an account; all its sessions end at once."""
    made = accounts.change_user(_office().ledger, username, by=by, is_active=False)
    return vars(made), [f"{made.name} 已停用，登录立即失效。"]


@command("user office password wang", user)
@click.argument("username")
@click.option("--by", default="本机", show_default=True)
def password(username: str, by: str) -> Result:
    """Set a new password; all sessions of the account end at once."""
    accounts.set_password(_office().ledger, username, _password(), by=by)
    return {"username": username}, [f"{username} 的密码已重设，原登录失效。"]


def _office() -> Office:
    office: Office = click.get_current_context().obj
    return office


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    return (
        given if given is not None else str(click.prompt("密码", hide_input=True, confirmation_prompt=True, err=True))
    )
