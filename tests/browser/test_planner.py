"""What a planner does all day: open a village down to its proof, click a road, send a link, come back, keep a decision."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).resolve().parents[2] / "views" / "start" / "script.py"
POLICIES = Path(__file__).resolve().parents[2] / "policies"
ATLAS = "document.querySelector('.atlas-holder')?.atlas"  # none while a page is composed anew
PLACE = (
    f"() => {{ const m = {ATLAS}.map, c = m.getCenter(); return [c.lng.toFixed(3), c.lat.toFixed(3), m.getZoom()]; }}"
)
SCROLL = "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollHeight - m.clientHeight; }"


@pytest.fixture(scope="module")
def proven(office) -> tuple[str, str, str, str]:
    """A village, a need that a road or a facility decides, and the layer and id of that proof."""
    from analysis.assess import assess
    from analysis.policy import load_policy
    from tracker.office import open_office

    with open_office(office) as held:
        findings = assess(
            held.workspace(), load_policy(POLICIES / "zhanjiang-edz-2016.toml"), held.default_day()
        ).findings
    rows = findings[(findings["unit_kind"] == "village") & findings["evidence_layer"].isin(["roads", "facilities"])]
    row = rows[rows["evidence_id"].astype(str).str.len() > 0].sort_values("evidence_layer", ascending=False).iloc[0]
    return row["unit_id"], row["need"], row["evidence_layer"], str(row["evidence_id"]).split(";")[0]


@pytest.fixture(scope="module")
def address(serve, office) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(office))


def at_rest(page) -> None:
    page.wait_for_timeout(400)
    page.wait_for_selector("[data-testid=stMainBlockContainer] h3")
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner]')
        && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'""",
        timeout=90_000,
    )


def show(page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    at_rest(page)
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=90_000)
    at_rest(page)


def test_the_proof_is_named_and_flashes_and_every_need_is_told(page, address, proven) -> None:
    village, need, layer, proof = proven
    named = {"village": village, "need": need}
    show(page, address, "coverage?" + "&".join(f"{key}={value}" for key, value in named.items()))
    page.evaluate(
        f"() => {{ const o = {ATLAS}.overlay, was = o.flash.bind(o); window.flashed = [];"
        " o.flash = (f) => { window.flashed.push(f[0]); was(f); }; }"
    )
    assert proof in page.inner_text("body")
    page.get_by_text("在地图上指出证据").first.click()
    at_rest(page)
    page.wait_for_function(f"() => window.flashed.includes('{layer}') || {ATLAS}?.overlay.flashing")
    page.get_by_text("结论、数值、要求、条款").first.click()
    table = page.locator(".st-key-every_need table")
    table.locator("tbody tr").nth(5).wait_for()
    assert all(sign[0] in "✕◆？●" for sign in table.locator("tbody td:first-child").all_inner_texts())


def test_a_chosen_village_opens_into_its_natural_villages(page, address, proven) -> None:
    village = proven[0]
    show(page, address, "coverage")
    layers = f"() => Object.fromEntries({ATLAS}.tiles.views.map(v => [v.id, v.isVisible]))"
    assert page.evaluate(layers)["natural_villages"] is False
    assert "自然村" not in page.locator(".atlas-legend").inner_text()
    show(page, address, f"coverage?village={village}")
    page.wait_for_function(f"() => {ATLAS}?.tiles.view('natural_villages')?.isVisible")
    assert "自然村" in page.locator(".atlas-legend").inner_text()


def test_a_road_that_is_clicked_has_a_card_and_the_table_marks_what_the_map_chose(page, address, proven) -> None:
    show(page, address, "roads")
    spot = page.evaluate(
        f"""() => {{ const a = {ATLAS}, s = a.map.getSize(), r = a.root.getBoundingClientRect();
        for (let y = 40; y < Math.min(s.y, 430); y += 4) for (let x = 80; x < s.x - 280; x += 4) {{
          const on = (dx) => a.tiles.hit(a.map.containerPointToLatLng([x + dx, y + dx]))?.layer === 'roads';
          if (on(-2) && on(0) && on(2)) return [r.x + x, r.y + y];
        }} }}"""
    )
    page.mouse.click(*spot)
    page.wait_for_selector("text=谁等着它硬化")
    page.get_by_text("看完这条路").click()
    at_rest(page)
    assert page.get_by_text("谁等着它硬化").count() == 0
    show(page, address, f"coverage?village={proven[0]}")
    chosen = page.locator("[data-testid=stDataFrame]").last.locator("tr[aria-selected=true] td")
    chosen.first.wait_for(state="attached")
    name = page.locator("h4").first.inner_text()
    assert name in chosen.all_inner_texts()


def test_the_address_holds_the_place_and_a_step_back_returns_to_it(page, chromium, address, proven) -> None:
    show(page, address, f"coverage?village={proven[0]}")
    page.evaluate(f"() => {ATLAS}.map.panBy([60, 40], {{ animate: false }})")
    page.wait_for_function("() => location.search.includes('view=')")
    place, link = page.evaluate(PLACE), page.url
    other = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    fresh = other.new_page()
    fresh.goto(link)
    at_rest(fresh)
    fresh.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=90_000)
    assert fresh.evaluate(PLACE) == place
    assert fresh.locator("h4").first.inner_text() == page.locator("h4").first.inner_text()
    other.close()
    page.get_by_role("button", name="全县").first.click()
    page.wait_for_function("() => !location.search.includes('village=')")
    page.evaluate(f"() => {ATLAS}.map.setZoom({ATLAS}.map.getZoom() - 1, {{ animate: false }})")
    page.go_back()
    page.wait_for_function(f"wanted => {ATLAS} && JSON.stringify(({PLACE})()) === JSON.stringify(wanted)", arg=place)
    page.get_by_text("对比", exact=True).first.click()
    page.wait_for_function("() => location.pathname.endsWith('/compare')")
    at_rest(page)
    page.go_back()
    page.wait_for_function("() => location.pathname.endsWith('/coverage')")  # one step, whatever was kept for the page


def test_the_shared_link_says_where_the_map_stands(page, address, proven) -> None:
    show(page, address, f"coverage?village={proven[0]}")
    for _ in range(2):  # opened again, it still does
        page.get_by_role("button", name="分享").click()
        page.wait_for_function("() => document.querySelector('[data-testid=stCode]')?.innerText.includes('view=')")
        page.keyboard.press("Escape")
        page.wait_for_selector("[data-testid=stCode]", state="hidden")
        at_rest(page)


def test_a_click_into_the_map_leaves_page_and_rings_alone(page, address) -> None:
    show(page, address, "")
    box = page.locator(".atlas-map").first.bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 120)
    at_rest(page)
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop") == 0
    ring = "() => getComputedStyle(document.querySelector('.atlas-map'), '::after').display"
    assert page.evaluate(ring) == "none"
    assert page.evaluate("() => getComputedStyle(document.querySelector('.atlas-map')).outlineStyle") == "none"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.atlas-map')).outlineStyle") == "solid"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_every_slide_is_one_screen(page, address, size) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    show(page, address, "meeting")
    for place in range(5):
        if place:
            page.keyboard.press("ArrowRight")
            page.wait_for_selector(f"[data-testid=stBaseButton-primary]:has-text('{place + 1} ')")
            at_rest(page)
        assert page.evaluate(SCROLL) <= 2, place


def test_an_unknown_page_is_said_in_chinese(page, address) -> None:
    page.goto(f"{address}/nothere")
    page.wait_for_selector("text=没有这一页")
    page.goto(f"{address}/overview?lang=zh")
    at_rest(page)
    assert page.get_by_text("没有这一页").count() == 0
