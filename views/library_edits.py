"""The project library read back after somebody edited it: cell by cell old and new, what is refused, what was taken over.

Rows are matched by project and road. What is accepted is an event of the office and stands in every later export; it
changes the paper, not the calculation: lengths, people and villages come from the layers.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import InputError
from tracker import events
from tracker.events import OFFICE_ZONE, Draft
from tracker.office import Office
from views.labels import catalogue, label
from views.programme_files import LIBRARY

EDITED = "library_edited"
NUMBERS = {"year": 0, "start_km": 3, "end_km": 3, "length_km": 3, "pavement_width_m": 2, "subgrade_width_m": 2, "cost_cny10k": 2, "people": 1, "poor_people": 1}  # fmt: skip
FIXED = {"people", "poor_people", "villages", "after", "project_id", "road_id"}
LISTED = {"technical_grade": "technical_grade", "surface": "surface"}
COLUMNS = ("project_id", "road_id", "column", "old", "new")


@dataclass(frozen=True)
class Difference:
    """What an edited library changed.

    `cells` has one row a changed cell that may be taken over: project_key, project_id, road_id, column, old, new, row (of
    the file, from 1). `refused` says row, what and why; `added` and `removed` list rows of only one side.
    """

    cells: pd.DataFrame
    refused: pd.DataFrame
    added: pd.DataFrame
    removed: pd.DataFrame
    same: int


def heading(name: Any) -> str | None:
    """Recognise a heading in Chinese, English or by its key; None when it is none of the library's.

    >>> heading("估算造价（万元）"), heading("Year"), heading("项目"), heading("备注")
    ('cost_cny10k', 'year', None, None)
    """
    plain = _plain(name)
    for key in LIBRARY:
        texts = catalogue()["library"][key]
        if plain in {_plain(key), *(_plain(text) for text in texts.values())}:
            return key
    return None


def _plain(text: Any) -> str:
    kept = str(text).strip().lower().replace("（", "(").replace("）", ")")
    return "".join(kept.split())


def recognised(table: pd.DataFrame) -> pd.DataFrame:
    """Give an edited library its own column names.

    Raises
    ------
    InputError
        When the columns that name a row are missing, or two columns mean the same.
    """
    found = {name: heading(name) for name in table.columns}
    keys = [key for key in found.values() if key is not None]
    twice = sorted({label("library", key) for key in keys if keys.count(key) > 1})
    if twice:
        raise InputError(f"文件里有两列都是“{'、'.join(twice)}”，不知道用哪一列。请删去一列再读回。")
    missing = [label("library", key) for key in ("project_id", "road_id") if key not in keys]
    if missing:
        raise InputError(
            f"文件里没有“{'、'.join(missing)}”列，不能对上项目库的行。请用导出的项目库修改，不要删这两列。"
        )
    named = table.rename(columns={name: key for name, key in found.items() if key is not None})
    return named[[key for key in LIBRARY if key in named]]


def read_cell(column: str, value: Any) -> Any:
    """Read a cell: a number rounded as the library writes it, a text without blanks, None for an empty cell.

    Raises
    ------
    InputError
        Saying what is wrong with it.

    >>> read_cell("cost_cny10k", " 12.345 "), read_cell("road_name", "'=甲"), read_cell("year", None)
    (12.35, '=甲', None)
    """
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    text = str(value).strip()
    text = text[1:] if text.startswith("'") else text
    if not text or text == "—":
        return None
    if column not in NUMBERS:
        return text.removesuffix(".0") if column == "road_id" else text
    try:
        number = float(text.replace(",", "").removeprefix("K"))
    except ValueError:
        raise InputError(f"“{text}”不是数字") from None
    if not np.isfinite(number) or number < 0:
        raise InputError(f"{text} 应为不小于零的数")
    if column == "year" and not (number.is_integer() and 2000 <= number <= 2100):
        raise InputError(f"{text} 不是 2000—2100 之间的年份")
    return int(number) if column == "year" else round(number + 1e-9, NUMBERS[column])


def compare(base: pd.DataFrame, edited: pd.DataFrame) -> Difference:
    """Set an edited library beside the present one.

    Parameters
    ----------
    base
        The library as it would be exported now (`programme_files.library_rows`, with what was taken over before).
    edited
        The file's table with any headings.
    """
    table = recognised(edited)
    place_of = {(str(row.project_id), _id(row.road_id)): place for place, row in enumerate(base.itertuples())}
    cells: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    added: list[dict[str, Any]] = []
    seen: dict[tuple[str, str], int] = {}
    for number, values in enumerate(table.to_dict("records"), start=2):
        key = (_id(values["project_id"]), _id(values["road_id"]))
        if not any(read is not None for read in map(_quiet, values, values.values())):
            continue
        if key in seen:
            refused.append(_refusal(number, key, "", f"与第 {seen[key]} 行是同一项目同一路段，不知道以哪行为准"))
            continue
        seen[key] = number
        if key not in place_of:
            added.append({"row": number, **{name: _quiet(name, value) for name, value in values.items()}})
            continue
        changed, wrong = _changes(base.iloc[place_of[key]], values, number, key)
        cells += changed
        refused += wrong
    removed = base[[(str(row.project_id), _id(row.road_id)) not in seen for row in base.itertuples()]]
    return Difference(
        pd.DataFrame(cells, columns=["project_key", "row", *COLUMNS], dtype="object"),
        pd.DataFrame(refused, columns=["row", "project_id", "road_id", "column", "why"]),
        pd.DataFrame(added, columns=["row", *table.columns]),
        pd.DataFrame(removed[list(LIBRARY)]).reset_index(drop=True),
        len(seen) - len({cell["row"] for cell in cells}) - len(added),
    )


def _id(value: Any) -> str:
    read = _quiet("road_id", value)
    return "" if read is None else str(read)


def _quiet(column: str, value: Any) -> Any:
    try:
        return read_cell(column, value)
    except InputError:
        return str(value)


def _refusal(row: int, key: tuple[str, str], column: str, why: str) -> dict[str, Any]:
    return {"row": row, "project_id": key[0], "road_id": key[1], "column": column, "why": why}


def _changes(
    now: Any, values: Mapping[str, Any], row: int, key: tuple[str, str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """List the changed cells of one row, and those that cannot be taken over."""
    cells, refused = [], []
    reads: dict[str, Any] = {}
    for column, value in values.items():
        if column in ("project_id", "road_id"):
            continue
        old = _quiet(column, now[column])
        try:
            new = reads[column] = read_cell(column, value)
            _allow(column, old, new)
        except InputError as error:
            refused.append(_refusal(row, key, column, str(error)))
            continue
        if new != old:
            cells.append({"project_key": now["project_key"], "row": row, "project_id": key[0], "road_id": key[1], "column": column, "old": old, "new": new})  # fmt: skip
    start, stop = reads.get("start_km"), reads.get("end_km")
    if start is not None and stop is not None and stop < start:
        why = f"止点桩号 {stop} 小于起点桩号 {start}"
        refused += [_refusal(row, key, cell["column"], why) for cell in cells if cell["column"] in ("start_km", "end_km")]  # fmt: skip
        cells = [cell for cell in cells if cell["column"] not in ("start_km", "end_km")]
    return cells, refused


def _allow(column: str, old: Any, new: Any) -> None:
    if new == old:
        return
    if column in FIXED:
        raise InputError("这一列由图层算出，不能在项目库里改：请改自然村台账或道路图层后重新导入")
    if column in LISTED and new is not None:
        texts = {text for texts in catalogue()[LISTED[column]].values() for text in texts.values()}
        if str(new) not in texts:
            raise InputError(f"“{new}”不是认得的{label('library', column)}")
    if new is None and column in ("year", "length_km", "cost_cny10k"):
        raise InputError("这一格不能清空")


def accept(
    office: Office, cells: Iterable[Mapping[str, Any]], *, file_name: str, file_digest: str, day: date, by: str
) -> int:
    """Take changed cells over; returns how many."""
    batch = uuid.uuid4().hex
    drafts = [
        Draft(
            f"library:{cell['project_key']}",
            EDITED,
            day,
            by,
            {
                "batch": batch, "project_key": str(cell["project_key"]), "project_id": str(cell["project_id"]), "road_id": str(cell["road_id"]),
                "column": str(cell["column"]), "old": _stored(cell["old"]), "new": _stored(cell["new"]), "file": file_name, "file_digest": file_digest,
            },
        )
        for cell in cells
    ]  # fmt: skip
    return len(events.append(office.ledger, *drafts)) if drafts else 0


def _stored(value: Any) -> Any:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def taken_over(office: Office, day: date) -> list[events.Event]:
    """List every edit that was taken over, oldest first."""
    return events.effective(office.ledger, [EDITED], as_of=day)


def applied(base: Any, edits: Sequence[events.Event]) -> tuple[Any, pd.DataFrame]:
    """Write what was taken over into a library.

    Returns the library and one row an edit: project_id, road_id, column, old, new, by, entered, seq, is_used. An edit
    whose old value is no longer what stands there (the data have changed since) is listed and not written.
    """
    table = base.copy()
    place_of = {(row.project_key, _id(row.road_id)): place for place, row in enumerate(table.itertuples())}
    rows = []
    for event in edits:
        held = event.payload
        place = place_of.get((held["project_key"], held["road_id"]))
        is_used = False
        if place is not None:
            now = _quiet(held["column"], table.iloc[place][held["column"]])
            is_used = now == held["old"]
            if is_used:
                column = table.columns.get_loc(held["column"])
                if held["column"] not in NUMBERS or held["new"] is None:
                    table[held["column"]] = table[held["column"]].astype("object")
                table.iloc[place, column] = held["new"]
        number = held["project_id"] if place is None else str(table.iloc[place]["project_id"])
        entered = event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
        rows.append({**{name: held[name] for name in COLUMNS}, "project_id": number, "by": event.by, "entered": entered, "seq": event.seq, "is_used": is_used})  # fmt: skip
    return table, pd.DataFrame(rows, columns=[*COLUMNS, "by", "entered", "seq", "is_used"])
