"""What a careful user would write with geopandas, networkx and pandas to get the same answers from the same layers.

Not a straw man: it joins in space with the library's own index, searches once per question and not once per village,
and groups with pandas; it loops where people loop. It uses nothing of ours, so it is also an independent check:
`tests/test_benchmarks.py` compares its answers with those of `assess`.

It takes every layer as complete and of the day asked about, as the demo's are.

    python -m benchmarks.naive OFFICE --out DIR
"""

import argparse
import json
import time
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from scipy.spatial import cKDTree

from benchmarks.naive_roads import node_roads, road_states, way_from, ways_to

SERVICES = (
    *("clinic", "school", "kindergarten", "bus_stop", "bus_station", "nursing_home", "cultural_venue"),
    *("finance_point", "cash_point"),
)


# ---------- reading ----------


def read_layers(office: Path) -> dict[str, Any]:
    """Read every file of every layer and stack the files of one layer; metres of the villages' 3-degree zone."""
    layers: dict[str, Any] = {}
    for folder in sorted((office / "layers").iterdir()):
        frames = []
        for path in sorted(folder.glob("*.parquet")):
            try:
                frames.append(gpd.read_parquet(path))
            except ValueError:
                frames.append(pd.read_parquet(path))
        layers[folder.name] = pd.concat(frames, ignore_index=True)
    west, _, east, _ = layers["villages"].total_bounds
    crs = f"EPSG:{4534 + round((west + east) / 2 / 3) - 25}"
    return {name: frame.to_crs(crs) if isinstance(frame, gpd.GeoDataFrame) else frame for name, frame in layers.items()}


def read_policy(path: Path, day: date) -> dict[str, Any]:
    """Read the policy; every parameter as it is on the day, and "@name" in the needs replaced."""
    policy = tomllib.loads(path.read_text(encoding="utf-8"))
    values = {}
    for key, parameter in policy["parameters"].items():
        holds = [value for value in parameter["values"] if value.get("since", date.min) <= day]
        if holds:
            values[key] = max(holds, key=lambda value: value.get("since", date.min))["value"]
    for need in policy["needs"]:
        for name, value in need["parameters"].items():
            if isinstance(value, str) and value.startswith("@"):
                need["parameters"][name] = values[value[1:]]
    return {**policy, "values": values}


def place(frame: Any, villages: gpd.GeoDataFrame) -> pd.DataFrame:
    """Give every row its village: the code written, else town and village name, else the polygon around it."""
    frame = frame.copy()
    frame["village_id"] = frame["village_id"].where(frame["village_id"].isin(villages["village_id"]))
    if "village" in frame:
        names = villages.drop_duplicates(["town", "name"], keep=False)
        codes = frame.merge(
            names[["town", "name", "village_id"]],
            left_on=["town", "village"],
            right_on=["town", "name"],
            how="left",
            suffixes=("", "_named"),
        )["village_id_named"]
        frame["village_id"] = frame["village_id"].fillna(pd.Series(codes.to_numpy(), index=frame.index))
    left = frame[frame["village_id"].isna() & frame.geometry.notna()]
    if len(left):
        inside = gpd.sjoin(
            left[["geometry"]],
            villages[["village_id", "geometry"]].rename(columns={"village_id": "found"}),
            predicate="intersects",
        )
        inside = inside[~inside.index.duplicated()]
        frame["village_id"] = frame["village_id"].fillna(inside["found"])
    frame["town"] = frame["village_id"].map(villages.set_index("village_id")["town"])
    return frame


# ---------- coverage ----------


def latest_claims(claims: pd.DataFrame, day: date) -> dict[tuple[str, str], str]:
    """Read what the register says last; two answers of one day cancel out."""
    claims = claims[claims["day"].fillna("") <= day.isoformat()]
    said = {}
    for key, group in claims.groupby(["unit_id", "need"]):
        newest = group[group["day"].fillna("") == group["day"].fillna("").max()]["value"].str.strip().unique()
        if len(newest) == 1:
            said[key] = newest[0].lower()
    return said


def counts(kinds: list[str], where: Mapping[str, Any], facilities: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pick the facilities of some kinds that are in service: those that surely count, and those that may."""
    some = facilities[facilities["kind"].isin(kinds)]
    unknown = some["status"].isna() | (some["status"] == "unknown")
    may = some["status"].eq("in_service") | unknown
    sure = some["status"].eq("in_service")
    for column, value in where.items():
        may &= some[column].isna() | (some[column] == value)
        sure &= some[column].eq(value).fillna(False).astype(bool)
    return some[sure], some[may & ~sure]


def has(need: dict, units: gpd.GeoDataFrame, layers: dict[str, Any], column: str) -> pd.DataFrame:
    """Count features by unit; how far the nearest is where there is none."""
    rule = need["parameters"]
    kinds = [rule["kind"]] if isinstance(rule["kind"], str) else rule["kind"]
    sure, perhaps = counts(kinds, rule.get("where", {}), layers[rule.get("layer", "facilities")])
    if rule.get("layer") == "lines":
        number, open_ = (
            gpd.sjoin(units[["unit_id", "geometry"]], some[["geometry"]], predicate="intersects")
            .groupby("unit_id")
            .size()
            for some in (sure, perhaps)
        )
    else:
        number, open_ = sure.groupby(column).size(), perhaps.groupby(column).size()
    value = units["unit_id"].map(number).fillna(0)
    most = value + units["unit_id"].map(open_).fillna(0)
    least = rule.get("min_count", 1)
    is_delivered = set(kinds) <= set(layers[rule.get("layer", "facilities")]["kind"])  # else nobody knows
    measured = np.where(value >= least, "yes", np.where((most < least) & is_delivered, "no", "unknown"))
    seats = units[["unit_id", "seat"]].set_geometry("seat")
    near = gpd.sjoin_nearest(seats, sure[["geometry"]], distance_col="distance_m")
    near = near[~near.index.duplicated()]["distance_m"].reindex(units.index)
    value = value.where((measured != "unknown") | (value > 0))
    return pd.DataFrame({"measured": measured, "value": value, "distance_m": near.where(measured == "no")})


def near(need: dict, units: gpd.GeoDataFrame, layers: dict[str, Any], homes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure to the nearest feature, from the seat and from every household."""
    rule = need["parameters"]
    layer = layers[rule.get("layer", "facilities")]
    if "status" in layer:
        sure, perhaps = counts([rule["kind"]], rule.get("where", {}), layer)
    else:
        sure, perhaps = layer[layer["kind"] == rule["kind"]], layer[:0]
    every, is_delivered = pd.concat([sure, perhaps]), (layer["kind"] == rule["kind"]).any()

    def judge(points: gpd.GeoDataFrame) -> tuple[pd.Series, pd.Series]:
        """Tell metres to the nearest feature, and yes, no or unknown."""
        metres = []
        for some in (sure, every):
            found = gpd.sjoin_nearest(points, some[["geometry"]], distance_col="metres")
            metres.append(found[~found.index.duplicated()]["metres"].reindex(points.index))
        most = rule["max_distance_m"]
        return metres[0], pd.Series(
            np.where(metres[0] <= most, "yes", np.where((metres[1] > most) & is_delivered, "no", "unknown")),
            index=points.index,
        )

    metres, measured = judge(units[["seat"]].set_geometry("seat"))
    mine = homes[homes["village_id"].isin(units["unit_id"])]
    within = judge(mine[["geometry"]])[1]
    village = units["unit_id"]
    return pd.DataFrame(
        {
            "measured": measured,
            "value": metres,
            "distance_m": metres,
            "households_within": village.map(mine[within == "yes"].groupby("village_id").size()).fillna(0),
            "households_known": village.map(mine[within != "unknown"].groupby("village_id").size()).fillna(0),
            "households": village.map(mine.groupby("village_id").size()).fillna(0),
        }
    )


def road(need: dict, units: gpd.GeoDataFrame, natural: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Ask whether the seat, or every natural village that is due, reaches the hardened core."""
    if need["parameters"].get("target", "seat") == "seat":
        mine = states.set_index("unit_id").loc[units["unit_id"]].reset_index()
        words = {"connected": "yes", "harden": "no", "build": "no", "unknown": "unknown"}
        todo = (mine["gap_km"].fillna(0) + mine["new_km"].fillna(0)).where(mine["state"] != "unknown")
        value = todo.where((mine["state"] != "harden") | mine["gap_km"].notna())
        return pd.DataFrame({"measured": mine["state"].map(words), "value": value, "distance_m": value * 1000})
    least = need["parameters"].get("min_share", 1)
    rows = []
    for unit in units["unit_id"]:
        mine = natural[natural["village_id"] == unit]
        due, maybe = mine[mine["is_due"] == "yes"], mine[mine["is_due"] == "unknown"]
        there, gone = (due["state"] == "connected").sum(), due["state"].isin(["harden", "build"]).sum()
        open_ = len(due) - there - gone
        maybe_there = (maybe["state"] == "connected").sum()
        maybe_gone = maybe["state"].isin(["harden", "build"]).sum()
        maybe_open = len(maybe) - maybe_there - maybe_gone
        worst, best = len(due) + maybe_gone + maybe_open, len(due) + maybe_there + maybe_open
        low = there / worst if worst else 1.0
        high = (there + open_ + maybe_there + maybe_open) / best if best else 1.0
        answer = "yes" if low >= least else "no" if high < least else "unknown"
        rows.append((answer, there / (there + gone) if there + gone else np.nan, np.nan))
    return pd.DataFrame(rows, columns=["measured", "value", "distance_m"])


def share(need: dict, units: gpd.GeoDataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Measure the share of members that have something; unknown ones make a low and a high."""
    rule, rows = need["parameters"], []
    for unit in units["unit_id"]:
        held = members.loc[members["village_id"] == unit, rule["field"]]
        yes, no, every = (held == True).sum(), (held == False).sum(), len(held)  # noqa: E712
        least = rule.get("min_share", 1)
        known = "unknown" if not every else "yes" if yes / every >= least else ""
        answer = known or ("no" if (every - no) / every < least else "unknown")
        rows.append((answer, yes / (yes + no) if yes + no else np.nan, np.nan))
    return pd.DataFrame(rows, columns=["measured", "value", "distance_m"])


def status(measured: str, claimed: str) -> str:
    """Join what was measured and what is claimed."""
    if measured == "unknown":
        return {"yes": "met", "no": "gap"}.get(claimed, "unknown")
    if claimed not in ("unknown", measured):
        return "disputed"
    return "met" if measured == "yes" else "gap"


def findings_of(
    policy: dict, layers: dict[str, Any], natural: pd.DataFrame, seats: pd.DataFrame, day: date
) -> pd.DataFrame:
    """Judge every need for every unit in its scope."""
    said = latest_claims(layers["claims"], day)
    facilities = layers["facilities"]
    facilities["town_id"] = facilities["town"].map(layers["towns"].set_index("name")["town_id"])
    tables = []
    for need in policy["needs"]:
        kind = need.get("unit", "village")
        units = layers["villages" if kind == "village" else "towns"].copy()
        units["unit_id"] = units[f"{kind}_id"]
        units["town"] = units["town"] if kind == "village" else units["name"]
        if kind == "town":
            units["seat"] = units.geometry.representative_point()
        if need.get("scope") and kind == "village":
            units = units[units["list_type"].isin(need["scope"]) | units["list_type"].isna()]
        units = units.reset_index(drop=True)
        if need["kind"] == "has":
            table = has(need, units, layers, f"{kind}_id")
        elif need["kind"] == "near":
            table = near(need, units, layers, layers["households"])
        elif need["kind"] == "road":
            table = road(need, units, natural, seats)
        elif need["kind"] == "share":
            table = share(need, units, layers[need["parameters"].get("of", "households")])
        elif need["kind"] == "all":
            parts = pd.concat([t for t in tables if t["need"].iloc[0] in need["parameters"]["needs"]])
            rows = []
            for unit in units["unit_id"]:
                mine = parts[parts["unit_id"] == unit]
                row = [
                    "no" if (mine[side] == "no").any() else "yes" if (mine[side] == "yes").all() else "unknown"
                    for side in ("measured", "claimed")
                ]
                rows.append((*row, float((mine["status"] == "met").sum())))
            table = pd.DataFrame(rows, columns=["measured", "claimed", "value"])
        else:
            table = pd.DataFrame({"measured": ["unknown"] * len(units)})
        claimed = pd.Series([said.get((unit, need["id"]), "unknown") for unit in units["unit_id"]])
        table["claimed"] = (
            table["claimed"].where(table["claimed"] != "unknown", claimed) if "claimed" in table else claimed
        )
        table["status"] = [status(m, c) for m, c in zip(table["measured"], table["claimed"], strict=True)]
        tables.append(
            table.assign(
                unit_id=units["unit_id"], unit_kind=kind, town=units["town"], need=need["id"], rule=need["kind"]
            )
        )
    return pd.concat(tables, ignore_index=True)


def coverage_of(findings: pd.DataFrame) -> pd.DataFrame:
    """Count statuses by town and for the whole, with the low and the high share."""
    both = pd.concat([findings.assign(town="全部"), findings])
    keys = ["town", "unit_kind", "need"]
    table = both.groupby([*keys, "status"]).size().unstack(fill_value=0)
    table = table.reindex(columns=["met", "gap", "disputed", "unknown"], fill_value=0)
    every = table.sum(axis=1)
    table["low"], table["high"] = table["met"] / every, (every - table["gap"]) / every
    reach = both.groupby(keys)[["households_within", "households_known", "households"]].sum(min_count=1)
    return table.join(reach).reset_index()


# ---------- roads ----------


def natural_villages_of(layers: dict[str, Any], roads: Any, values: dict[str, Any]) -> pd.DataFrame:
    """State, gap and what is missing of every natural village, with cost and rank of the candidates."""
    table = layers["natural_villages"][
        ["natural_village_id", "name", "village_id", "town", "population", "poor_population", "geometry"]
    ].copy()
    least = values["hardening.min_population"]
    table["is_due"] = np.where(
        table["population"].isna(), "unknown", np.where(table["population"] >= least, "yes", "no")
    )
    lines = layers["roads"]
    lines = lines[~lines["is_duplicate"].fillna(False).astype(bool)]
    surface, hard = lines["surface"].fillna("unknown"), set(values["hardening.surfaces"])
    distance = {}
    for name, some in (("road", lines), ("hard", lines[surface.isin(hard)]), ("open", lines[surface == "unknown"])):
        found = gpd.sjoin_nearest(table[["geometry"]], some[["geometry"]], distance_col="metres")
        distance[name] = found[~found.index.duplicated()]["metres"].reindex(table.index)
    table["road_distance_m"] = distance["road"]
    table["hardened_distance_m"] = distance["hard"].where(~(distance["open"] < distance["hard"]))
    snap_m, detour = values["hardening.snap_m"], values["hardening.detour_factor"]
    states = pd.DataFrame(road_states(table.geometry, roads, hard, snap_m, detour))
    table = table.join(states)
    is_candidate = (table["is_due"] == "yes") & table["state"].isin(["harden", "build"])
    table["segment_roads"] = [
        ";".join(names) if wanted else "" for names, wanted in zip(table.pop("roads"), is_candidate, strict=True)
    ]
    cost = (
        table["gap_km"] * values["cost.hardening_cny10k_per_km"]
        + table["new_km"] * values["cost.new_road_cny10k_per_km"]
    )
    table["cost_cny10k"] = cost.where(is_candidate)
    table["people_per_cny10k"] = (table["population"] / table["cost_cny10k"]).where(table["cost_cny10k"] > 0)
    table["rank"] = table["people_per_cny10k"].rank(ascending=False, method="first")
    return table


def segments_of(natural: pd.DataFrame) -> pd.DataFrame:
    """Tell for every road some candidate needs how many people depend on it."""
    needed = natural[natural["segment_roads"] != ""].copy()
    needed["road_id"] = needed["segment_roads"].str.split(";")
    needed = needed.explode("road_id")
    return needed.groupby("road_id")[["population", "poor_population"]].sum().reset_index()


def works_of(layers: dict[str, Any], values: dict[str, Any], dem: Path | None) -> dict[str, pd.DataFrame]:
    """List narrow hardened roads, dangerous bridges, and steep or sharply bent stretches without a barrier."""
    lines = layers["roads"]
    lines = lines[~lines["is_duplicate"].fillna(False).astype(bool)]
    hard = lines["surface"].isin(values["hardening.surfaces"])
    narrow = lines[hard & (lines["pavement_width_m"] < values["road.min_pavement_m"])]
    ratings = [str(rating) for rating in values["bridge.dangerous_ratings"]]
    bridges = layers["bridges"][layers["bridges"]["rating"].astype(str).isin(ratings)]
    risky = []
    if dem:
        with rasterio.open(dem) as raster:
            heights, back = raster.read(1).astype(float), ~raster.transform
    some = lines[~lines["has_safety_barrier"].fillna(False).astype(bool)]
    for road_id, line in zip(some["road_id"], some.geometry, strict=True):
        if line.length < 100:
            continue
        places = np.linspace(0, line.length, int(np.ceil(line.length / 25)) + 1)
        points = [[line.interpolate(min(max(at + d, 0), line.length)) for d in (-50, 0, 50)] for at in places]
        a, b, c = (np.array([(p.x, p.y) for p in column]) for column in zip(*points, strict=True))
        sides = np.hypot(*(b - a).T) * np.hypot(*(c - b).T) * np.hypot(*(c - a).T)
        twice = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
        radius = np.divide(sides, 2 * twice, out=np.full(len(a), np.inf), where=twice > 1e-6)
        is_risky = radius <= values["safety.max_radius_m"]
        if dem:
            z = []
            for side in (a, c):
                col = np.floor(back.a * side[:, 0] + back.c).astype(int)
                row = np.floor(back.e * side[:, 1] + back.f).astype(int)
                z.append(heights[row, col])
            run = np.minimum(places + 50, line.length) - np.maximum(places - 50, 0)
            is_risky |= np.abs(z[1] - z[0]) / run * 100 >= values["safety.min_slope_percent"]
        for start in np.flatnonzero(is_risky & ~np.r_[False, is_risky[:-1]]):
            stop = start + np.argmin(np.r_[is_risky[start:], False]) - 1
            begin, end = max(places[start] - 12.5, 0), min(places[stop] + 12.5, line.length)
            risky.append((road_id, begin / 1000, end / 1000))
    safety = pd.DataFrame(risky, columns=["road_id", "start_km", "end_km"])
    return {"widening": narrow.drop(columns="geometry"), "bridges": bridges.drop(columns="geometry"), "safety": safety}


def access_of(layers: dict[str, Any], roads: Any, speeds: dict[str, float], snap_m: float) -> pd.DataFrame:
    """Measure the way of every village and natural village to the nearest facility of each service."""
    villages = layers["villages"]
    units = pd.concat(
        [
            pd.DataFrame({"unit_id": villages["village_id"], "unit_kind": "village", "geometry": villages["seat"]}),
            pd.DataFrame(
                {
                    "unit_id": layers["natural_villages"]["natural_village_id"],
                    "unit_kind": "natural_village",
                    "geometry": layers["natural_villages"].geometry,
                }
            ),
        ],
        ignore_index=True,
    )
    units = gpd.GeoDataFrame(units, geometry="geometry", crs=villages.crs)
    tables = []
    for service in SERVICES:
        some = counts([service], {}, layers["facilities"])[0]
        if not (layers["facilities"]["kind"] == service).any():
            continue
        straight = gpd.sjoin_nearest(units, some[["geometry"]], distance_col="straight_m")
        straight = straight[~straight.index.duplicated()]["straight_m"]
        ways = ways_to(some, roads, speeds, snap_m)
        found = [way_from(point, ways, roads, speeds, snap_m) for point in units.geometry]
        table = pd.DataFrame(found, columns=["facility_id", "network_m", "minutes"])
        tables.append(units[["unit_id", "unit_kind"]].join(table).assign(service=service, straight_m=straight))
    return pd.concat(tables, ignore_index=True)


# ---------- houses ----------


def housing_of(
    layers: dict[str, Any], policy: dict, roads: Any, speeds: dict[str, float], snap_m: float, day: date
) -> pd.DataFrame:
    """List dangerous houses: eligibility by the document's classes, treatment, hazard, roads, clinic, neighbours."""
    rules, values, homes = policy["housing"], policy["values"], layers["households"]
    houses = homes[homes["housing_grade"].isin(rules["grades"])].copy()

    def holds(house: Any, rule: dict) -> bool | None:
        answers = []
        if rule.get("categories"):
            words = house["category"]
            answers.append(bool(set(words.split(";")) & set(rule["categories"])) if isinstance(words, str) else None)
        if rule.get("requires_sole_dwelling"):
            answers.append(None if pd.isna(house["sole_dwelling"]) else bool(house["sole_dwelling"]))
        if "has_labour" in rule:
            known = house["has_labour"]
            answers.append(None if pd.isna(known) else bool(known) == rule["has_labour"])
        if rule.get("grades"):
            answers.append(house["housing_grade"] in rule["grades"])
        return False if False in answers else None if None in answers else True

    def eligible(house: Any) -> tuple[str, str]:
        answer, clause = "no", rules["reference"]
        for one in rules["classes"]:
            held = holds(house, one)
            if held:
                answer, clause = "yes", one["reference"]
                break
            if held is None and answer == "no":
                answer, clause = "unknown", one["reference"]
        for one in rules.get("exclusions", []):
            area, age = house["house_area_m2"], day.year - house["house_built_year"]
            large = None if pd.isna(area) else area >= one["min_area_m2"]
            young = None if pd.isna(age) or age == one["within_years"] else age < one["within_years"]
            if answer != "no" and large and young:
                answer, clause = "unknown" if one.get("except_subsidised") else "no", one["reference"]
            elif answer == "yes" and large is not False and young is not False:
                answer, clause = "unknown", one["reference"]
        return answer, clause

    houses[["is_eligible", "clause"]] = houses.apply(eligible, axis=1, result_type="expand")
    houses["treatment"] = houses.apply(
        lambda house: next((t["treatment"] for t in rules["treatments"] if holds(house, t)), ""), axis=1
    ).where(houses["is_eligible"] != "no", "")
    overlay = gpd.sjoin(houses[["geometry"]], layers["hazards"][["kind", "geometry"]], predicate="intersects")
    houses["hazard"] = overlay.groupby(level=0)["kind"].agg(lambda kinds: ";".join(sorted(set(kinds))))
    houses["hazard"] = houses["hazard"].fillna("").where(houses.geometry.notna(), "unknown")
    near_road = gpd.sjoin_nearest(houses[["geometry"]], layers["roads"][["geometry"]], distance_col="metres")
    houses["road_distance_m"] = near_road[~near_road.index.duplicated()]["metres"]
    clinics = counts(["clinic"], {}, layers["facilities"])[0]
    ways = ways_to(clinics, roads, speeds, snap_m)
    houses["clinic_minutes"] = [
        np.nan if point is None or point.is_empty else way_from(point, ways, roads, speeds, snap_m)[2]
        for point in houses.geometry
    ]
    placed = homes[homes.geometry.notna() & ~homes.geometry.is_empty]
    tree = cKDTree(np.column_stack([placed.geometry.x, placed.geometry.y]))
    lost = homes[homes.geometry.isna()]["village_id"]
    anywhere, lost = lost.isna().sum(), lost.value_counts()
    isolated = []
    for house in houses.itertuples():
        if house.geometry is None or house.geometry.is_empty:
            isolated.append("unknown")
            continue
        others = len(tree.query_ball_point(house.geometry.coords[0], values["isolation.neighbour_m"])) - 1
        far = house.road_distance_m >= values["isolation.min_road_m"]
        if others > values["isolation.max_neighbours"] or not far:
            isolated.append("no")
        else:
            many = others + lost.get(house.village_id, 0) + anywhere > values["isolation.max_neighbours"]
            isolated.append("unknown" if many else "yes")
    houses["is_isolated"] = isolated
    houses["status"] = "overdue" if day > rules["deadline"] else "open"
    columns = [
        *("household_id", "village_id", "town", "housing_grade", "category", "is_eligible", "clause", "treatment"),
        *("hazard", "road_distance_m", "clinic_minutes", "is_isolated", "status"),
    ]
    return pd.DataFrame(houses[columns])


def contradictions_of(findings: pd.DataFrame, policy: dict, layers: dict[str, Any]) -> pd.DataFrame:
    """List disputed findings, and households outside the village they are registered in."""
    parts = {need["id"]: need["parameters"]["needs"] for need in policy["needs"] if need["kind"] == "all"}
    held = findings[findings["status"] == "disputed"]
    simple = set(zip(held["unit_id"], held["need"], strict=True))
    told = [any((row.unit_id, part) in simple for part in parts.get(row.need, [])) for row in held.itertuples()]
    villages = layers["villages"].set_index("village_id")
    disputed = held[~np.array(told, dtype=bool)][["unit_id", "need", "claimed", "measured", "distance_m"]].copy()
    disputed["people"] = disputed["unit_id"].map(villages["population"])
    homes = layers["households"]
    homes = homes[homes.geometry.notna() & homes["village_id"].notna()]
    own = gpd.GeoSeries(villages.geometry.reindex(homes["village_id"]).to_numpy(), index=homes.index, crs=villages.crs)
    away = homes.distance(own)
    stray = homes[away > 0]
    outside = pd.DataFrame(
        {
            "unit_id": stray["household_id"],
            "need": "location",
            "claimed": stray["village_id"],
            "distance_m": away[away > 0],
            "people": stray["members"],
        }
    )
    return pd.concat([disputed, outside], ignore_index=True).sort_values("people", ascending=False)


# ---------- all ----------


def run(office: Path, out: Path, day: date | None = None) -> dict[str, float]:
    """Do every step and write the tables; seconds of CPU by step."""
    out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    clock = time.process_time()

    def lap(name: str) -> None:
        nonlocal clock
        seconds[name], clock = time.process_time() - clock, time.process_time()

    layers = read_layers(office)
    day = day or date.fromisoformat(max(layers["claims"]["day"].dropna()))
    policy = read_policy(next(path for path in office.glob("*.toml") if path.name != "office.toml"), day)
    values = policy["values"]
    lap("read")
    villages = layers["villages"]
    seats = gpd.GeoSeries(gpd.points_from_xy(villages["seat_x"], villages["seat_y"]), crs=4490).to_crs(villages.crs)
    villages["seat"] = seats.where(villages["seat_x"].notna(), villages.geometry.representative_point())
    for name in ("natural_villages", "households", "facilities"):
        layers[name] = place(layers[name], villages)
    lap("place")
    usable = layers["roads"]
    usable = usable[~usable["is_duplicate"].fillna(False).astype(bool)]
    roads = node_roads(usable)
    lap("network")
    natural = natural_villages_of(layers, roads, values)
    segments = segments_of(natural)
    hard = set(values["hardening.surfaces"])
    states = road_states(villages["seat"], roads, hard, values["hardening.snap_m"], values["hardening.detour_factor"])
    states = pd.DataFrame(states).assign(unit_id=villages["village_id"])
    lap("roads")
    dem = next((office / "rasters" / "dem").glob("*.tif"), None)
    works = works_of(layers, values, dem)
    lap("works")
    findings = findings_of(policy, layers, natural, states, day)
    coverage = coverage_of(findings)
    lap("coverage")
    speeds = {key[6:-4]: value for key, value in values.items() if key.startswith("speed.")}
    access = access_of(layers, roads, speeds, values["access.snap_m"])
    lap("access")
    housing = housing_of(layers, policy, roads, speeds, values["access.snap_m"], day)
    lap("housing")
    wrong = contradictions_of(findings, policy, layers)
    lap("contradictions")
    tables = {
        "findings": findings,
        "coverage": coverage,
        "access": access,
        "housing": housing,
        "natural_villages": natural.drop(columns="geometry"),
        "segments": segments,
        "contradictions": wrong,
        **works,
    }
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False)
    lap("write")
    return seconds


def main() -> None:
    """Run every step, print the seconds of each as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("office", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    seconds = run(asked.office, asked.out)
    print(json.dumps({"seconds": seconds, "total": sum(seconds.values())}, indent=1))


if __name__ == "__main__":
    main()
