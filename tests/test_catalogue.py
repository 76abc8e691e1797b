"""The printed catalogue keeps up with the policies."""

from pathlib import Path

from analysis.catalogue import catalogue
from analysis.policy import load_policy, read_policy

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date() -> None:
    page = catalogue(load_policy(path) for path in sorted((ROOT / "policies").glob("*.toml")))
    written = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    assert written == page, "run: python -m analysis.catalogue"


def test_every_need_parameter_target_and_clause_is_on_the_page() -> None:
    for path in sorted((ROOT / "policies").glob("*.toml")):
        policy = load_policy(path)
        page = catalogue([policy])
        for name in (
            *policy.values,
            *(need.id for need in policy.needs),
            *(target.measure for target in policy.targets),
        ):
            assert f"`{name}`" in page
        for entry in (*policy.needs, *policy.targets):
            assert entry.reference in page


def test_an_assumption_is_called_one() -> None:
    policy = read_policy(
        'id="p"\ntitle="甲"\ndocument="一号"\nissued=2016-01-01\n[parameters.k]\nlabel="距离|米"\nunit="m"\nvalues=[{value=5,unsourced=true}]'
    )
    page = catalogue([policy])
    assert "| 距离\\|米 | `k` | 5 | m | 假定 |" in page
