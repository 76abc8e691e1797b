"""Policy: dated values with unit and reference, read from TOML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Strength = Literal["hard", "best_effort", "principle", "ceiling", "none"]
RuleKind = Literal["has", "near", "road", "share", "flag", "all"]


@dataclass(frozen=True)
class Value:
    """One dated value of a policy parameter: since which day, how much, in which unit, on which clause."""

    since: date
    amount: Any
    unit: str
    reference: str
    strength: Strength = "hard"


@dataclass(frozen=True)
class Need:
    """Something every unit in scope must have, and the rule that decides it."""

    id: str
    label: str
    kind: RuleKind
    layer: str
    parameters: Mapping[str, Any]
    strength: Strength
    reference: str
    unit: str = "village"
    scope: tuple[str, ...] = ()
    group: str = ""
    catalogue: str = ""
    deadline: date | None = None
    owner: str = ""


@dataclass(frozen=True)
class Policy:
    """One policy document as data."""

    id: str
    title: str
    digest: str
    values: Mapping[str, tuple[Value, ...]]
    needs: tuple[Need, ...]
    targets: tuple[Any, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
