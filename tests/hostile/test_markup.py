"""Names that are markup, script, Markdown or commands, in every place where a name is shown (safety.md W01–W03)."""

import ast
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from google.protobuf.descriptor import FieldDescriptor
from pptx import Presentation
from streamlit.testing.v1 import AppTest

from analysis.assess import assess
from analysis.policy import load_policy
from tests.drawn import DAY
from tests.hostile.payloads import MARKDOWN, MARKUP, NAMES, TYPST, hostile_office
from tests.page_context import HELD
from tests.policies_path import POLICY
from views import briefing_html, briefing_pdf, briefing_pptx, briefing_xlsx, desk, moving, server
from views.briefing import make_briefing
from views.compile import inline_json
from views.context import Context
from views.plain import UNSEEN, plain
from views.publication import rules_for
from views.tilestore import Identity, store

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("overview", "coverage", "roads", "programme", "network", "housing", "projects", "ledger", "visits",
         "meeting", "quality", "users")  # fmt: skip
SCRIPT = """
import streamlit as st
from tests.page_context import context_now
from views import moving
from views.pages import {name}
moving.show_notice()
{name}.page(context_now())
"""
# What Streamlit shows as it stands: text, the options of lists, data of tables, charts and our own map component.
SHOWN_AS_IT_IS = {
    ("Text", "body"), ("Selectbox", "options"), ("MultiSelect", "options"), ("MultiSelect", "raw_values"), ("Selectbox", "raw_value"),
    ("BidiComponent", "json"), ("BidiComponent", "mixed"), ("ArrowVegaLiteChart", "spec"), ("TextInput", "value"),
    ("TextInput", "default"), ("DownloadButton", "url"), ("Selectbox", "set_value"), ("Selectbox", "default"),
}  # fmt: skip
ACTS_IN_MARKDOWN = re.compile(
    r"(?<!\\)\]\(https://evil|(?<!\\)<https://evil|(?<!\\)\$\\alpha|(?<!\\):red\[|(?<!\\)<img"
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A county in which every name is one kind of payload, with a project and a note of the same kind."""
    office = hostile_office(tmp_path_factory.mktemp("hostile"))
    policy = load_policy(POLICY)
    workspace = office.workspace(DAY)
    yield Context(office, workspace, policy, assess(workspace, policy, DAY, rasters={}), DAY, "zh")
    office.close()
    desk.desk.cache_clear()


def messages(node: Any) -> Iterator[Any]:
    """Walk every message a page sent."""
    if getattr(node, "proto", None) is not None:
        yield node.proto
    for child in getattr(node, "children", {}).values():
        yield from messages(child)


def strings(message: Any) -> Iterator[tuple[str, str, str]]:
    """Give every text in a message with the message's and the field's name."""
    for field, value in message.ListFields():
        repeated = isinstance(value, (list, tuple)) or hasattr(value, "append")
        for item in value if repeated else [value]:
            if field.type == FieldDescriptor.TYPE_STRING and isinstance(item, str):
                yield message.DESCRIPTOR.name, field.name, item
            elif field.type == FieldDescriptor.TYPE_MESSAGE and hasattr(item, "ListFields"):
                yield from strings(item)


def opened(context: Context, name: str, **state: object) -> AppTest:
    HELD["context"] = context
    page = AppTest.from_string(SCRIPT.format(name=name), default_timeout=60)
    for key, value in state.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("name", PAGES)
def test_w01_w03_no_name_acts_on_a_page(context: Context, name: str) -> None:
    """W01, W03: cards, tables, metrics, buttons, captions, badges, errors of every page."""
    seen = 0
    for village in ("v0", "v1", "v2"):
        chosen = {"selected_villages": village, "selected_natural_villages": village.replace("v", "n")}
        chosen |= {"selected_households": "HUKOU2", "town_kept": None}
        page = opened(context, name, **chosen)
        for message in messages(page._tree):
            for kind, field, text in strings(message):
                seen += any(word in text.replace("\\", "") for word in ("window.__x", "evil.example", "/etc/passwd"))
                if (kind, field) not in SHOWN_AS_IT_IS:
                    assert not ACTS_IN_MARKDOWN.search(text), (kind, field, text[:300])
                if kind == "Html":
                    assert not any(payload in text for payload in NAMES)
        if name not in {"coverage", "overview", "roads", "quality"}:
            break
    if name in {"coverage", "overview", "roads"}:
        assert seen, "the names were shown"


def test_w01_errors_toasts_and_conflicts_are_shown_as_they_are(context: Context) -> None:
    """W01: a sentence that quotes a file name or an entry, as error and as toast."""
    for kind in ("error", "success"):
        page = opened(context, "ledger", **{moving.NOTICE: (kind, f"文件“{MARKDOWN[0]}{MARKUP[0]}”不能读")})
        shown = [*page.error, *page.toast]
        assert shown
        assert not ACTS_IN_MARKDOWN.search(shown[0].value)
        assert MARKDOWN[0] in re.sub(r"\\(.)", r"\1", shown[0].value).replace(UNSEEN, "")


def test_w03_plain_text_reads_back_and_has_no_bare_sign() -> None:
    """W03."""
    for payload in NAMES:
        safe = plain(payload)
        assert re.sub(r"\\(.)", r"\1", safe).replace(UNSEEN, "") == payload
        assert not re.search(r"://|www\.|@\w", re.sub(r"\\(.)", r"\1", safe), re.IGNORECASE), (
            "no address that links itself"
        )
        assert not re.search(r"(?<!\\)[`*_{}\[\]()<>#$|~:!]", re.sub(r"\\\\", "", safe))


READS_MARKDOWN = {
    "error", "warning", "info", "success", "toast", "markdown", "caption", "button", "badge", "subheader", "header", "expander", "popover",
}  # fmt: skip
TYPED = {"name", "title", "message", "reason", "subject", "file_name", "by", "note"}


def is_bare(node: ast.expr) -> bool:
    """Tell whether a value goes as it is: the text of an error, or a field that a person may have typed."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value in TYPED
    is_text = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str"
    return is_text or (isinstance(node, ast.Attribute) and node.attr in TYPED)


def test_w03_no_sentence_reaches_markdown_unguarded() -> None:
    """W03: no page hands the text of an error, or a name as it was typed, to a place that reads Markdown."""
    loose = []
    for path in (ROOT / "views").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            if node.func.attr in READS_MARKDOWN:
                first = node.args[0]
                parts = first.values if isinstance(first, ast.JoinedStr) else [first]
                values = [part.value if isinstance(part, ast.FormattedValue) else part for part in parts]
                loose += [f"{path.relative_to(ROOT)}:{node.lineno}" for value in values if is_bare(value)]
    assert loose == []


@pytest.fixture(scope="module")
def brief(context: Context) -> Any:
    rules = rules_for(context.policy, {}, DAY, with_households=True)
    return make_briefing(context.assessment, context.workspace, context.policy, rules, office=context.office.name)


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name).decode("utf-8", "replace") for name in packed.namelist()}


def test_w01_w04_a_workbook_holds_names_as_text_and_no_link(brief: Any) -> None:
    """W01, W04 xlsx."""
    content = briefing_xlsx.workbook(brief)
    for name, text in parts(content).items():
        assert "<f>" not in text, name
        assert "<hyperlink" not in text, name
        assert "<img" not in text, name
    book = openpyxl.load_workbook(io.BytesIO(content))
    held = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert any(MARKUP[0] in text for text in held)
    assert any(TYPST[0] in text for text in held)


def test_w01_slides_hold_names_as_text(brief: Any) -> None:
    """W01 PPTX: no link, no action, no picture from elsewhere."""
    content = briefing_pptx.slides(brief)
    for name, text in parts(content).items():
        assert "<img" not in text, name
        assert "hlinkClick" not in text, name
        if name.endswith(".rels"):
            assert "evil.example" not in text
            assert 'TargetMode="External"' not in text
    deck = Presentation(io.BytesIO(content))
    assert MARKUP[0] in " ".join(s.text_frame.text for slide in deck.slides for s in slide.shapes if s.has_text_frame)


def test_w03_paper_sets_commands_as_words(brief: Any) -> None:
    """W03 PDF: typst gets the names as data; nothing is read, imported or linked."""
    content = briefing_pdf.paper(brief)
    assert content.startswith(b"%PDF")
    assert b"/URI" not in content
    assert b"/JavaScript" not in content
    assert b"/Launch" not in content
    assert b"root:" not in content
    source = (ROOT / "views" / "briefing.typ").read_text("utf-8")
    assert "eval(" not in source
    assert "json(" in source or "sys.inputs" in source


def test_w01_w02_a_page_to_mail_holds_names_as_text(brief: Any) -> None:
    """W01, W02 HTML briefing."""
    page = briefing_html.page(brief).decode()
    before_scripts = page.split("<script", 1)[0]
    assert "<img src=x" not in before_scripts
    assert "<iframe" not in page
    assert html.escape(MARKUP[0]) in before_scripts
    data = re.search(r'<script type="application/json" id="tables">(.*?)</script>', page, flags=re.DOTALL)
    assert data
    assert not set("<>\u2028\u2029") & set(data[1])
    assert any(MARKUP[2] in text for text in re.findall(r'"([^"]*window[^"]*)"', json.dumps(json.loads(data[1])))) or (
        "window.__x" in json.dumps(json.loads(data[1]))
    )
    assert "innerHTML" not in page


@pytest.mark.parametrize("payload", NAMES)
def test_w02_any_name_is_inert_in_script_data(payload: str) -> None:
    """W02: legend, tooltips and map definitions travel as JSON in which nothing can end a script."""
    text = inline_json({payload: [payload]})
    assert json.loads(text) == {payload: [payload]}
    assert not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize("payload", NAMES)
def test_w01_w20_a_file_name_stays_a_file_name(payload: str) -> None:
    """W01 file name: the header has one line, the file is saved and never shown."""
    token = store().add_download(b"x", file_name=payload + ".csv", media_type="text/html", user="张三")
    asked = type("R", (), {"path_params": {"token": token}})()
    answer = server._download(asked, Identity("张三"))  # type: ignore[arg-type]
    head = answer.headers["content-disposition"]
    assert head.startswith("attachment; filename*=UTF-8''")
    assert not set("\r\n\"<>;'`") & set(head.removeprefix("attachment; filename*=UTF-8''"))
