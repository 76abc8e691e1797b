"""The real app, served: foreign origins, foreign files, paths that lead out, and names that are script (safety.md W01, W02, W08, W11, W12, W21)."""

import http.client
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.hostile.payloads import MARKDOWN, MARKUP, hostile_office
from views.plain import UNSEEN

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).resolve().parents[2] / "views" / "start" / "script.py"


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory) -> str:
    """A county in which every name is a payload, served as it is."""
    office = hostile_office(tmp_path_factory.mktemp("hostile"))
    path = office.path
    office.close()
    return serve(SCRIPT, QIYOU_OFFICE=str(path))


def shaken(address: str, **headers: str) -> str:
    """Knock at the WebSocket by hand and give the first line of the answer."""
    host = urlsplit(address).netloc
    given = {"Host": host, "Origin": address, **headers}
    lines = ["GET /_stcore/stream HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *(f"{name}: {value}" for name, value in given.items())]  # fmt: skip
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=20) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return line.recv(200).split(b"\r\n")[0].decode()


def asked(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    line.request(method, path, body=b"x" if method in {"PUT", "POST"} else None, headers=headers)
    answer = line.getresponse()
    found = answer.status, answer.read()
    line.close()
    return found


def test_w11_another_site_reaches_neither_the_page_nor_an_upload(address) -> None:
    """W11: a WebSocket from our own page opens; from another origin or under another host it does not."""
    assert " 101 " in shaken(address)
    assert " 101 " not in shaken(address, Origin="https://evil.example")
    assert " 101 " not in shaken(address, Host="evil.example")
    upload = "/_stcore/upload_file/11111111-2222-3333-4444-555555555555/66666666-7777-8888-9999-000000000000"
    assert asked(address, upload, "PUT")[0] in {400, 403, 404}
    assert asked(address, "/", Host="evil.example")[0] in {401, 403}


def test_w12_no_path_leads_out_and_no_other_machine_is_looked_up(address) -> None:
    """W12: on every route that takes a path."""
    for root in ("/static/", "/app/static/", "/component/", "/_stcore/bidi-components/", "/media/", "/atlas/assets/d/"):
        for way in (
            "..%2f..%2frun.py",
            "%2e%2e/%2e%2e/run.py",
            "..%5c..%5crun.py",
            "%5c%5chost%5cshare",
            "//evil/x",
            "a%00.js",
            "C:/x",
        ):
            status, content = asked(address, root + way)
            assert status in {400, 401, 403, 404} or b"<title>" in content, (root, way, status)
            assert b"argparse" not in content


def test_w01_w02_w08_names_that_are_script_are_shown_and_files_stay_with_their_person(page, address) -> None:
    """W01, W02: card, table, map, legend in a real browser; W08: the file just downloaded is not for another program."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/media/" in request.url else None)
    for village, expected in (("v0", MARKUP[0]), ("v1", MARKDOWN[0])):
        page.goto(f"{address}/coverage?village={village}")
        page.wait_for_selector("h4", timeout=60_000)
        page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=60_000)
        assert expected in page.locator("h4").first.inner_text().replace(UNSEEN, "")
    assert page.evaluate("() => window.__x === undefined")
    assert page.locator("[href*='evil.example'], [src*='evil.example'], iframe[src^='javascript']").count() == 0
    assert page.locator("img[src='x']").count() == 0
    page.locator("[data-testid=stPopover] button", has_text="下载").first.click()
    with page.expect_download() as coming:
        page.locator("[data-testid=stDownloadButton] button", has_text="CSV").first.click()
    assert Path(coming.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")
    assert [url for url in fetched if re.search(r":\d+/media/[0-9a-f]{16,}\.csv", url)]
    assert asked(address, "/media/" + "0" * 56 + ".csv")[0] == 404
    assert page.outside == []
    assert [text for text in page.faults if "404" not in text] == []
