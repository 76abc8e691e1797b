"""An Assessment as the contract's files."""

from pathlib import Path

from analysis.assess import Assessment


def write(assessment: Assessment, out_dir: Path) -> list[Path]:
    """Write findings, coverage, natural villages, roads, housing, access, contradictions and summary into a folder."""
    raise NotImplementedError
