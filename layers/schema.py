"""What each layer must contain: one table a layer under `schemas/`, and the tables of values and units."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "schemas"
TABLES = frozenset({"layers", "values", "units", "variants"})
GEOMETRY = "geometry"


@dataclass(frozen=True)
class Field:
    """One column of a layer.

    `type` is text, id, code, codes, boolean, number, integer, year, day, longitude or latitude; the last two only
    make the point and are not stored. `required` is yes, no or alt (one of the alt columns of the layer must be
    there). `allowed` holds the codes of a code column, or ("lowest..highest",) of a number, both ends included.
    """

    name: str
    type: str
    unit: str
    required: str
    allowed: tuple[str, ...]
    aliases: tuple[str, ...]
    is_private: bool
    description: str

    @property
    def is_stored(self) -> bool:
        """True when the column is part of the stored layer (a longitude only makes the point)."""
        return self.type not in {"longitude", "latitude"}

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Lowest and highest allowed number, both included; None when any number will do."""
        if len(self.allowed) != 1 or ".." not in self.allowed[0]:
            return None
        low, high = self.allowed[0].split("..")
        return float(low), float(high)


@dataclass(frozen=True)
class Schema:
    """The columns and geometry of one layer. `geometry` is empty for a plain table."""

    name: str
    label: str
    fields: tuple[Field, ...]
    geometry: frozenset[str]
    is_geometry_required: bool = False
    guessed_from_name: str = ""
    aliases: tuple[str, ...] = ()
    description: str = ""

    @property
    def id(self) -> str:
        """Name of the column that names a row (unit_id in claims, where it may repeat)."""
        return self.fields[0].name

    @property
    def columns(self) -> list[str]:
        """Stored, public columns in order, `geometry` last when the layer has one."""
        public = [field.name for field in self.fields if field.is_stored and not field.is_private]
        return [*public, GEOMETRY] if self.geometry else public

    @property
    def private(self) -> list[str]:
        """Columns that never leave the restricted store."""
        return [field.name for field in self.fields if field.is_private]

    def field(self, name: str) -> Field:
        """Return the column called `name`; KeyError when the layer has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """True when the layer has a column called `name`."""
        return any(field.name == name for field in self.fields)


def rows(table: str) -> list[dict[str, str]]:
    """Read one table under `schemas/` as written."""
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _field(row: Mapping[str, str]) -> Field:
    return Field(
        name=row["field"],
        type=row["type"],
        unit=row["unit"],
        required=row["required"],
        allowed=_parts(row["allowed"]),
        aliases=_parts(row["aliases"]),
        is_private=row["private"] == "yes",
        description=row["description"],
    )


@cache
def load() -> Mapping[str, Schema]:
    """Return every layer's schema by name, in the order of `schemas/layers.csv`.

    Examples
    --------
    >>> sorted(load()["natural_villages"].geometry)
    ['point', 'polygon']
    >>> load()["households"].private
    ['head_name', 'id_number', 'phone', 'address']
    """
    schemas = {}
    for row in rows("layers"):
        geometry = frozenset(_parts(row["geometry"])) - {"none"}
        schemas[row["layer"]] = Schema(
            name=row["layer"],
            label=row["label"],
            fields=tuple(_field(field) for field in rows(row["layer"])),
            geometry=geometry,
            is_geometry_required=row["geometry_required"] == "yes",
            guessed_from_name=row["code"],
            aliases=_parts(row["aliases"]),
            description=row["description"],
        )
    return MappingProxyType(schemas)


@cache
def value_aliases(layer: str, field: str) -> Mapping[str, str]:
    """Return what people write for the codes of a column: theirs (upper case) -> ours.

    A row of `schemas/values.csv` may name `layer.field` or only `field` (any layer that has it).
    """
    names = {f"{layer}.{field}", field}
    return MappingProxyType({row["theirs"].upper(): row["ours"] for row in rows("values") if row["field"] in names})


@cache
def unit_factors(unit: str) -> Mapping[str, float]:
    """Return how many of our `unit` one of theirs is: `{"公里": 1000.0}` for metres."""
    return MappingProxyType(
        {row["theirs"].lower(): float(row["factor"]) for row in rows("units") if row["unit"] == unit}
    )


@cache
def known_units() -> frozenset[str]:
    """Return every unit a header may carry in brackets, lower case."""
    return frozenset(row["theirs"].lower() for row in rows("units"))


@cache
def variants() -> Mapping[str, str]:
    """Return variant characters of place names: theirs -> ours."""
    return MappingProxyType({row["theirs"]: row["ours"] for row in rows("variants")})
