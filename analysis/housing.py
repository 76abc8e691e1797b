"""Dangerous housing: who is eligible by which clause, priority, treatment, hazard and isolation.

What a document says comes from `policy.tables["housing"]`:

    [housing]
    grades = ["C", "D"]                       # grades that count as dangerous
    priority_grades = ["D", "C"]              # the most dangerous first
    deadline = 2018-12-31
    [[housing.classes]]                       # eligible when one class holds; the first that holds gives the clause
    categories = ["wubao"]
    requires_sole_dwelling = false
    requires_long_term = true                 # a person has to confirm it: said in the note
    priority = 1
    reference = "…"
    [[housing.exclusions]]                    # not eligible when one holds
    min_area_m2 = 80
    within_years = 3
    except_subsidised = true                  # a person has to confirm it: said in the note
    [[housing.treatments]]                    # the first that holds is proposed
    categories = ["wubao"]
    has_labour = false
    grades = ["C", "D"]
    treatment = "…"
    [housing.relocation]                      # proposed beside it where the house stands isolated
    label = "插花搬迁"

and from the parameters isolation.min_road_m, isolation.neighbour_m and isolation.max_neighbours: a house is isolated
when every road is at least the first away and at most so many other households live within the second.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from analysis.answers import NO, UNKNOWN, YES, three_way
from analysis.features import absence, choose, distances
from analysis.policy import Policy, value_on
from analysis.units import Floats, geometries, points_of
from geo.nearest import containing
from layers.workspace import Workspace

HOUSING_COLUMNS = (
    *("household_id", "village_id", "town", "grade", "category", "is_eligible", "clause", "priority", "treatment"),
    *("hazard", "road_distance_m", "clinic_minutes", "is_isolated", "status", "note"),
)
OPEN, OVERDUE = "open", "overdue"
Three = npt.NDArray[np.int8]


def dangerous(ws: Workspace, policy: Policy) -> npt.NDArray[np.int64]:
    """Find the rows of the household layer whose house has a dangerous grade, by household id.

    Examples
    --------
    >>> from pyproj import CRS
    >>> frame = pd.DataFrame({"household_id": ["2", "1", "3"], "housing_grade": ["C", "D", "A"]})
    >>> ws = Workspace({"households": frame}, CRS("EPSG:4547"), {}, (), "")
    >>> dangerous(ws, Policy("", "", "", {}, ())).tolist()
    [1, 0]
    """
    frame = ws.get("households")
    if frame is None or "housing_grade" not in frame:
        return np.empty(0, dtype=np.int64)
    grades = policy.tables.get("housing", {}).get("grades", ["C", "D"])
    rows = np.flatnonzero(frame["housing_grade"].isin(grades).to_numpy())
    ids = frame["household_id"].to_numpy(dtype=object)[rows].astype(str)
    return rows[np.argsort(ids, kind="stable")].astype(np.int64)


def assess_housing(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    clinic_minutes: Floats | None = None,
    max_age_days: int = 0,
) -> pd.DataFrame:
    """List every household with a dangerous house: eligibility, clause, priority, treatment and place.

    Parameters
    ----------
    day
        Decides the age of a house and whether the deadline is over (the deadline day itself is not).
    clinic_minutes
        Minutes to the nearest clinic, one a row of `dangerous`; unknown when missing.
    max_age_days
        How old a layer may be for its absences to count (inclusive).

    Returns
    -------
    DataFrame
        Columns `HOUSING_COLUMNS`, by household_id. `is_eligible` and `is_isolated` are yes, no or unknown; `priority`
        is 1 for the first class of the document, blank where not eligible; `status` is open or overdue, as far as
        this layer can know. Never a private column.

    Examples
    --------
    >>> from pyproj import CRS
    >>> frame = pd.DataFrame({"household_id": ["1"], "housing_grade": ["D"], "category": ["wubao"]})
    >>> ws = Workspace({"households": frame}, CRS("EPSG:4547"), {}, (), "")
    >>> tables = {"housing": {"classes": [{"categories": ["wubao"], "priority": 1, "reference": "三(七)2"}]}}
    >>> policy = Policy("", "", "", {}, (), tables=tables)
    >>> assess_housing(ws, policy, date(2018, 1, 1))[["is_eligible", "clause", "priority"]].values.tolist()
    [['yes', '三(七)2', 1.0]]
    """
    rows, table = dangerous(ws, policy), policy.tables.get("housing", {})
    if not len(rows):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in HOUSING_COLUMNS})
    frame = ws.layers["households"].iloc[rows].reset_index(drop=True)
    notes = np.full(len(rows), "", dtype=object)
    is_eligible, clause, priority = _eligible(frame, table, day, notes)
    points = points_of(geometries(frame))
    hazard = _hazards(ws, points, day, max_age_days)
    road_m = _road_distance(ws, points)
    is_isolated = _isolated(ws, policy, day, frame, points, road_m, max_age_days)
    treatment = _treatments(frame, table, notes)
    moves = (is_isolated == YES) & (is_eligible != NO) & ("relocation" in table)
    _say(notes, moves, table.get("relocation", {}).get("label", "") + "候选，由人核定")
    _say(notes, ~np.isin(hazard, ("", UNKNOWN)), "在隐患区内，原址处置前须核实")
    deadline = table.get("deadline")
    held = {
        "household_id": frame["household_id"],
        "village_id": _column(frame, "village_id"),
        "town": _column(frame, "town"),
        "grade": frame["housing_grade"],
        "category": _column(frame, "category"),
        "is_eligible": is_eligible,
        "clause": clause,
        "priority": priority,
        "treatment": np.where(is_eligible == NO, "", treatment),
        "hazard": hazard,
        "road_distance_m": road_m,
        "clinic_minutes": np.nan if clinic_minutes is None else np.round(clinic_minutes, 3),
        "is_isolated": is_isolated,
        "status": OVERDUE if deadline is not None and day > deadline else OPEN,
        "note": notes,
    }
    return pd.DataFrame(held)[list(HOUSING_COLUMNS)]


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name] if name in frame else pd.Series(np.nan, index=frame.index, dtype="str")


def _say(notes: Any, mask: Any, sentence: str) -> None:
    said = notes[mask]
    notes[mask] = np.where(said == "", sentence, said + "；" + sentence)


def _within(frame: pd.DataFrame, categories: Sequence[str]) -> Three:
    """Whether a household is of one of the categories: 1, 0, or -1 where nobody wrote a category."""
    if not categories:
        return np.ones(len(frame), dtype=np.int8)
    words = _column(frame, "category").astype("str")
    pattern = "|".join(rf"(?:^|;){name}(?:;|$)" for name in categories)
    found = words.str.contains(pattern, regex=True).fillna(False).to_numpy(dtype=bool)
    return np.where(words.isna().to_numpy(), -1, found).astype(np.int8)


def _asked(frame: pd.DataFrame, name: str, wanted: Any) -> Three:
    """Whether a yes/no column has the wanted value; nothing wanted: always."""
    if wanted is None:
        return np.ones(len(frame), dtype=np.int8)
    held = three_way(frame[name]) if name in frame else np.full(len(frame), -1, dtype=np.int8)
    return np.where(held == -1, -1, held == int(bool(wanted))).astype(np.int8)


def _both(*sides: Three) -> Three:
    table = np.stack(sides)
    result = np.where((table == 0).any(axis=0), 0, np.where((table == 1).all(axis=0), 1, -1))
    return result.astype(np.int8)


def _eligible(frame: pd.DataFrame, table: Mapping[str, Any], day: date, notes: Any) -> tuple[Any, Any, Floats]:
    """Apply the classes in order, then the exclusions; a class of unknown outcome keeps later ones from saying no."""
    answer = np.full(len(frame), NO if table.get("classes") else UNKNOWN, dtype=object)
    clause = np.full(len(frame), table.get("reference", ""), dtype=object)
    priority = np.full(len(frame), np.nan)
    for number, one in enumerate(table.get("classes", []), start=1):
        sole = True if one.get("requires_sole_dwelling") else None
        holds = _both(_within(frame, one.get("categories", [])), _asked(frame, "sole_dwelling", sole))
        first = (holds == 1) & (answer != YES)
        doubt = (holds == -1) & (answer == NO)
        answer[first], answer[doubt] = YES, UNKNOWN
        clause[first | doubt] = one.get("reference", "")
        priority[first] = float(one.get("priority", number))
        if one.get("requires_long_term"):
            _say(notes, first, "须由人核实长期居住")
    _say(notes, answer == UNKNOWN, "类别或是否唯一住房不明" if table.get("classes") else "政策没有写危房对象")
    _say(notes, answer == NO, "不属于文件所列对象")
    for one in table.get("exclusions", []):
        holds = _recent(frame, one, day)
        out, doubt = (holds == 1) & (answer != NO), (holds == -1) & (answer == YES)
        is_kept = bool(one.get("except_subsidised"))
        answer[out], answer[doubt] = UNKNOWN if is_kept else NO, UNKNOWN
        clause[out | doubt] = one.get("reference", "")
        _say(notes, out, "近年新建且面积较大" + ("，除非政府资助，由人核定" if is_kept else "，不得纳入"))
        _say(notes, doubt, "住房面积或建成年份不明，不能排除“近年新建”")
    priority[answer == NO] = np.nan
    return answer, clause, priority


def _recent(frame: pd.DataFrame, rule: Mapping[str, Any], day: date) -> Three:
    """Whether a house is as new and as large as an exclusion says (the area inclusive).

    Only the year is known: of a house built exactly so many years ago nobody knows whether they are over.
    """
    area = (
        frame["house_area_m2"].to_numpy(dtype=np.float64) if "house_area_m2" in frame else np.full(len(frame), np.nan)
    )
    year = (
        frame["house_built_year"].to_numpy(dtype=np.float64)
        if "house_built_year" in frame
        else np.full(len(frame), np.nan)
    )
    large = np.where(np.isnan(area), -1, area >= float(rule.get("min_area_m2", 0)))
    age, most = day.year - year, float(rule.get("within_years", 0))
    young = np.where(np.isnan(year) | (age == most), -1, age < most)
    return _both(large.astype(np.int8), young.astype(np.int8))


def _treatments(frame: pd.DataFrame, table: Mapping[str, Any], notes: Any) -> Any:
    """Propose the first treatment that surely holds; say so where an earlier one might."""
    result = np.full(len(frame), "", dtype=object)
    doubted = np.zeros(len(frame), dtype=bool)
    for one in table.get("treatments", []):
        grades = one.get("grades")
        graded = np.ones(len(frame), dtype=bool) if not grades else frame["housing_grade"].isin(grades).to_numpy()
        holds = _both(
            _within(frame, one.get("categories", [])),
            _asked(frame, "has_labour", one.get("has_labour")),
            graded.astype(np.int8),
        )
        open_ = result == ""
        doubted |= open_ & (holds == -1)
        result[open_ & (holds == 1)] = one["treatment"]
    _say(notes, doubted, "类别或劳动力不明，处置方式待核")
    return result


def _hazards(ws: Workspace, points: Floats, day: date, max_age_days: int) -> Any:
    """Name the hazard zones that cover a house (border included): blank for none, "unknown" where nobody can say."""
    reason = absence(ws, "hazards", [], day, max_age_days)
    result = np.full(len(points), UNKNOWN if reason else "", dtype=object)
    placed = np.isfinite(points).all(axis=1)
    result[~placed] = UNKNOWN
    zones = choose(ws, "hazards", []) if ws.get("hazards") is not None else None
    if zones is None or not len(zones.ids):
        return result
    kinds = ws.layers["hazards"]["kind"].to_numpy(dtype=object)[zones.rows]
    for kind in sorted(set(kinds)):
        inside = containing(points, zones.shapes[kinds == kind]) >= 0
        result[inside] = np.where(np.isin(result[inside], ("", UNKNOWN)), kind, result[inside] + ";" + kind)
    return result


def _road_distance(ws: Workspace, points: Floats) -> Floats:
    if ws.get("roads") is None:
        return np.full(len(points), np.nan)
    metres = distances(points, choose(ws, "roads", []))[1]
    return np.where(np.isfinite(metres), metres, np.nan)


def _isolated(
    ws: Workspace, policy: Policy, day: date, frame: pd.DataFrame, points: Floats, road_m: Floats, max_age_days: int
) -> Any:
    """Far from every road and with few neighbours; unknown where a layer cannot prove what is absent."""
    keys = ("isolation.min_road_m", "isolation.neighbour_m", "isolation.max_neighbours")
    limits = [value_on(policy, key, day) for key in keys]
    result = np.full(len(points), UNKNOWN, dtype=object)
    if any(limit is None for limit in limits):
        return result
    min_road_m, neighbour_m, most = (float(limit.amount) for limit in limits if limit is not None)
    placed = np.isfinite(points).all(axis=1)
    near, perhaps = _neighbours(ws, frame, points, neighbour_m)
    far = np.where(np.isnan(road_m), True, road_m >= min_road_m)
    result[placed & ((near > most) | (~np.isnan(road_m) & ~far))] = NO
    if not absence(ws, "roads", [], day, max_age_days) and not absence(ws, "households", [], day, max_age_days):
        result[placed & far & (near + perhaps <= most)] = YES
    return result


def _neighbours(ws: Workspace, frame: pd.DataFrame, points: Floats, within_m: float) -> tuple[Any, Any]:
    """Count the other households within a distance (inclusive), and those without a place that may live there."""
    households = ws.layers["households"]
    everyone = points_of(geometries(households))
    lost = ~np.isfinite(everyone).all(axis=1)
    placed = np.isfinite(points).all(axis=1)
    near = np.zeros(len(points), dtype=np.int64)
    near[placed] = cKDTree(everyone[~lost]).query_ball_point(points[placed], within_m, return_length=True) - 1
    villages = _column(households[lost], "village_id").fillna("").value_counts()
    theirs = _column(frame, "village_id").fillna("").map(villages).fillna(0).to_numpy(dtype=np.int64)
    return near, theirs + np.where(_column(frame, "village_id").isna(), 0, villages.get("", 0))
