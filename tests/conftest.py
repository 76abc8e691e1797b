"""Tiny drawn fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

REAL = Path(os.environ.get("QIYOU_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SOURCES = REAL.parent / "sources"


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of real data beside the project; the test is skipped aloud where it is absent."""
    if not REAL.is_dir():
        pytest.skip(f"real data not found at {REAL}: put it there or set QIYOU_REAL_DATA")
    return REAL


@pytest.fixture(scope="session")
def sources() -> Path:
    """Folder of the policy documents beside the project; the test is skipped aloud where it is absent."""
    if not SOURCES.is_dir():
        pytest.skip(f"policy documents not found at {SOURCES}")
    return SOURCES
