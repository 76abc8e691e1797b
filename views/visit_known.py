"""What is said beside each row of a visit: what the map and the register say, from which file of which day; and names."""

from collections.abc import Iterable

from analysis.assess import Assessment
from analysis.policy import Policy
from layers import store
from layers.workspace import Workspace
from tracker.accounts import User
from tracker.office import Office
from tracker.visit_workbook import PRIVATE
from tracker.visits import Row
from views.labels import label


def known(done: Assessment, workspace: Workspace, villages: Iterable[str]) -> dict[str, str]:
    """Return by row key what is known of every need of the villages, with its day and source."""
    wanted = set(villages)
    rows = done.findings[(done.findings["unit_kind"] == "village") & done.findings["unit_id"].isin(wanted)]
    found = {}
    for row in rows.to_dict("records"):
        source = workspace.sources.get(str(row["evidence_layer"]))
        said = f"{label('status', row['status'])}：图上{label('answer', row['measured'])}，台账{label('answer', row['claimed'])}"
        parts = [said, str(row["note"]) if isinstance(row["note"], str) and row["note"] else ""]
        parts.append(f"（{_file(source.file_name)}，{source.as_of}）" if source is not None else "")
        found[f"needs/{row['unit_id']}/{row['need']}"] = "".join(
            f"；{part}" if at == 1 and part else part for at, part in enumerate(parts)
        )
    return found


def _file(name: str) -> str:
    first, _, more = name.partition("; ")
    return f"{first} 等" if more else first


def needs_of(policy: Policy) -> dict[str, str]:
    """Return the needs of villages a visit can ask yes or no about, id -> label; wholes are made of their parts."""
    return {need.id: need.label for need in policy.needs if need.unit == "village" and need.kind != "all"}


def first_needs(policy: Policy) -> list[str]:
    """Return the needs a visit asks when nothing is chosen: those of the first group (七有)."""
    single = [need for need in policy.needs if need.unit == "village" and need.kind != "all"]
    return [need.id for need in single if need.group == single[0].group] if single else []


def persons(office: Office, rows: Iterable[Row], user: User) -> dict[str, dict[str, str]]:
    """Return names, phones and addresses of the households on a sheet, of the towns where the person may see them."""
    wanted = {
        row.id for row in rows if row.kind in ("households", "houses") and user.may("private", town=row.town or None)
    }
    found: dict[str, dict[str, str]] = {}
    for part in office.parts().get("households", []):
        held = store.read_private(office.path, "households", part.digest) if wanted else None
        if held is None:
            continue
        mine = held[held["household_id"].isin(wanted)]
        for row in mine.to_dict("records"):
            found[str(row["household_id"])] = {name: _text(row.get(name)) for name in PRIVATE}
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
