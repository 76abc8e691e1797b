"""Signing in, a project from gap to closed, and what a leader's browser is never sent – in a real browser."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tracker import accounts, projects
from tracker.office import open_office

pytestmark = pytest.mark.browser
HOME = Path(__file__).resolve().parents[2]
SCRIPT = HOME / "views" / "start" / "script.py"
PASSWORD = "zhen-hao-9-mima"


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    """A tiny synthetic county with a planner, a leader and an administrator."""
    folder = tmp_path_factory.mktemp("tracker")
    done = subprocess.run(
        [sys.executable, str(HOME / "cli.py"), "demo", "--size", "tiny", "--out", str(folder)],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with open_office(folder / "office") as opened:
        for username, role in (("admin", "administrator"), ("ling", "leader"), ("gui", "planner")):
            accounts.add_user(opened.ledger, username, name=f"{role}甲", role=role, password=PASSWORD, by="试")
    return folder / "office"


@pytest.fixture(scope="module")
def address(serve, office) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(office))


def at_rest(page) -> None:
    """Wait until the page has run to its end."""
    page.wait_for_selector("[data-testid=stMainBlockContainer] h3", timeout=90_000)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner]')
        && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'""",
        timeout=90_000,
    )
    page.wait_for_timeout(300)


def sign_in(page, address: str, username: str, path: str = "/") -> None:
    page.goto(address + path)
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("button")
    at_rest(page)


def test_nobody_comes_in_without_signing_in(page, address) -> None:
    page.goto(address + "/projects")
    assert page.url.endswith("/login?to=/projects")
    page.fill("#username", "gui")
    page.fill("#password", "falsch-falsch")
    page.click("button")
    assert "用户名或密码不对" in page.inner_text(".wrong")
    page.fill("#username", "gui")
    page.fill("#password", PASSWORD)
    page.click("button")
    at_rest(page)
    assert page.url == address + "/projects"
    assert page.evaluate("document.cookie").find("qiyou_session") == -1
    assert page.outside == []


def test_signing_out_shuts_the_page(page, address) -> None:
    sign_in(page, address, "gui", "/users")
    page.locator("a.signout").click()
    page.wait_for_url("**/login")
    page.goto(address + "/users")
    assert "/login" in page.url


def test_a_project_from_its_proposal_to_closed(page, address, office) -> None:
    sign_in(page, address, "gui", "/projects")
    page.get_by_role("button", name="新建项目").click()
    form = page.get_by_role("dialog")
    form.get_by_label("项目名称").fill("试验村公共厕所 <b>*</b>")
    form.locator("[data-testid=stSelectbox]").nth(1).click()
    page.get_by_role("option").first.click()
    form.get_by_role("textbox", name="责任单位").fill("区农业局")
    cost = form.locator("[data-testid=stNumberInput] input").nth(1)
    cost.fill("12.5")
    cost.press("Tab")
    form.get_by_role("button", name="登记为储备项目").click()
    form.wait_for(state="detached")
    at_rest(page)
    page.get_by_role("radio", name="下一步").click()
    at_rest(page)
    for step in ("立项", "招标", "开工", "竣工"):
        page.get_by_role("button", name=f"登记“{step}”").click()
        page.get_by_text(f"已登记“{step}”").first.wait_for()
        at_rest(page)
    actual = page.locator("[data-testid=stForm] [data-testid=stNumberInput] input").first
    actual.fill("11.8")
    actual.press("Tab")
    page.get_by_label("或文号、卷宗号").fill("验〔2018〕12号")
    page.get_by_label("或文号、卷宗号").press("Tab")
    page.get_by_role("button", name="登记“验收”").click()
    page.get_by_text("已登记“验收”").first.wait_for()
    at_rest(page)
    page.get_by_role("button", name="登记“销号”").click()
    page.get_by_text("已登记“销号”").first.wait_for()
    with open_office(office) as opened:
        [found] = projects.projects(opened.ledger)
    assert found.label == "销号"
    assert str(found.actual_cost_cny) == "118000.00"
    assert found.evidence == ("验〔2018〕12号",)
    assert page.outside == []


def test_a_leader_is_offered_no_households_and_sent_none(page, address, office) -> None:
    with open_office(office) as opened:
        households = opened.workspace().get("households")["household_id"].astype(str).tolist()
    private = pd.concat([pd.read_parquet(path) for path in (office / "private" / "households").glob("*.parquet")])
    canaries = [text.encode() for text in households[:400]]
    for column in ("head_name", "id_number", "phone"):
        canaries += [str(value).encode() for value in private[column].dropna().head(400) if len(str(value)) > 5]
    received: list[bytes] = []

    def keep(payload: object) -> None:
        received.append(payload if isinstance(payload, bytes) else str(payload).encode())

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    page.on(
        "response", lambda answer: keep(answer.body()) if "/atlas/" in answer.url and answer.status == 200 else None
    )
    sign_in(page, address, "ling")
    for path in ("/", "/coverage", "/roads", "/projects", "/users"):
        page.goto(address + path)
        at_rest(page)
        page.wait_for_timeout(500)
    names = page.locator("header, nav").all_inner_texts()
    assert not any("危房台账" in text for text in names)
    page.goto(address + "/ledger")
    at_rest_or_refused(page)
    whole = b"".join(received)
    assert len(whole) > 10_000, "the pages were really seen"
    assert [text for text in canaries if text in whole] == []


def at_rest_or_refused(page) -> None:
    page.get_by_text("您的角色不能打开这一页").first.wait_for(timeout=60_000)


def test_a_changed_role_ends_an_open_page(page, address, office) -> None:
    with open_office(office) as opened:
        accounts.add_user(opened.ledger, "wei", name="魏", role="planner", password=PASSWORD, by="试")
    sign_in(page, address, "wei", "/projects")
    with open_office(office) as opened:
        accounts.change_user(opened.ledger, "wei", by="admin", is_active=False)
    page.get_by_role("radio", name="资金").click()
    page.wait_for_timeout(1500)
    page.goto(address + "/projects")
    assert "/login" in page.url
    assert os.environ.get("QIYOU_OFFICE") is None
