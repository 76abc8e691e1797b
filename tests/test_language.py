"""Every word on screen comes from the one catalogue: no page and no script of the map writes Chinese of its own."""

import ast
import re
from pathlib import Path

import pytest

from analysis.policy import load_policy
from views.labels import catalogue
from views.maps import words
from views.policy_words import spoken

ROOT = Path(__file__).resolve().parents[1]
CHINESE = re.compile(r"[\u3400-\u9fff]")
POLICIES = sorted((ROOT / "policies").glob("*.toml"))

# What stays Chinese, and why. Errors (raise …) are Chinese in every room: they come from below, where no language is known.
PAPERS = {
    "briefing.py", "briefing_files.py", "briefing_gpkg.py", "briefing_html.py", "briefing_map.py", "briefing_pdf.py",
    "briefing_pptx.py", "briefing_tables.py", "briefing_xlsx.py", "publication.py", "printed_list.py", "printed_parts.py", "visit_files.py",
    "visit_known.py", "visit_map.py", "visit_pdf.py",
}  # papers issued to Chinese offices, in the form they expect  # fmt: skip
COMMAND_LINE = {"reports.py", "plan_reports.py"}  # sentences of the command line, which is Chinese
ANSWERS = {
    "server.py",
    "basemap.py",
    "oidc.py",
    "signin.py",
    "audit.py",
    "warm.py",
}  # before anybody chose a language; server logs
ALLOWED = {
    "labels.py": "units beside numbers, and examples",
    "chrome.py": "the names of the languages and of the product; the mark in an invented office's name",
    "context.py": "the mark in an invented office's name",
    "bookmarks.py": "reasons kept in the ledger",
    "ledger.py": "conditions kept in the log, sources kept in the ledger",
    "entry.py": "conditions kept in the log",
    "library_edits.py": "what is wrong with a row of a bureau's own form",
    "rescore.py": "a word that stands in sentences from below",
    "own_list.py": "column names of a bureau's own list",
    "hindsight.py": "column names of a bureau's own list, and the mark in sums from below",
    "template_panel.py": "columns and file names of a bureau's own workbook",
    "visit_merging.py": "names of the sheets of a visit",
    "drawing.py": "the sign by which a unit is a price",
}


def texts_of(path: Path) -> list[tuple[int, str]]:
    """Name every Chinese literal of a module that is neither a docstring nor part of an error."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            skipped |= {id(part) for part in ast.walk(node)}
        elif isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr):
            skipped.add(id(node.body[0].value))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped and CHINESE.search(str(node.value)):
            found.append((node.lineno, str(node.value)))
        elif isinstance(node, ast.keyword) and CHINESE.search(node.arg or ""):
            found.append((node.value.lineno, str(node.arg)))
    return found


def test_no_page_writes_chinese_outside_the_catalogue() -> None:
    free = PAPERS | COMMAND_LINE | ANSWERS | set(ALLOWED)
    wrong = {
        path.relative_to(ROOT).as_posix(): found
        for path in sorted((ROOT / "views").rglob("*.py"))
        if path.name not in free and (found := texts_of(path))
    }
    assert wrong == {}, "put these into views/labels.toml and ask with say() or label()"


def test_what_is_allowed_to_stay_chinese_is_needed() -> None:
    modules = {path.name: path for path in (ROOT / "views").rglob("*.py")}
    assert [name for name in sorted(set(ALLOWED) | ANSWERS | COMMAND_LINE) if not texts_of(modules[name])] == []


@pytest.mark.parametrize("path", sorted((ROOT / "views" / "component").glob("*.js")), ids=lambda path: path.name)
def test_the_map_is_given_its_words(path: Path) -> None:
    code = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
    assert CHINESE.findall(code) == []


def test_every_word_the_map_asks_for_is_in_the_catalogue() -> None:
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "views" / "component").glob("*.js")))
    asked = set(re.findall(r'\bword\("(\w+)"', code))
    asked |= {f"{tool}_{end}" for tool in ("box", "lasso", "distance", "area") for end in ("tool", "how")}
    assert len(asked) > 30
    assert asked <= set(catalogue()["map"])
    assert not CHINESE.search("".join(words("en").values()))


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_needs_and_targets_have_english_names_and_nothing_else_changes(path: Path) -> None:
    policy = load_policy(path)
    english = spoken(policy, "en")
    names = [*(need.label for need in english.needs), *(need.group for need in english.needs)]
    names += [target.label for target in english.targets]
    assert [name for name in names if CHINESE.search(name)] == []
    assert (english.digest, english.title) == (policy.digest, policy.title)
    assert [(n.id, n.reference, n.quote, n.parameters) for n in english.needs] == [
        (n.id, n.reference, n.quote, n.parameters) for n in policy.needs
    ]
    assert spoken(policy, "zh") is policy


def test_english_texts_hold_no_chinese() -> None:
    free = {("app", "name"), ("text", "units_sheet_help")}  # the column names a sheet must have
    wrong = [
        (group, key, texts["en"])
        for group, keys in catalogue().items()
        for key, texts in keys.items()
        if CHINESE.search(texts["en"]) and (group, key) not in free
    ]
    assert wrong == []
