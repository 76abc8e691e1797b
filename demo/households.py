"""Fill the natural villages with houses and the families in them."""

import numpy as np
import pandas as pd

from demo import names
from demo.settlements import Settlements, near_home
from demo.sizes import Array, Size

CATEGORIES = np.array(["一般贫困户", "低保户", "五保户", "建档立卡户;残疾人家庭", "建档立卡户;低保户"], dtype=object)
MEMBERS = np.array([0.08, 0.17, 0.22, 0.25, 0.16, 0.08, 0.04])
GRADES = np.array(["A级", "B级", "C级", "D级", None], dtype=object)


def _choose(rng: np.random.Generator, share: Array, count: int) -> Array:
    """Draw positions by their shares."""
    return np.asarray(np.searchsorted(np.cumsum(share) / np.sum(share), rng.random(count), side="right"))


def _yes_no(rng: np.random.Generator, yes: Array, blank: float = 0.004) -> Array:
    """Write yes/no as ledgers do, with a few blanks."""
    text = np.where(yes, "是", "否").astype(object)
    text[rng.random(text.size) < blank] = None
    return text


def make_households(places: Settlements, size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """List the families of the ledger: every one, or only the poor where the size says so.

    Returns
    -------
    DataFrame
        One row a house, in ledger order, with `hamlet` and `village` row positions and `x`, `y` in metres. People in
        natural villages are counted from it by `count_people`.
    """
    houses = places.hamlets["houses"].to_numpy()
    is_poor = _poor(places, houses, size, rng)
    hamlet = np.repeat(np.arange(houses.size), houses)
    if size.poor_only:
        hamlet, is_poor = hamlet[is_poor], np.ones(int(is_poor.sum()), dtype=bool)
    n = hamlet.size
    spread = 12.0 * np.sqrt(houses[hamlet])
    centre = places.hamlets[["x", "y"]].to_numpy()[hamlet]
    xy = near_home(
        places, places.hamlets["village"].to_numpy()[hamlet], centre, rng.normal(0, 1, (n, 2)) * spread[:, None]
    )
    category = np.where(is_poor, CATEGORIES[_choose(rng, np.array([0.52, 0.22, 0.10, 0.08, 0.08]), n)], "一般农户")
    members = 1 + _choose(rng, MEMBERS, n)
    members = np.where(category == "五保户", 1 + (rng.random(n) < 0.12), members)
    grade = np.where(
        is_poor,
        _choose(rng, np.array([0.45, 0.34, 0.12, 0.07, 0.02]), n),
        _choose(rng, np.array([0.72, 0.253, 0.012, 0.005, 0.01]), n),
    )
    built = 2017 - np.minimum((rng.gamma(2.2, 9.0, n) + np.where(grade >= 2, 18, 0)).astype(np.int64), 75)
    village = places.hamlets["village"].to_numpy()[hamlet]
    table = pd.DataFrame(
        {
            "hamlet": hamlet,
            "village": village,
            "x": np.round(xy[:, 0], 2),
            "y": np.round(xy[:, 1], 2),
            "is_poor": is_poor,
            "members": members,
            "户类型": category,
            "危房等级": GRADES[grade],
            "是否唯一住房": _yes_no(rng, rng.random(n) < np.where(is_poor, 0.94, 0.8)),
            "有无劳动力": _yes_no(rng, rng.random(n) < np.where(is_poor, 0.62, 0.93)),
            "饮水安全": _yes_no(rng, rng.random(n) < _by_village(rng, places, 0.93)[village]),
            "卫生厕所": _yes_no(rng, rng.random(n) < _by_village(rng, places, 0.82)[village], 0.01),
            "通生活用电": _yes_no(rng, rng.random(n) < 0.999, 0.001),
            "住房面积": np.round(rng.gamma(6.0, 18.0, n) + 18.0, 0),
            "建房年份": built,
            "户主姓名": names.people(rng, n),
            "身份证号": names.id_numbers(rng, n),
            "联系电话": names.phones(rng, n),
        }
    )
    order = np.argsort(village, kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "户编号", _ids(places, table["village"].to_numpy()))
    return table


def _ids(places: Settlements, village: Array) -> Array:
    """Number the families of each village from 1: village code and five digits."""
    rank = pd.Series(village).groupby(village).cumcount().to_numpy() + 1
    code = places.villages["village_id"].astype("int64").to_numpy()[village] * 100_000 + rank
    return np.asarray(code.astype(str).astype(object))


def _by_village(rng: np.random.Generator, places: Settlements, mean: float) -> Array:
    """Draw a share for each village around a mean, lower in poor villages."""
    share = rng.beta(14 * mean, 14 * (1 - mean), len(places.villages))
    poor = places.villages["list_type"].to_numpy() == "poor"
    return np.where(poor, share**2, share)


def _poor(places: Settlements, houses: Array, size: Size, rng: np.random.Generator) -> Array:
    """Choose the poor families: more in poor villages and in small places."""
    village = places.hamlets["village"].to_numpy()
    listed = places.villages["list_type"].to_numpy()[village]
    weight = np.where(listed == "poor", 3.0, np.where(listed == "key", 1.6, 1.0)) * rng.lognormal(0, 0.4, houses.size)
    score = rng.random(int(houses.sum())) ** (1.0 / np.repeat(weight, houses))
    limit = np.partition(score, -size.poor)[-size.poor]
    return np.asarray(score >= limit)


def count_people(places: Settlements, households: pd.DataFrame, size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """Count people, households and poor people of each natural village."""
    n = len(places.hamlets)
    hamlet, members = households["hamlet"].to_numpy(), households["members"].to_numpy()
    poor = households["is_poor"].to_numpy()
    houses = places.hamlets["houses"].to_numpy()
    people = np.bincount(hamlet, members, minlength=n)
    if size.poor_only:
        rest = houses - np.bincount(hamlet, minlength=n)
        people = people + np.round(rest * (3.6 + rng.normal(0, 0.25, n)))
    return pd.DataFrame(
        {
            "population": people.astype(np.int64),
            "households": houses,
            "poor_population": np.bincount(hamlet[poor], members[poor], minlength=n).astype(np.int64),
        }
    )
