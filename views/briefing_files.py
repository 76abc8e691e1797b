"""From an office to one file someone takes away: xlsx, gpkg, html, pptx or pdf, internal or public."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from analysis.assess import Assessment
from analysis.policy import Policy, load_policy
from geo.errors import InputError, StoreError
from layers.workspace import Workspace
from tracker.accounts import log_access
from tracker.office import Office
from views import briefing_gpkg, briefing_html, briefing_pdf, briefing_pptx, briefing_xlsx
from views.assessing import assess_office
from views.briefing import Briefing, make_briefing
from views.briefing_fonts import find_font, missing_letters
from views.briefing_map import draw_pictures
from views.context import Context
from views.livemap import livemap
from views.publication import rules_for

KINDS = ("xlsx", "gpkg", "html", "map", "pptx", "pdf")
ENDINGS = {"map": "html"}  # every other kind is its own ending
_WITH_PICTURES = ("html", "pptx", "pdf")


@dataclass(frozen=True)
class Exported:
    """A file that was written: where, what kind, how many rows, what the reader is told, letters the font lacks."""

    path: Path
    kind: str
    is_public: bool
    rows: int
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    size_bytes: int


def export_office(
    office: Office,
    path: Path | str,
    *,
    kind: str,
    is_public: bool = False,
    review_number: str | None = None,
    day: date | None = None,
    policy: Path | None = None,
    by: str = "本机用户",
    on_stage: Callable[[str], None] | None = None,
) -> Exported:
    """Assess an office and write one file of what was found; a log entry says who took what out.

    Parameters
    ----------
    kind
        One of `KINDS`; the file's name must end with it.
    is_public, review_number
        The publication rules: see `views.publication.rules_for`.

    Raises
    ------
    InputError
        A wrong name or review number, or no Chinese font for a picture or paper.
    StoreError
        The file cannot be written; a former file of that name is as it was.
    """
    target = Path(path)
    if kind not in KINDS:
        raise InputError(f"不能导出为“{kind}”：可选 {'、'.join(KINDS)}。")
    ending = ENDINGS.get(kind, kind)
    if target.suffix.lower() != f".{ending}":
        raise InputError(f"文件名要以 .{ending} 结尾，现在是 {target.name}。")
    rules = load_policy(policy or office.policy_path)
    rules_for(rules, office.settings, day or office.default_day(), is_public=is_public, review_number=review_number)
    done = assess_office(office, policy=policy, day=day, on_stage=on_stage)
    ws = office.workspace(done.day)
    brief = prepare(office, done, ws, rules, kind=kind, is_public=is_public, review_number=review_number)
    if kind == "gpkg" and not is_public:
        briefing_gpkg.write_internal(office, done, brief, target, by=by)  # writes its own log entry
    else:
        content = content_of(Context(office, ws, rules, done, done.day, "zh"), brief, kind)
        log(office, brief, kind, by=by)
        _put(target, content)
    size = target.stat().st_size
    return Exported(target, kind, is_public, rows_in(brief), brief.notes, brief.missing, size)


def prepare(
    office: Office,
    done: Assessment,
    ws: Workspace,
    policy: Policy,
    *,
    kind: str,
    is_public: bool = False,
    review_number: str | None = None,
    with_households: bool = True,
) -> Briefing:
    """Put together what a file of one kind says; single households are listed in an internal workbook alone."""
    listed = with_households and kind == "xlsx" and not is_public
    rules = rules_for(
        policy, office.settings, done.day, is_public=is_public, review_number=review_number, with_households=listed
    )
    brief = make_briefing(done, ws, policy, rules, office=office.name)
    if kind in _WITH_PICTURES:
        missing = missing_letters(brief.texts(), find_font())
        brief = replace(brief, pictures=draw_pictures(done, ws, policy, brief), missing=missing)
    return brief


def content_of(context: Context, brief: Briefing, kind: str) -> bytes:
    """Write what a person may see as the bytes of a file of one kind: the live map, or a briefing."""
    if kind == "map":
        return livemap(context, brief.rules, dict(brief.sources))
    return render(brief, kind, context.assessment, context.workspace, context.policy)


def render(brief: Briefing, kind: str, done: Assessment, ws: Workspace, policy: Policy) -> bytes:
    """Write a briefing as the bytes of a file (a GeoPackage here is the public one)."""
    if kind == "gpkg":
        return briefing_gpkg.public_file(done, ws, policy, brief)
    makers: dict[str, Callable[[Briefing], bytes]] = {
        "xlsx": briefing_xlsx.workbook,
        "html": briefing_html.page,
        "pptx": briefing_pptx.slides,
        "pdf": briefing_pdf.paper,
    }
    return makers[kind](brief)


def rows_in(brief: Briefing) -> int:
    """Count the rows a file holds, for the log."""
    return sum(len(table) for table in brief.tables.values())


def log(office: Office, brief: Briefing, kind: str, *, by: str) -> None:
    """Write down who takes a briefing out, before the file is handed over; a read-only office keeps no log."""
    if office.ledger.is_read_only:
        return
    mode = f"公开版 {brief.rules.mark}" if brief.rules.is_public else "内部版"
    listed = "；含危房户名单" if "危房" in brief.tables else ""
    log_access(office.ledger, by, "export", what=f"汇报 {kind}", rows=rows_in(brief), conditions=f"{mode}{listed}")


def _put(target: Path, content: bytes) -> None:
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        raise StoreError(
            f"{target.name} 没有写出（{error.strerror}）。请检查文件夹和磁盘空间；若在 Excel 或 WPS 里打开着，请先关闭。原有文件未动。"
        ) from error
    finally:
        part.unlink(missing_ok=True)
