"""Briefings: the same figures in every format, the mark everywhere, nobody's name anywhere, names never commands."""

import io
import json
import re
import sqlite3
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pyogrio
import pytest
from click.testing import CliRunner
from pptx import Presentation

from analysis.assess import assess
from cli import cli
from geo.errors import InputError
from tests.drawn import workspace
from tests.drawn_county import RULES, county_layers
from tracker import accounts
from tracker.office import open_office
from views import briefing_fonts, briefing_gpkg, briefing_html, briefing_pdf, briefing_pptx, briefing_xlsx
from views.briefing import make_briefing
from views.briefing_files import KINDS, export_office
from views.briefing_map import draw_pictures
from views.publication import HIDDEN, INTERNAL_MARK, rules_for

DAY = date(2018, 6, 30)
REVIEW = "GS(2024)0650号"
NAMES = ('甲#read("/etc/passwd")', "=HYPERLINK(1)<script>x</script>", "$丙$ *粗* {{7}}")
PERSON = ("卡那利", "440803196512250018", "13912345678", "HUKOU")


@pytest.fixture(scope="module")
def made():
    layers = county_layers()
    layers["villages"]["name"] = NAMES
    homes = layers["households"]
    homes["household_id"] = [f"HUKOU{at}" for at in range(len(homes))]
    homes["head_name"], homes["id_number"], homes["phone"] = PERSON[:3]
    layers["natural_villages"]["name"] = [f"屋（{PERSON[2]}）", f"屋 {PERSON[1]}", "屋"]
    ws = workspace(layers)
    return assess(ws, RULES, DAY), ws


def brief_of(made, **options):
    done, ws = made
    rules = rules_for(RULES, {}, DAY, **options)
    brief = make_briefing(done, ws, RULES, rules, office="测试县")
    return replace(brief, pictures=draw_pictures(done, ws, RULES, brief))


@pytest.fixture(scope="module")
def internal(made):
    return brief_of(made)


@pytest.fixture(scope="module")
def public(made):
    return brief_of(made, is_public=True, review_number=REVIEW)


def opened(content: bytes) -> bytes:
    """Every byte of a file, with the parts of a zip unpacked."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"\n".join(name.encode() + packed.read(name) for name in packed.namelist())


def everything(brief, made) -> dict[str, bytes]:
    done, ws = made
    files = {
        "pptx": briefing_pptx.slides(brief),
        "html": briefing_html.page(brief),
        "xlsx": briefing_xlsx.workbook(brief),
        "pdf": json.dumps(briefing_pdf._data(brief, "x"), ensure_ascii=False).encode() + briefing_pdf.paper(brief),
    }
    if brief.rules.is_public:
        files["gpkg"] = briefing_gpkg.public_file(done, ws, RULES, brief)
    return {kind: opened(content) for kind, content in files.items()}


@pytest.mark.parametrize("which", ["internal", "public"])
def test_nobody_is_named_in_any_byte_of_any_format(which, made, request):
    brief = request.getfixturevalue(which)
    for kind, content in everything(brief, made).items():
        for canary in (*PERSON, "head_name", "id_number"):
            assert canary.encode() not in content, (kind, canary)
            assert canary.encode("utf-16-le") not in content, (kind, canary)


def test_only_an_internal_workbook_asked_for_lists_households(made):
    listed = brief_of(made, with_households=True)
    content = opened(briefing_xlsx.workbook(listed))
    assert b"HUKOU" in content
    assert not any(canary.encode() in content for canary in PERSON[:3])


def test_the_mark_is_on_every_sheet_slide_and_page(internal):
    book = openpyxl.load_workbook(io.BytesIO(briefing_xlsx.workbook(internal)))
    for sheet in book:
        assert INTERNAL_MARK in sheet.oddFooter.left.text, sheet.title
        assert sheet.cell(1, sheet.max_column).value == INTERNAL_MARK
        assert sheet.sheet_state == "visible"
    for slide in Presentation(io.BytesIO(briefing_pptx.slides(internal))).slides:
        assert INTERNAL_MARK in " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        assert not slide.has_notes_slide
    assert INTERNAL_MARK in briefing_html.page(internal).decode()
    assert briefing_pdf._data(internal, "x")["watermark"] == INTERNAL_MARK


def test_sheets_of_the_workbook(internal):
    book = openpyxl.load_workbook(io.BytesIO(briefing_xlsx.workbook(internal)))
    assert {"总览", "分镇", "逐村逐项", "自然村", "路段", "矛盾", "政策参数", "数据依据"} <= set(book.sheetnames)
    assert "危房" not in book.sheetnames
    findings = pd.read_excel(io.BytesIO(briefing_xlsx.workbook(internal)), sheet_name="逐村逐项", engine="calamine")
    assert set(findings["名称"].dropna()) >= set(NAMES)
    assert set(findings["结论"]) <= {"已达标", "缺口", "有争议", "不明"}


def test_no_name_becomes_a_formula_or_markup(internal):
    sheets = opened(briefing_xlsx.workbook(internal)).decode(errors="replace")
    assert "<f>" not in sheets
    assert "<hyperlink " not in sheets
    page = briefing_html.page(internal).decode()
    assert "<script>x" not in page
    assert page.count("<script") == 2
    held = [table["rows"] for table in briefing_pdf._data(internal, "x")["tables"]]
    assert held  # and typst only shows them: the paper is set although a name asks to read a file
    assert briefing_pdf.paper(internal).startswith(b"%PDF")


def test_typst_sets_a_name_that_is_a_command_as_it_is(internal):
    hostile = replace(internal, office='#read("/etc/passwd") $x$ *a*', notes=('#import "x": *', "#panic()"))
    assert briefing_pdf.paper(hostile).startswith(b"%PDF")


def test_a_page_loads_nothing(internal):
    page = briefing_html.page(internal).decode()
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:|//)", page)


def test_the_same_briefing_gives_the_same_bytes(internal, made):
    again = brief_of(made)
    assert [picture.png for picture in again.pictures] == [picture.png for picture in internal.pictures]
    for make in (briefing_pptx.slides, briefing_pdf.paper, briefing_html.page, briefing_xlsx.workbook):
        assert make(again) == make(internal)


def test_a_public_paper_has_aggregates_only(public):
    assert not {"自然村", "路段", "危房", "矛盾"} & set(public.tables)
    assert not {"证据", "编码", "数值", "说明"} & set(public.tables["逐村逐项"].columns)
    assert len(public.pictures) == 1
    assert public.sources["地图界线"].endswith(REVIEW)
    assert all("文件" not in text and ".xlsx" not in text for text in public.sources.values())


def test_small_counts_of_houses_are_hidden_in_public_and_shown_inside(internal, public):
    inside, outside = internal.tables["危房分镇"], public.tables["危房分镇"]
    assert inside.iloc[0]["C级"] == 3
    assert outside.iloc[0]["C级"] == HIDDEN
    assert "C级 3" in internal.figures[-1].note
    assert f"C级 {HIDDEN}，D级 {HIDDEN}" in public.figures[-1].note


def test_a_need_about_few_households_is_given_for_the_whole_only(internal, public):
    assert "饮水安全" in set(internal.tables["逐村逐项"]["项目"])
    assert "饮水安全" not in set(public.tables["逐村逐项"]["项目"])
    assert any("饮水安全" in note for note in public.notes)


def test_without_a_review_number_there_is_no_map_and_no_outline(made, tmp_path):
    done, ws = made
    brief = brief_of(made, is_public=True)
    assert brief.pictures == ()
    assert any("未附地图" in note for note in brief.notes)
    file = tmp_path / "p.gpkg"
    file.write_bytes(briefing_gpkg.public_file(done, ws, RULES, brief))
    assert all(kind is None for _, kind in pyogrio.list_layers(file))


def test_unknown_is_never_a_gap_in_a_briefing(made, internal):
    done, _ = made
    counts = done.findings["status"].value_counts()
    rows = internal.tables["逐村逐项"]["结论"].value_counts()
    assert (rows.get("缺口", 0), rows.get("不明", 0)) == (counts.get("gap", 0), counts.get("unknown", 0))
    overview = internal.tables["总览"]
    assert overview["缺口"].sum() == counts["gap"]


def test_a_machine_without_chinese_says_what_to_install():
    with pytest.raises(InputError, match="fonts-noto-cjk"):
        briefing_fonts.choose_font({"DejaVu Sans": Path("x.ttf")})


def test_letters_that_the_font_lacks_are_named():
    font = briefing_fonts.find_font()
    assert briefing_fonts.missing_letters(["甲村\n", "\U0010fffd甲"], font) in (("\U0010fffd",), ())
    assert briefing_fonts.missing_letters(["\u1234"], font) == ("\u1234",)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    out = tmp_path_factory.mktemp("office")
    assert CliRunner().invoke(cli, ["demo", "--size", "tiny", "--out", str(out)]).exit_code == 0
    desk = open_office(out / "office")
    village = desk.workspace().layers["villages"]["village_id"].iloc[0]
    rows = pd.DataFrame(
        {
            "household_id": ["HUKOU1"],
            "village_id": [village],
            "members": [3],
            "category": ["wubao"],
            "housing_grade": ["D"],
        }
        | {"head_name": [PERSON[0]], "id_number": [PERSON[1]], "phone": [PERSON[2]], "address": ["卡那利巷1号"]}
    )
    rows.to_csv(out / "more.csv", index=False)
    assert desk.add_layer("households", out / "more.csv", as_of=desk.default_day(), part="more").stored == 1
    desk.close()
    return out / "office"


@pytest.mark.parametrize("kind", ["gpkg", "xlsx"])
@pytest.mark.parametrize("is_public", [False, True])
def test_the_command_writes_files_without_private_columns(office, tmp_path, kind, is_public):
    file = tmp_path / f"a.{kind}"
    options = ["--public"] if is_public else []
    done = CliRunner().invoke(cli, ["export", str(office), "--to", kind, "--out", str(file), *options])
    assert done.exit_code == 0, done.output
    content = opened(file.read_bytes())
    hidden = PERSON if kind == "gpkg" or is_public else PERSON[:3]
    assert not [canary for canary in hidden if canary.encode() in content]


def test_a_geopackage_explains_its_columns_and_holds_no_household(office, tmp_path):
    with open_office(office) as desk:
        export_office(desk, tmp_path / "a.gpkg", kind="gpkg")
    names = {str(name) for name, _ in pyogrio.list_layers(tmp_path / "a.gpkg")}
    assert {"field_dictionary", "notice", "village_findings"} <= names
    assert "households" not in names
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        assert base.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert base.execute("SELECT count(*) FROM field_dictionary WHERE \"table\"='villages'").fetchone()[0] >= 8
    base.close()


def test_every_export_is_written_down(office, tmp_path):
    with open_office(office) as desk:
        export_office(desk, tmp_path / "a.xlsx", kind="xlsx", is_public=True, by="李工")
        entry = accounts.access_log(desk.ledger)[-1]
    assert (entry.by, entry.payload["action"]) == ("李工", "export")
    assert "公开版" in entry.payload["conditions"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", "pdf", "--out", "a.docx"],
        ["--to", "pdf", "--out", "a.pdf", "--public", "--review-number", ""],
        ["--to", "pdf", "--out", "a.pdf", "--review-number", REVIEW],
    ],
)
def test_mistakes_end_in_one_sentence_and_write_nothing(office, tmp_path, arguments, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["export", str(office), *arguments])
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_kinds_of_files_are_those_of_the_contract():
    assert KINDS == ("xlsx", "gpkg", "html", "map", "pptx", "pdf")


def test_the_panel_makes_a_file_of_what_is_on_screen(made, office):
    from streamlit.testing.v1 import AppTest

    from tests import page_context
    from views.context import Context

    def script():
        from tests.page_context import context_now
        from views.briefing_panel import offer

        offer(context_now())

    done, ws = made
    with open_office(office) as desk:
        context = Context(desk, ws, RULES, done, DAY, "zh")
        page_context.HELD["context"] = context
        page = AppTest.from_function(script, default_timeout=60).run()
        assert not page.exception
        page.button(key="briefing_make").click().run()
        assert not page.exception
        assert page.session_state["briefing_made"]["content"].startswith(b"PK")
        assert accounts.access_log(desk.ledger)[-1].payload["what"] == "汇报 pptx"
        page.toggle(key="briefing_public").set_value(True).run()
        page.text_input(key="review_number").set_value("无").run()
        page.button(key="briefing_make").click().run()
        assert "审图号" in page.error[0].value
        assert "briefing_made" not in page.session_state


def test_who_may_not_export_sees_no_panel_and_a_town_clerk_no_public_version():
    from views.briefing_panel import kinds_for

    clerk = accounts.User("li", "李工", "town_clerk", towns=("甲镇",))
    assert kinds_for(clerk, is_public=True) == ()
    assert "gpkg" not in kinds_for(clerk, is_public=False)


def test_proof_by_a_household_is_not_published():
    findings = pd.DataFrame({"evidence_layer": ["households", "roads"], "evidence_id": ["HUKOU1", "r1"]})
    assert briefing_gpkg._impersonal("findings", findings)["evidence_id"].fillna("").tolist() == ["", "r1"]
    wrong = pd.DataFrame({"unit_id": ["HUKOU1", "v1"], "need": ["location", "clinic"]})
    assert briefing_gpkg._impersonal("contradictions", wrong)["unit_id"].tolist() == ["v1"]


def test_slides_hold_no_clock(internal):
    with zipfile.ZipFile(io.BytesIO(briefing_pptx.slides(internal))) as packed:
        assert {part.date_time[0] for part in packed.infolist()} == {2000}


@pytest.mark.parametrize("kept", [("villages",), ("villages", "roads", "natural_villages"), ("households", "villages")])
@pytest.mark.parametrize("is_public", [False, True])
def test_an_office_with_few_layers_has_a_briefing_too(kept, is_public):
    layers = {name: frame for name, frame in county_layers().items() if name in kept}
    ws = workspace(layers)
    made = assess(ws, RULES, DAY), ws
    brief = brief_of(made, is_public=is_public)
    assert briefing_pptx.slides(brief).startswith(b"PK")
    assert briefing_pdf.paper(brief).startswith(b"%PDF")
    assert b"</html>" in briefing_html.page(brief)
