"""Tiny drawn fixtures shared by all tests."""

import os
import uuid
from pathlib import Path

import pytest
from hypothesis import settings

from tests import cluster

REAL = Path(os.environ.get("QIYOU_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SOURCES = REAL.parent / "sources"

settings.register_profile("desk", deadline=None)  # no test asserts a wall time
settings.register_profile("ci", deadline=None, derandomize=True)  # the same examples every time; a desk meets new ones
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")


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


@pytest.fixture(scope="session")
def postgresql():
    """Address of a throw-away PostgreSQL cluster that ends with the tests."""
    with cluster.running() as address:
        yield address


@pytest.fixture
def postgresql_url(postgresql):
    """Address of an empty schema of its own in the throw-away cluster."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgresql}&options=-csearch_path%3D{name},public"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgis)])
def store(request, tmp_path):
    """Where a ledger may be made, once as a file and once in PostgreSQL: the same tests run over both."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return request.getfixturevalue("postgresql_url")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: their event loop stays for the process, and other tests start loops of their own."""
    items.sort(key=lambda item: "tests/browser" in item.path.as_posix())
