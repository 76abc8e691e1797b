"""The files of a visit, made for whoever asks: what they may see is decided here, and every one is logged first."""

from collections.abc import Sequence

from layers.workspace import Workspace
from tracker import projects, visit_geopackage, visit_workbook, visits
from tracker.accounts import User, log_access
from tracker.office import Office
from tracker.visits import Row, Visit
from views.signin import OWNER
from views.visit_known import persons
from views.visit_pdf import paper

ENDINGS = {"xlsx": "xlsx", "qgis": "zip", "pdf": "pdf"}
TITLES = {"xlsx": "Excel", "qgis": "QGIS", "pdf": "PDF"}


def villages_of(
    office: Office, workspace: Workspace, *, towns: Sequence[str] = (), villages: Sequence[str] = (), owner: str = ""
) -> list[str]:
    """Return the villages of some towns, those named, and those whose projects one unit is responsible for."""
    frame = workspace.get("villages")
    if frame is None:
        return []
    named = set(villages)
    if owner:
        named |= {
            village
            for item in projects.projects(office.ledger)
            if item.description.owner == owner
            for village in item.description.village_ids
        }
    chosen = frame["village_id"].isin(named) | frame["town"].isin(list(towns))
    return [str(key) for key in frame.loc[chosen, "village_id"]]


def seen_by(rows: Sequence[Row], user: User) -> list[Row]:
    """Keep the rows a person may see: of the own towns, and single households only with that right."""
    kept = [row for row in rows if not user.towns or row.town in user.towns]
    return [
        row for row in kept if row.kind not in ("households", "houses") or user.may("households", town=row.town or None)
    ]


def make(
    office: Office,
    item: Visit,
    kind: str,
    *,
    by: str,
    user: User = OWNER,
    by_house: bool = False,
    has_private: bool = False,
) -> bytes:
    """Make one file of a visit (xlsx, qgis or pdf) with the rows the person may see; logged before it is handed over.

    Names, phones and addresses only on request, and only of towns where the person may see them.
    """
    rows = seen_by(visits.rows_of(office, item), user)
    private = persons(office, rows, user) if has_private else {}
    workspace = office.workspace()
    if kind == "xlsx":
        content = visit_workbook.workbook(item, rows, office=office.name, private=private)
    elif kind == "qgis":
        content = visit_geopackage.package(item, rows, workspace, office=office.name, private=private)
    else:
        content = paper(item, rows, workspace, office=office.name, by_house=by_house, private=private)
    if not office.ledger.is_read_only:
        households = sum(row.kind in ("households", "houses") for row in rows)
        conditions = f"{len(rows)} 行，其中单户 {households} 行；{'含' if private else '不含'}姓名电话住址"
        log_access(
            office.ledger,
            by,
            "export",
            what=f"下乡走访 {item.visit_id} {TITLES[kind]}",
            rows=len(rows),
            conditions=conditions,
        )
    return content
