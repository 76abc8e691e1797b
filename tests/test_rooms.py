"""The house as design.md draws it: what import-linter cannot see, because app, cli and run are modules and not packages."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("geo", "layers", "analysis", "tracker", "demo", "views", "commands")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Name the top-level packages a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_room_imports_a_shell(path: Path) -> None:
    assert not imported(path) & {"app", "cli", "run", "tests"}


@pytest.mark.parametrize(("name", "most"), [("app.py", 80), ("cli.py", 250)])
def test_shells_stay_small(name: str, most: int) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= most


def test_only_analysis_modules_that_may_touch_files_do() -> None:
    allowed = {"policy.py", "catalogue.py"}
    for path in (ROOT / "analysis").glob("*.py"):
        text = path.read_text("utf-8")
        if path.name not in allowed:
            assert "open(" not in text, path.name
            assert ".read_text(" not in text, path.name


def test_nothing_swallows_every_exception() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and [type(part) for part in node.body] == [ast.Pass]:
                pytest.fail(f"{path.relative_to(ROOT)}:{node.lineno} swallows an exception")


def test_run_needs_nothing_but_the_standard_library() -> None:
    import sys

    assert imported(ROOT / "run.py") <= set(sys.stdlib_module_names)
