"""Single cells of a workbook, looked at and changed in the worker process; the file itself is never touched."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geo.cellpatch import PATCHED
from geo.errors import InputError
from geo.parsed import Limits, shown
from geo.pool import pool

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Outline:
    """Where the formulas and merged cells of each sheet are. `bound` are formulas shared between cells, `is_old` an .xls."""

    formulas: Mapping[str, frozenset[str]]
    bound: Mapping[str, frozenset[str]]
    merges: Mapping[str, tuple[tuple[str, str], ...]]
    notes: tuple[str, ...]
    is_old: bool


def outline(path: str | Path, *, limits: Limits = _DEFAULT_LIMITS) -> Outline:
    """Say where a workbook has formulas and merged cells. Raises InputError for anything but a workbook."""
    with tempfile.TemporaryDirectory(prefix="qiyou-", ignore_cleanup_errors=True) as folder:
        found = _ask(Path(path), Path(folder), {"do": "outline"}, limits)
    sheets = found["sheets"]
    return Outline(
        {name: frozenset(sheet["formulas"]) for name, sheet in sheets.items()},
        {name: frozenset(sheet["bound"]) for name, sheet in sheets.items()},
        {name: tuple((a, b) for a, b in sheet["merges"]) for name, sheet in sheets.items()},
        tuple(found["notes"]),
        bool(found["is_old"]),
    )


def patch(
    path: str | Path,
    sheet: str,
    changes: Sequence[Mapping[str, Any]],
    *,
    mark: bool = False,
    limits: Limits = _DEFAULT_LIMITS,
) -> tuple[bytes, tuple[str, ...]]:
    """Return a workbook with some cells changed, and what there is to say about it; without changes the file as it is.

    Each change has `address` ("C7") and `number` or `text`. All other parts keep their bytes.
    """
    source = Path(path)
    if not changes and source.suffix.lower() != ".xls":
        return source.read_bytes(), ()
    with tempfile.TemporaryDirectory(prefix="qiyou-", ignore_cleanup_errors=True) as folder:
        request = {"do": "patch", "sheet": sheet, "changes": [dict(change) for change in changes], "mark": mark}
        found = _ask(source, Path(folder), request, limits)
        return (Path(folder) / PATCHED).read_bytes(), tuple(found["notes"])


def _ask(source: Path, job: Path, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
    name = shown(source.name)
    if source.suffix.lower() not in WORKBOOKS:
        raise InputError(f"{name}：按原表回填只能用 Excel 工作簿（.xlsx、.xlsm、.xls）。")
    if not source.is_file() or source.stat().st_size > limits.file_bytes:
        raise InputError(f"{name}：找不到，或超过 {limits.file_bytes / 1e6:,.0f} MB。")
    more = {"path": str(source.resolve()), "job": str(job), "name": source.stem, "layer": None, "encoding": None}
    found = pool().ask({**request, **more, "limits": asdict(limits)}, limits.seconds)
    if "error" in found:
        error = InputError(f"{name}：{found['error']}")
        if "trace" in found:
            error.add_note(found["trace"])
        raise error
    return found
