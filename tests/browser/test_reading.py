"""Everybody can read the pages: in English, on a bad projector, on a tablet, from the keyboard alone."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[1] / "views" / "start" / "script.py"
READ = (HERE / "reading.js").read_text("utf-8")
POLICIES = HERE.parents[1] / "policies"
PAGES = (
    "", "coverage", "roads", "programme", "network", "housing", "projects", "ledger", "visits", "compare", "meeting",
    "quality", "users",
)  # fmt: skip
SIZES = ((1366, 768), (1920, 1080), (1024, 768), (768, 1024))
CHINESE = re.compile(r"[\u3400-\u9fff]+")
BELOW = re.compile(
    "没有编入计划|离最短的可能|编入计划"
)  # notes of the calculation, as errors are: no language is known there


@pytest.fixture(scope="module")
def address(serve, office) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(office))


@pytest.fixture(scope="module")
def names(office) -> str:
    """Everything that is data and so stays Chinese: names in the layers, the office, the policies, files."""
    from analysis.policy import load_policy
    from tracker.office import open_office

    found = {"示范县（虚构）", "本机用户", "本机", "中文"}
    for path in POLICIES.glob("*.toml"):
        policy = load_policy(path)
        found |= {policy.title, policy.document, *(need.reference for need in policy.needs)}
    with open_office(office) as held:
        workspace = held.workspace()
        found |= {source.file_name for source in workspace.sources.values()}
        found |= {problem.message for problem in workspace.problems}
        for frame in workspace.layers.values():
            for column in ("name", "town", "provider"):
                if column in frame:
                    found |= set(frame[column].dropna().astype("str"))
    return "\n".join(sorted(found))


def show(page, address: str, name: str, language: str = "zh") -> None:
    page.goto(f"{address}/{name}?lang={language}")
    page.wait_for_selector("[data-testid=stMainBlockContainer] h3", timeout=60_000)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner]')
        && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'""",
        timeout=90_000,
    )
    page.wait_for_timeout(600)


@pytest.mark.parametrize("name", PAGES)
def test_in_english_only_names_are_chinese(page, address, names, name) -> None:
    show(page, address, name, "en")
    found = page.evaluate(READ)
    seen = [text for text in found["chinese"] if not BELOW.search(text)]
    own = [text for text in seen if any(part not in names for part in CHINESE.findall(text))]
    assert own == []
    assert found["lang"] == "en"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_pale_cut_nameless_or_beside_the_screen(page, address, name) -> None:
    show(page, address, name)
    wrong = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(500)
        found = page.evaluate(READ)
        assert found["lang"] == "zh-CN"
        faults = {key: found[key] for key in ("pale", "cut", "nameless") if found[key]}
        if found["sideways"] > 1:
            faults["sideways"] = found["sideways"]
        if faults:
            wrong[f"{width}x{height}"] = faults
    assert wrong == {}


def test_the_keyboard_reaches_the_map_leaves_the_table_and_is_seen(page, address) -> None:
    show(page, address, "coverage")
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "跳到地图"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.classList.contains('atlas-map')")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")  # selects what is at the centre: a village
    page.wait_for_function("() => new URLSearchParams(location.search).get('village')")
    page.locator("#skip-links button", has_text="跳到表格").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.closest('[data-testid=stDataFrame]')")
    for _ in range(6):
        page.keyboard.press("Tab")
    assert page.evaluate("() => !document.activeElement.closest('[data-testid=stDataFrame]')")


def test_the_tour_leads_to_a_page_and_the_other_language_is_one_click(page, address) -> None:
    show(page, address, "")
    page.get_by_role("button", name="导览").click()
    page.get_by_role("dialog").get_by_role("link", name=re.compile("道路硬化")).click()
    page.wait_for_url("**/roads*")
    page.get_by_role("button", name="English").click()
    page.locator("h3", has_text="Road hardening").wait_for()
    page.wait_for_function("() => document.documentElement.lang === 'en'")
    assert page.outside == []


def test_people_who_want_stillness_get_it(chromium, address) -> None:
    context = chromium.new_context(reduced_motion="reduce", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(20_000)
    show(page, address, "")
    durations = page.evaluate(
        "() => [...document.querySelectorAll('*')].map(e => parseFloat(getComputedStyle(e).transitionDuration))"
    )
    assert max(durations) < 0.001
    context.close()
