"""A file somebody dropped into the page: parsed in the sandboxed worker, never in the app's own process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from geo.read import read


@contextmanager
def as_file(upload: Any) -> Iterator[Path]:
    """Give an upload as a file that is gone afterwards; only the last part of its name is kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(str(upload.name).replace("\\", "/")).name
        path.write_bytes(upload.getbuffer())
        yield path


def read_table(upload: Any) -> pd.DataFrame:
    """Read an uploaded workbook or CSV as a table; InputError says what is wrong with it."""
    with as_file(upload) as path:
        frame = read(path).frame
    return pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
