"""Invent Chinese names of places and people that nobody bears."""

import numpy as np

from demo.sizes import Array

TOWN_FIRST = "云青石丹龙凤白金长古大红双平黄锦南北东西"
TOWN_LAST = "溪塘岭桥江坪湖口山田城水"
VILLAGE_FIRST = "上下新石大黄高龙白水竹松樟枫梅桂荷莲蓝灵麻茶禾古厚恩夏瑶周李刘谭"
VILLAGE_LAST = "坑塘岭围村田洞江坪迳头口桥山陂湾"
HAMLET_FIRST = (
    "上",
    "下",
    "老",
    "新",
    "大",
    "小",
    "石",
    "牛",
    "黄",
    "长",
    "横",
    "井",
    "竹",
    "樟树",
    "石桥",
    "老屋",
    "塘",
    "河",
    "岭",
    "凉亭",
)
HAMLET_LAST = (
    "坑",
    "屋",
    "围",
    "排",
    "寮",
    "头",
    "场",
    "背",
    "下",
    "冲",
    "嘴",
    "坝",
    "子",
    "厦",
    "墩",
    "窝",
    "坳",
    "江",
    "迳",
    "洋",
)
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷"
GIVEN = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


def pairs(first: str | tuple[str, ...], last: str | tuple[str, ...]) -> Array:
    """Combine every first part with every last part that is not the same.

    Examples
    --------
    >>> pairs("上下", "下坑").tolist()
    ['上下', '上坑', '下坑']
    """
    return np.array([a + b for a in first for b in last if a != b], dtype=object)


def town_names(rng: np.random.Generator, count: int, per_county: Array) -> Array:
    """Name towns so that none repeats within a county, nor anywhere while there are names enough."""
    pool = pairs(TOWN_FIRST, TOWN_LAST)
    return _unique_within(rng, pool, per_county * 0 if count <= pool.size else per_county, count)


def village_names(rng: np.random.Generator, county: Array, town: Array) -> Array:
    """Name villages without repeats in a county, save one name that two towns of each county share."""
    names = _unique_within(rng, pairs(VILLAGE_FIRST, VILLAGE_LAST), county, county.size)
    for code in np.unique(county):
        members = np.flatnonzero(county == code)
        elsewhere = members[town[members] != town[members[0]]]
        if elsewhere.size:
            names[elsewhere[0]] = names[members[0]]
    return names


def hamlet_names(rng: np.random.Generator, village: Array) -> Array:
    """Name natural villages without repeats within a village."""
    return _unique_within(rng, pairs(HAMLET_FIRST, HAMLET_LAST), village, village.size)


def _unique_within(rng: np.random.Generator, pool: Array, group: Array, count: int) -> Array:
    """Deal names from a shuffled pool, starting elsewhere in each group; a group may hold as many as the pool."""
    pool = pool[rng.permutation(pool.size)]
    order = np.argsort(group, kind="stable")
    _, first, members = np.unique(group[order], return_index=True, return_counts=True)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count) - np.repeat(first, members)
    start = np.empty(count, dtype=np.int64)
    start[order] = np.repeat(rng.integers(0, pool.size, first.size), members)
    return np.asarray(pool[(start + rank) % pool.size])


def people(rng: np.random.Generator, count: int) -> Array:
    """Name people as documents hide them: surname, 某, a cyclical sign (陈某甲)."""
    pool = np.array([f"{a}某{b}" for a in SURNAMES for b in GIVEN], dtype=object)
    return np.asarray(pool[rng.integers(0, pool.size, count)])


def id_numbers(rng: np.random.Generator, count: int) -> Array:
    """Make identity numbers that no person can have: region 999999 exists nowhere; the check digit is right.

    Examples
    --------
    >>> int(id_numbers(np.random.default_rng(1), 1)[0][:6])
    999999
    """
    year = rng.integers(1935, 1996, count)
    month = rng.integers(1, 13, count)
    day = rng.integers(1, 29, count)
    head = ((999_999 * 10_000 + year) * 100 + month) * 100 + day
    head = head * 1000 + rng.integers(0, 1000, count)
    weights = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    digits = (head[:, None] // 10 ** np.arange(16, -1, -1, dtype=np.int64)) % 10
    check = np.array(list("10X98765432"), dtype=object)[(digits * weights).sum(axis=1) % 11]
    return np.asarray(head.astype(str).astype(object) + check)


def phones(rng: np.random.Generator, count: int) -> Array:
    """Make phone numbers that no network has: 000 and eight digits."""
    return np.array(["000" + text for text in (rng.integers(10**7, 10**8, count)).astype(str)], dtype=object)
