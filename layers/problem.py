"""One fault in the data, as a row that can be exported, mended and read back."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """A fault found in a layer.

    `row` is the row number in the file the person sent (1 = first line of the sheet), None when the fault concerns
    the whole layer. `field` is our column name, None when it concerns the whole row. An `error` means the row was
    not stored, a `warning` that it was stored but something depends on it, a `note` that something was repaired.
    `message` is a Chinese sentence: what, where, why, what to do. `subject` is the id of the feature, if it has one.
    """

    layer: str
    row: int | None
    field: str | None
    message: str
    severity: Severity
    kind: str = ""
    subject: str = ""
