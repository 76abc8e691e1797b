"""Schemas are complete, agree with the contract, and the printed dictionary is up to date."""

import pytest

from layers import dictionary
from layers import schema as schemas
from layers.headers import plain_header

CONTRACT = {
    "towns": ["town_id", "name"],
    "villages": [
        "village_id", "name", "town", "kind", "list_type", "population", "households", "seat_x", "seat_y",
    ],
    "natural_villages": ["natural_village_id", "name", "village_id", "population", "households", "poor_population"],
    "households": [
        "household_id", "village_id", "town", "village", "natural_village", "members", "category", "housing_grade",
        "sole_dwelling", "has_labour", "safe_water", "sanitary_toilet", "electricity", "house_area_m2",
        "house_built_year",
    ],
    "roads": [
        "road_id", "route_code", "name", "admin_class", "technical_grade", "surface", "pavement_width_m",
        "subgrade_width_m", "has_safety_barrier", "built_year", "is_duplicate", "is_dead_end",
    ],
    "bridges": [
        "bridge_id", "name", "route_code", "admin_class", "rating", "deck_width_m", "length_m", "max_span_m",
    ],
    "facilities": ["facility_id", "kind", "name", "village_id", "is_standard", "status", "capacity"],
    "lines": ["line_id", "kind", "status"],
    "service_areas": ["area_id", "kind", "provider"],
    "hazards": ["hazard_id", "kind", "level"],
    "claims": ["unit_id", "need", "value", "source", "by", "day"],
}  # fmt: skip


@pytest.mark.parametrize("layer", CONTRACT)
def test_every_column_of_the_contract_is_there_in_its_order(layer: str) -> None:
    columns = schemas.load()[layer].columns
    assert [name for name in columns if name in CONTRACT[layer]] == CONTRACT[layer]
    assert (columns[-1] == "geometry") == (layer != "claims")


def test_what_is_required_is_what_the_contract_stars() -> None:
    required = {
        name: [item.name for item in schema.fields if item.required == "yes"] for name, schema in schemas.load().items()
    }
    assert required["towns"] == ["town_id", "name"]
    assert required["villages"] == ["village_id", "name"]
    assert required["natural_villages"] == ["natural_village_id", "name"]
    assert required["households"] == ["household_id"]
    assert required["roads"] == ["road_id", "surface"]
    assert required["bridges"] == ["bridge_id"]
    assert required["facilities"] == ["facility_id", "kind"]
    assert required["claims"] == ["need", "value"]


def test_private_columns_are_never_stored_with_the_layer() -> None:
    for schema in schemas.load().values():
        assert not set(schema.private) & set(schema.columns)
    assert schemas.load()["households"].private == ["head_name", "id_number", "phone", "address"]


def test_every_value_alias_leads_to_an_allowed_code() -> None:
    for row in schemas.rows("values"):
        layer, _, field = row["field"].rpartition(".")
        owners = [schemas.load()[layer]] if layer else list(schemas.load().values())
        allowed = {code for schema in owners if schema.has(field) for code in schema.field(field).allowed}
        if field == "boolean":
            allowed = {"true", "false"}
        if field != "unknown":
            assert set(row["ours"].split(";")) <= allowed, row


def test_no_alias_is_written_twice_in_one_column_and_strong_ones_do_not_collide_in_a_layer() -> None:
    for schema in schemas.load().values():
        seen: dict[str, str] = {}
        for item in schema.fields:
            for alias in item.aliases:
                if alias.startswith("~"):
                    continue
                key = plain_header(alias)
                assert seen.get(key, item.name) == item.name, f"{schema.name}: {alias} is {seen[key]} and {item.name}"
                seen[key] = item.name


def test_dictionary_in_docs_is_not_behind() -> None:
    assert dictionary.TARGET.read_text(encoding="utf-8") == dictionary.dictionary(), (
        "docs/data-dictionary.md is behind: run python -m layers.dictionary"
    )


def test_dictionary_names_every_layer_and_column() -> None:
    text = dictionary.dictionary()
    for schema in schemas.load().values():
        assert f"## {schema.name} {schema.label}" in text
        for item in schema.fields:
            assert f"| `{item.name}` |" in text
            assert item.description
