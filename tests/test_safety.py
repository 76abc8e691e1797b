"""The table of adversarial cases is whole and true: every case once, every test named in it exists."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "safety.md"
CASES = [
    f"{letter}{number:02}"
    for letter, most in (("D", 27), ("F", 31), ("G", 25), ("W", 25))
    for number in range(1, most + 1)
]
RESULTS = ("met differently", "not met", "partly", "met")


def rows() -> list[list[str]]:
    lines = TABLE.read_text("utf-8").splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| [DFGW]\d\d ", line)
    ]


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_case_stands_once() -> None:
    assert [row[0] for row in rows()] == CASES
    assert len(CASES) == 108


def test_every_named_test_exists() -> None:
    missing = []
    for number, _, tests, _ in rows():
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", tests)
        assert named, number
        for file, name in named:
            if not (ROOT / file).is_file() or (name and name not in functions(file)):
                missing.append(f"{number}: {file}::{name}")
    assert missing == []


def test_results_are_of_four_kinds_and_what_is_not_simply_met_says_why() -> None:
    counted: Counter[str] = Counter()
    for number, _, _, result in rows():
        kind = next((one for one in RESULTS if result.startswith(one)), "")
        assert kind, number
        assert kind == "met" or len(result) > len(kind) + 20, f"{number} says no reason"
        counted[kind] += 1
    summary = re.search(r"^Today: (.+)\.$", TABLE.read_text("utf-8"), re.MULTILINE)
    assert summary
    assert Counter({name: int(count) for count, name in re.findall(r"(\d+) ([a-z ]+)", summary[1])}) == counted
