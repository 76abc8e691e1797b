"""The documents keep up: every command, layer field, need, page, rule and picture is in them."""

import re
import tomllib
from pathlib import Path

import pytest

from cli import cli
from layers import schema
from views.entry import PAGES
from views.labels import label

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_in_the_guide(name: str) -> None:
    assert f"`{name}`" in text("docs/guide.zh-CN.md")


def test_every_layer_and_field_is_in_the_data_dictionary() -> None:
    dictionary = text("docs/data-dictionary.md")
    missing = [
        f"{layer}.{field.name}"
        for layer, plan in schema.load().items()
        for field in plan.fields
        if f"`{field.name}`" not in dictionary and field.name not in dictionary
    ]
    assert missing == []


def test_every_need_is_in_the_catalogue_with_its_clause() -> None:
    catalogue = text("docs/policies.md")
    for path in sorted((ROOT / "policies").glob("*.toml")):
        for need in tomllib.loads(path.read_text("utf-8")).get("needs", []):
            assert need["label"] in catalogue, f"{path.name}: {need['id']}"
            assert need["reference"] in catalogue, f"{path.name}: {need['id']}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_page_is_in_the_guide(page: str) -> None:
    assert label("page", page) in text("docs/guide.zh-CN.md")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md"))])
def test_every_link_and_picture_is_there(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#]+)\)", text(name)):
        if not target.startswith(("http://", "https://")):
            assert (folder / target).exists(), f"{name}: {target}"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_starts_with_the_two_commands(name: str) -> None:
    code = re.search(r"```\n(.*?)```", text(name), re.DOTALL)
    assert code is not None
    commands = [line.split("#")[0].strip() for line in code.group(1).splitlines()]
    assert commands == ["python run.py", "python run.py test"]


def test_both_readmes_name_the_same_documents() -> None:
    found = [set(re.findall(r"\]\((docs/[^)]+)\)", text(name))) for name in ("README.md", "README.zh-CN.md")]
    assert found[0] == found[1]


def test_no_machine_path_or_registry_host_is_written_anywhere() -> None:
    hosts = ("pypi.org", "files.pythonhosted", "registry.npmjs", "deb.debian")
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "package-lock.json", *ROOT.glob("requirements*.txt")]:
        found = path.read_text("utf-8")
        assert not [host for host in hosts if host in found], path.name
        assert "/work/" not in found, path.name
