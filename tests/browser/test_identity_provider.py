"""Signing in by the office's identity provider in a real browser, the provider being another site."""

from pathlib import Path

import pytest

from tests import fake_issuer
from tests.browser.conftest import free_port
from tests.policies_path import POLICY
from tracker import accounts, oidc
from tracker.office import create

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).resolve().parents[2] / "views" / "start" / "script.py"


def test_from_our_form_to_the_provider_and_back_into_a_page(chromium, serve, tmp_path) -> None:
    """The way back starts on another site: a strict cookie must be there all the same when the page opens."""
    port = free_port()
    with fake_issuer.running() as issuer:
        issuer.address = issuer.address.replace("127.0.0.1", "localhost")
        issuer.has_form = True
        with create(tmp_path / "office", policy=POLICY, name="试验县") as office:
            accounts.add_user(office.ledger, "admin", name="管", role="administrator", password="zhen-hao-9", by="试")
            accounts.add_user(office.ledger, "wang", name="王科长", role="leader", password=None, by="试")
        with (tmp_path / "office" / "office.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[oidc]\nissuer = "{issuer.address}"\nclient_id = "{fake_issuer.CLIENT}"\n')
            file.write(f'address = "http://127.0.0.1:{port}"\nlabel = "县统一身份认证"\n')
        address = serve(
            SCRIPT, PORT=str(port), QIYOU_OFFICE=str(tmp_path / "office"), **{oidc.SECRET_VARIABLE: fake_issuer.SECRET}
        )
        context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{address}/users")
        page.get_by_role("link", name="用县统一身份认证登录").click()
        page.wait_for_url(f"{issuer.address}/authorize**")
        page.click("#yes")
        page.wait_for_url(f"{address}/users")
        page.get_by_text("王科长").or_(page.get_by_text("试验县")).first.wait_for()
        assert "/login" not in page.url
        assert "qiyou" not in page.evaluate("document.cookie")
        page.goto(f"{address}/logout")
        page.wait_for_url(f"{issuer.address}/logout**")
        page.goto(f"{address}/users")
        assert page.url.endswith("/login?to=/users")
        context.close()
