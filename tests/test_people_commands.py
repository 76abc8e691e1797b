"""Accounts from the command line: the first is an administrator's, passwords never stand on the line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from tests.policies_path import POLICY
from tracker import accounts
from tracker.office import create, open_office

PASSWORD = "zhen-hao-9-mima"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    create(tmp_path / "office", policy=POLICY, name="试验县").close()
    return tmp_path / "office"


def run(office: Path, *arguments: str, password: str = PASSWORD):
    return CliRunner().invoke(cli, ["user", str(office), *arguments], env={"QIYOU_PASSWORD": password})


def test_the_first_user_has_to_be_an_administrator(office: Path) -> None:
    done = run(office, "add", "li", "--role", "planner")
    assert done.exit_code == 2
    assert "管理员" in done.output
    assert run(office, "add", "admin", "--role", "administrator").exit_code == 0
    assert run(office, "add", "li", "--role", "town_clerk", "--town", "东山街道").exit_code == 0


def test_accounts_are_listed_closed_and_given_a_password(office: Path) -> None:
    run(office, "add", "admin", "--role", "administrator", "--name", "王")
    run(office, "add", "li", "--role", "planner")
    assert run(office, "close", "li").exit_code == 0
    assert run(office, "password", "admin", password="ganz-anders-7").exit_code == 0
    listed = json.loads(run(office, "list", "--json").output)["users"]
    assert [(item["username"], item["is_active"]) for item in listed] == [("admin", True), ("li", False)]
    assert PASSWORD not in run(office, "list", "--json").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "li", "--role", "town_clerk"),
        ("close", "niemand"),
        ("close", "admin"),
        ("add", "admin", "--role", "leader"),
    ],
)
def test_a_mistake_is_one_sentence(office: Path, arguments: tuple[str, ...]) -> None:
    run(office, "add", "admin", "--role", "administrator")
    done = run(office, *arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    with open_office(office) as opened:
        assert [user.username for user in accounts.users(opened.ledger)] == ["admin"]


def test_a_weak_password_is_refused(office: Path) -> None:
    assert run(office, "add", "admin", "--role", "administrator", password="admin").exit_code == 2
