"""Which town every village lies in: as written (code, then name), else by its code, else by the polygon around it."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.names import normalise_town, plain_name
from layers.places import Placed, inner_points, listed, within
from layers.problem import Problem


def place_villages(villages: Any, towns: Any) -> Placed:
    """Settle the town of every village: the town written (code, then name), else its code, else the polygon.

    Adds `town_id`; `town` becomes the name in the towns layer. Without towns the town stays as written. A village
    whose code, written town and polygon disagree keeps the first of them and is listed; so is one outside every town.
    """
    frame = villages.copy()
    if towns is None or not len(towns):
        frame.insert(frame.columns.get_loc("town") + 1, "town_id", pd.Series(np.nan, index=frame.index, dtype="str"))
        return Placed(frame, [])
    ids, names = towns["town_id"].to_numpy(dtype=object), towns["name"].to_numpy(dtype=object)
    written = _by_text(frame["town"], ids, names)
    coded = _by_code(frame["village_id"], ids)
    around = within(inner_points(frame.geometry), towns.geometry)
    chosen = np.where(written >= 0, written, np.where(coded >= 0, coded, around))
    known = chosen >= 0
    town = frame["town"].to_numpy(dtype=object).copy()
    town[known] = names[chosen[known]]
    frame["town"] = pd.Series(town, index=frame.index, dtype="str")
    town_id = np.full(len(frame), np.nan, dtype=object)
    town_id[known] = ids[chosen[known]]
    frame.insert(frame.columns.get_loc("town") + 1, "town_id", pd.Series(town_id, index=frame.index, dtype="str"))
    return Placed(frame, _town_problems(villages, names, written, coded, around, chosen))


def _by_text(texts: Any, ids: Any, names: Any) -> NDArray[np.int64]:
    """Find towns by what is written, as a code or a name; -1 where it is blank, unknown or means several."""
    exact: dict[str, set[int]] = {}
    for position, (code, name) in enumerate(zip(ids, names, strict=True)):
        for key in (str(code), plain_name(str(name)), "~" + normalise_town(str(name))):
            exact.setdefault(key, set()).add(position)

    def find(text: Any) -> int:
        if not isinstance(text, str):
            return -1
        found = exact.get(plain_name(text)) or exact.get("~" + normalise_town(text)) or set()
        return next(iter(found)) if len(found) == 1 else -1

    codes, distinct = pd.factorize(texts)
    answers = np.array([find(text) for text in distinct] + [-1], dtype=np.int64)
    found: NDArray[np.int64] = answers[codes]
    return found


def _by_code(village_ids: Any, town_ids: Any) -> NDArray[np.int64]:
    """Find towns whose code begins the village's code (9 digits of 12); -1 where none does."""
    index = np.full(len(village_ids), -1, dtype=np.int64)
    short = [code[:9] if len(code) == 12 and code.endswith("000") else code for code in town_ids]
    by_code = {code: position for position, code in enumerate(short)}
    for length in sorted({len(code) for code in short if len(code) >= 6}):
        found = village_ids.str[:length].where(village_ids.str.len() > length).map(by_code).to_numpy(dtype=float)
        index = np.where(np.isfinite(found), np.nan_to_num(found, nan=-1).astype(np.int64), index)
    return index


def _town_problems(villages: Any, names: Any, written: Any, coded: Any, around: Any, chosen: Any) -> list[Problem]:
    ids, labels = villages["village_id"].to_numpy(dtype=object), villages["name"].to_numpy(dtype=object)
    asked = villages["town"].to_numpy(dtype=object)
    problems: list[Problem] = []
    at = np.flatnonzero(chosen < 0)
    texts = [
        f"{labels[row]}（{ids[row]}）找不到所属乡镇：登记、代码和边界都对不上。请核对乡镇图层或补填“town”。"
        for row in at
    ]
    problems += listed("villages", ids[at], texts, field="town", kind="no_town")
    at = np.flatnonzero((chosen >= 0) & (around < 0))
    texts = [f"{labels[row]}（{ids[row]}）不在任何乡镇的边界内，请核对两个图层的坐标系和边界。" for row in at]
    problems += listed("villages", ids[at], texts, field="geometry", kind="outside_towns")
    for other, what in ((coded, "代码"), (around, "边界")):
        at = np.flatnonzero((chosen >= 0) & (other >= 0) & (other != chosen))
        texts = [
            f"{labels[row]}（{ids[row]}）登记属于{names[chosen[row]]}，按{what}却属于{names[other[row]]}，已按登记。请核对。"
            for row in at
        ]
        problems += listed("villages", ids[at], texts, field="town", kind="town_conflict")
    same = [
        row >= 0 and isinstance(text, str) and plain_name(text) == plain_name(names[row])
        for text, row in zip(asked, chosen, strict=True)
    ]
    at = np.flatnonzero(pd.notna(asked) & (written < 0) & ~np.array(same, dtype=bool))
    texts = [
        f"{labels[row]}（{ids[row]}）登记的乡镇“{asked[row]}”不在乡镇图层里，或有重名，已改按代码、边界判断。"
        for row in at
    ]
    return problems + listed("villages", ids[at], texts, field="town", kind="unknown_town", severity="note")
