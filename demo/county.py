"""Write a synthetic county as the files its bureaus would send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DemoFile:
    """One file of the demo county: its layer, its path, and the keywords `Office.add_layer` needs for it."""

    layer: str
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What was written: files, rasters (name, path), the day they describe, and the faults planted on purpose."""

    files: tuple[DemoFile, ...]
    rasters: tuple[tuple[str, Path], ...]
    as_of: date
    name: str
    policy_id: str
    faults: Mapping[str, int] = field(default_factory=dict)
    contradictions: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def write_county(size: str, seed: int, out_dir: str | Path, progress: Progress | None = None) -> Manifest:
    """Write the synthetic county of a size and seed into a folder."""
    raise NotImplementedError
