"""Collect the faults of one layer while it is checked, and tell which rows they refuse."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.problem import Problem, Severity
from layers.shapes import Fault

DETAIL_LIMIT = 1000


class Findings:
    """Faults of one layer by row. Errors are listed one by one; warnings and notes up to a limit, then counted."""

    def __init__(self, layer: str, rows: NDArray[np.int64], detail_limit: int = DETAIL_LIMIT) -> None:
        self._layer = layer
        self._rows = rows
        self._limit = detail_limit
        self._subjects: Any = None
        self._problems: list[Problem] = []
        self._reasons: dict[int, list[str]] = {}

    def name_subjects(self, ids: Any) -> None:
        """Give the id of every row, to be named in the faults found."""
        self._subjects = np.asarray(ids.fillna(""), dtype=object)

    def hide_subjects(self, mask: Any) -> None:
        """Leave the ids of some rows out of every message to come (they are personal)."""
        self._subjects = np.where(mask, "", self._subjects)
        hidden = {int(row) for row in self._rows[np.asarray(mask, dtype=bool)]}
        self._problems = [
            replace(problem, subject="") if problem.row in hidden else problem for problem in self._problems
        ]

    def whole(self, message: str, kind: str, severity: Severity, field: str | None = None) -> None:
        """Note a fault of the whole layer."""
        self._problems.append(Problem(self._layer, None, field, message, severity, kind))

    def add(
        self, mask: Any, *, field: str | None, kind: str, severity: Severity, message: str, written: Any = None
    ) -> None:
        """Note the same fault in every row where `mask` is true; `{written}` in the message is the cell."""
        positions = np.flatnonzero(np.asarray(mask, dtype=bool))
        listed = positions if severity == "error" else positions[: self._limit]
        for position in listed:
            text = message if written is None else message.replace("{written}", str(written[position])[:60])
            self.note(int(position), field, kind, severity, text)
        if len(listed) < len(positions):
            more = message.replace("“{written}”", "")
            self.whole(f"另有 {len(positions) - len(listed)} 行同样：{more}", kind, severity, field)

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Note the faults of shapes."""
        for fault in faults:
            self.note(fault.position, "geometry", fault.kind, fault.severity, fault.message)

    def note(self, position: int, field: str | None, kind: str, severity: Severity, text: str) -> None:
        """Note one fault of one row."""
        row = int(self._rows[position])
        subject = "" if self._subjects is None else str(self._subjects[position])
        self._problems.append(Problem(self._layer, row, field, f"第 {row} 行：{text}", severity, kind, subject))
        if severity == "error":
            self._reasons.setdefault(position, []).append(text)

    def has(self, field: str) -> NDArray[np.bool_]:
        """Return which rows a fault of this column has been noted in."""
        noted = {problem.row for problem in self._problems if problem.field == field}
        return np.isin(self._rows, [row for row in noted if row is not None])

    def row(self, position: int) -> int:
        """Return the row number in the file of a position."""
        return int(self._rows[position])

    def is_refused(self) -> NDArray[np.bool_]:
        """Return which rows an error refuses."""
        mask = np.zeros(len(self._rows), dtype=bool)
        mask[list(self._reasons)] = True
        return mask

    def refused(self) -> dict[int, str]:
        """Return why each refused row is refused, by position."""
        return {position: "；".join(dict.fromkeys(self._reasons[position])) for position in sorted(self._reasons)}

    def problems(self) -> tuple[Problem, ...]:
        """Return every fault found, whole-layer faults first, then by row."""
        order = sorted(range(len(self._problems)), key=lambda number: (self._problems[number].row or 0, number))
        return tuple(self._problems[number] for number in order)
