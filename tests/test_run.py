"""The launcher: steps run again only when what they depend on changed, and offline wheels cover Windows too."""

import importlib.util
import socket
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def launcher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("launcher", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_step_is_done_only_for_the_same_files(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "HOME", tmp_path)
    (tmp_path / "requirements.txt").write_text("a==1\n", "utf-8")
    mark = launcher.fingerprint("requirements.txt")
    stamp = tmp_path / "stamp"
    assert not launcher.is_done(stamp, mark)
    stamp.write_text(mark, "utf-8")
    assert launcher.is_done(stamp, mark)
    (tmp_path / "requirements.txt").write_text("a==2\n", "utf-8")
    assert not launcher.is_done(stamp, launcher.fingerprint("requirements.txt"))


def test_a_port_in_use_is_passed_over(launcher: ModuleType) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert launcher.free_port(port) != port


def test_every_package_is_pinned_to_one_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert "==" in line, f"{name}: {line}"


def test_packages_that_only_windows_needs_are_pinned_too() -> None:
    names = {
        line.split("==")[0].lower()
        for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    assert {"colorama", "tzdata"} <= names


def test_what_is_left_out_of_a_bundle_is_not_in_it(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "HOME", tmp_path)
    for name in (".venv/x", ".office/demo/office/ledger.sqlite", "geo/a.py", ".assets/leaflet.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in launcher.project_files()]
    assert found == [".assets/leaflet.js", "geo/a.py"]
