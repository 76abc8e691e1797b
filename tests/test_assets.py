"""The files a browser needs are the ones that were pinned, and our own."""

import json
import re
from pathlib import Path

import pytest

from geo.errors import StoreError
from views import assets

HOME = Path(assets.__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of copies, or a skip that says why."""
    if not all((assets.FOLDER / name).is_file() for name in assets.LIBRARIES):
        pytest.skip("browser libraries not installed: run python -m views.assets")
    for name in assets.LIBRARIES:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((assets.FOLDER / name).read_bytes())
    return tmp_path


def test_a_changed_library_is_refused(folder: Path) -> None:
    assets.load.cache_clear()
    good = assets.load(folder)
    (folder / "leaflet.js").write_bytes((folder / "leaflet.js").read_bytes() + b" ")
    assets.load.cache_clear()
    with pytest.raises(StoreError, match=r"leaflet\.js.*校验"):
        assets.load(folder)
    assets.load.cache_clear()
    assert good.address("leaflet.js") == f"/atlas/assets/{good.digest}/leaflet.js"


def test_a_missing_library_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"views\.assets"):
        assets.load(tmp_path)


def test_licences_travel_with_the_libraries(folder: Path) -> None:
    held = assets.load(folder)
    assert b"BSD" in held.files["leaflet-LICENSE"].content or b"Redistribution" in held.files["leaflet-LICENSE"].content
    assert b"MIT" in held.files["fullscreen-LICENSE.md"].content


def test_the_lock_pins_every_package_and_names_no_address() -> None:
    wanted = json.loads((HOME / "package.json").read_text())["dependencies"]
    text = (HOME / "package-lock.json").read_text()
    held = json.loads(text)["packages"]
    assert not re.search(r"https?://", text)
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"
        assert held[f"node_modules/{name}"]["version"] == version
        assert held[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_our_modules_import_only_from_modules_before_them() -> None:
    before: set[str] = set()
    names: set[str] = set()
    for module in assets.MODULES:
        text = (assets.COMPONENT / module).read_text(encoding="utf-8")
        for source in re.findall(r'^import .* from "\./(.+)";$', text, flags=re.MULTILINE):
            assert source in before, f"{module} imports {source}"
        mine = set(re.findall(r"^(?:export )?(?:async )?(?:function|const|class|let) (\w+)", text, flags=re.MULTILINE))
        assert not mine & names, f"{module} uses a name again: {mine & names}"
        before.add(module)
        names |= mine
    assert {path.name for path in assets.COMPONENT.glob("*.js")} == {*assets.MODULES, "boot.js"}
