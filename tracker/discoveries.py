"""Places found in the field: they go through the ordinary intake, as one partial file of facilities a visit."""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from geo.errors import InputError
from layers import schema
from tracker import events
from tracker.facts import SOURCE
from tracker.office import Office
from tracker.visits import Answer, Row, Visit

LAYER = "facilities"
COLUMNS = ("facility_id", "kind", "name", "village_id", "status", "longitude", "latitude")
Found = tuple[str, Mapping[str, str], date]


def row_of(answer: Answer, item: Visit) -> Row:
    """Return a place found in the field as a row that was not sent."""
    values = answer.values
    village_id = values.get("village_id", "")
    name = values.get("name") or values.get("kind", "")
    town = item.town_of.get(village_id, item.towns[0] if len(item.towns) == 1 else "")
    return Row(
        answer.key, "found", answer.key.partition("/")[2], name, town, village_id, item.villages.get(village_id, "")
    )


def part_of(item: Visit) -> str:
    """Return the part of the layer that holds what a visit found."""
    return f"{SOURCE} {item.visit_id}"


def keep_only(office: Office, item: Visit, found: Sequence[Found], *, by: str) -> int:
    """Make these the places the visit found: read, checked and stored like any file; returns the event's number.

    Raises InputError when the intake refuses one of them, with its reason; then nothing has changed.
    """
    if not found:
        office.drop_part(LAYER, part_of(item), as_of=item.day, reason="走访新发现已撤回", by=by)
        return 0
    kinds = schema.load()[LAYER].field("kind").allowed
    wrong = [values.get("kind", "") for _, values, _ in found if values.get("kind", "") not in kinds]
    if wrong:
        raise InputError(f"新发现的类型“{wrong[0]}”不是设施类型，没有入库。请在“数据质量”页按所属图层导入。")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"走访新发现_{item.visit_id}.csv"
        with file.open("w", encoding="utf-8", newline="") as sink:
            writer = csv.writer(sink)
            writer.writerow(COLUMNS)
            for key, values, _ in found:
                number = f"{item.visit_id}-{key.partition('/')[2]}"
                status = values.get("status") or "unknown"
                rest = [values.get(name, "") for name in ("longitude", "latitude")]
                writer.writerow(
                    [number, values["kind"], values.get("name", ""), values.get("village_id", ""), status, *rest]
                )
        day = max(at for _, _, at in found)
        done = office.add_layer(
            LAYER, file, crs="EPSG:4490", is_partial=True, as_of=day, part=part_of(item), by=by
        )  # fmt: skip
    if done.refused:
        events.withdraw(office.ledger, done.seq, by=by, reason="新发现没有全部入库")
        reasons = "；".join(str(text) for text in done.refused_rows["原因"])
        raise InputError(f"新发现没有全部入库：{reasons}")
    return done.seq
