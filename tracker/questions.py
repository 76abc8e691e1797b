"""What a visit may ask, kind of row by kind of row, and how an answer written by hand is read. Pure: no files, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from types import MappingProxyType

from geo.errors import InputError
from layers import cells, schema
from tracker.status import HOUSE_LABELS, PROJECT_LABELS, TREATMENTS

UNKNOWN = "?"
UNKNOWN_WORD = "不清楚"
YES_NO = MappingProxyType({"yes": "是", "no": "否"})
GRADES = MappingProxyType({grade: f"{grade}级" for grade in "ABCD"})
_UNKNOWN_WORDS = frozenset({UNKNOWN_WORD, "不知道", "不明", "未知", "不详", "?", "？", "unknown"})
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "needs": "七有等事项",
        "villages": "村情",
        "natural_villages": "自然村",
        "facilities": "设施",
        "households": "农户",
        "houses": "危房台账",
        "projects": "项目",
        "found": "新发现",
    }
)
PERSONAL = frozenset({"households", "houses"})  # single households: logged, and only for who may see them
STEPPED = frozenset({"houses", "projects"})  # answered as a step of the ledger, all columns of a row together


@dataclass(frozen=True)
class Question:
    """One thing asked about a row. `choices` is code -> word; without choices the answer is a number."""

    field: str
    label: str
    choices: Mapping[str, str] = default(default_factory=dict)
    unit: str = ""
    is_whole: bool = False
    bounds: tuple[float, float] = (0.0, 1e9)

    @property
    def words(self) -> list[str]:
        """Return what may be chosen, "unknown" last; empty for a number."""
        return [*self.choices.values(), UNKNOWN_WORD] if self.choices else []

    def show(self, value: str) -> str:
        """Return a value in words; unknown is said, never left to be read as no.

        >>> Question("safe_water", "饮水安全", YES_NO).show("no"), Question("population", "人口").show("")
        ('否', '不清楚')
        """
        return self.choices.get(value, value) + (self.unit if value and not self.choices else "") or UNKNOWN_WORD


def _number(layer: str, name: str, label: str, unit: str) -> Question:
    found = schema.load()[layer].field(name)
    return Question(name, label, unit=unit, is_whole=found.type == "integer", bounds=found.bounds or (0.0, 1e9))


def asked(kind: str, row_field: str = "", row_label: str = "") -> tuple[Question, ...]:
    """Return the questions of a kind of row; a row of `needs` asks one, whose need and label are given."""
    if kind == "needs":
        return (Question(row_field, row_label or "核实", YES_NO),)
    return _ASKED[kind]


_ASKED: Mapping[str, tuple[Question, ...]] = {
    "villages": (
        _number("villages", "population", "总人口", "人"),
        _number("villages", "households", "总户数", "户"),
    ),
    "natural_villages": (
        _number("natural_villages", "population", "人口", "人"),
        _number("natural_villages", "households", "户数", "户"),
        _number("natural_villages", "poor_population", "贫困人口", "人"),
    ),
    "facilities": (
        Question("status", "使用状态", {"in_service": "在用", "planned": "在建或规划", "broken": "损坏停用"}),
        Question("is_standard", "是否标准化", YES_NO),
    ),
    "households": (
        _number("households", "members", "家庭人口", "人"),
        Question("housing_grade", "房屋等级", GRADES),
        Question("sole_dwelling", "唯一住房", YES_NO),
        Question("has_labour", "有劳动力", YES_NO),
        Question("safe_water", "饮水安全", YES_NO),
        Question("sanitary_toilet", "卫生厕所", YES_NO),
        Question("electricity", "通生活用电", YES_NO),
    ),
    "houses": (
        Question("status", "进度", HOUSE_LABELS),
        Question("grade", "鉴定等级", GRADES),
        Question("treatment", "处置方式", TREATMENTS),
    ),
    "projects": (
        Question("status", "进度", PROJECT_LABELS),
        Question("actual_cost_cny10k", "实际投资", unit="万元"),
        Question("actual_length_km", "实际长度", unit="公里"),
    ),
    "found": (),
}


def read_answer(question: Question, text: str) -> str:
    """Read what was written for a question: "" for nothing written, `UNKNOWN` for an explicit "unknown", else the value.

    Raises InputError, naming what may be written, for anything else: a guess is worse than a question.

    >>> water = Question("safe_water", "饮水安全", YES_NO)
    >>> [read_answer(water, text) for text in ("有", "否", " 不清楚 ", "")]
    ['yes', 'no', '?', '']
    """
    plain = cells.cell_text(text)
    if not plain:
        return ""
    if plain.lower() in _UNKNOWN_WORDS or cells.is_blank(plain):
        return UNKNOWN
    if not question.choices:
        return _read_number(question, plain)
    by_word = {word: code for code, word in question.choices.items()}
    code = by_word.get(plain) or (plain if plain in question.choices else None)
    if code is None and set(question.choices) == set(YES_NO):
        said = cells.parse_boolean(plain, layer="", field="")
        code = None if said is None else "yes" if said else "no"
    if code is None and question.choices is GRADES:
        upper = plain.upper().removesuffix("级危房").removesuffix("级").removesuffix("类")
        code = upper if upper in GRADES else None
    if code is None:
        raise InputError(f"“{question.label}”填的是“{plain[:40]}”，只能填：{'、'.join(question.words)}。")
    return code


def _read_number(question: Question, plain: str) -> str:
    text = plain.removesuffix(question.unit).strip() if question.unit else plain
    value = cells.parse_number(text, "", 1.0)
    low, high = question.bounds
    if value is None or (question.is_whole and not value.is_integer()) or not low <= value <= high:
        kind = "整数" if question.is_whole else "数字"
        raise InputError(f"“{question.label}”填的是“{plain[:40]}”，要填 {low:g} 到 {high:g} 的{kind}。")
    return str(int(value)) if value.is_integer() else repr(value)
