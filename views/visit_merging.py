"""A visit that came back: files to fetch again, the file to read, and every difference side by side to be settled."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import deciding, evidence, merging, visit_return
from tracker.accounts import User
from tracker.events import OFFICE_ZONE
from tracker.merging import Item
from tracker.office import Office
from tracker.projects import projects
from tracker.visit_workbook import facility_words
from tracker.visits import Row, Visit, rows_of
from views import excel, moving, panels
from views.context import Context
from views.event_words import people
from views.labels import say
from views.uploads import as_file
from views.visit_files import ENDINGS, TITLES, make, seen_by
from views.visit_pdf import MOST_SHEETS, sheet_count
from views.visit_words import kind_word, word

MIMES = {"xlsx": excel.MIME, "qgis": "application/zip", "pdf": "application/pdf"}
UPLOADS = ["xlsx", "xls", "csv", "gpkg", "zip"]
HEIGHT = 330
SIGNS = {"conflict": "◆", "proposed": "○", "accepted": "●", "rejected": "✕", "same": "＝"}


def may_settle(office: Office, user: User, row: Row) -> bool:
    """Tell whether a person may settle what came back for a row: town, and for a bureau the sector."""
    sector = "housing" if row.kind in ("households", "houses") else None
    if row.kind == "projects":
        sector = next((item.description.kind for item in projects(office.ledger) if item.project_id == row.id), None)
    return user.may("edit", town=row.town or None, sector=sector)


def show(context: Context, item: Visit) -> None:
    """Show one visit: its files, its way back in, and what is to be settled."""
    language = context.language
    left, right = st.columns([1, 1.25], gap="medium")
    with left, st.container(border=True):
        st.markdown(f"**{panels.plain(item.title)}**　{item.visit_id}")
        told = say(language, "enumeration").join(kind_word(kind, language) for kind in item.kinds)
        st.caption(panels.plain(word(language, "facts", day=item.day, who=item.who, rows=f"{item.rows:,}", told=told)))
        _offer_files(context, item)
    with right, st.container(border=True):
        _take(context, item)
    found = [
        each
        for each in merging.merge(context.office, item)
        if not context.user.towns or each.row.town in context.user.towns
    ]
    _figures(context, item, found)
    _differences(context, item, found)
    _returns(context, item)


def _offer_files(context: Context, item: Visit) -> None:
    language, user = context.language, context.user
    if not user.may("export"):
        st.caption(word(language, "no_export"))
        return
    first, second = st.columns(2)
    by_house = first.toggle(word(language, "by_house"), key="visit_by_house", disabled=not item.is_personal)
    can = item.is_personal and user.may("private")
    private = second.toggle(
        word(language, "private"), key="visit_private", disabled=not can, help=word(language, "private_help")
    )
    rows = seen_by(rows_of(context.office, item), user)
    sheets = sheet_count(rows, by_house=by_house)
    for place, kind in zip(st.columns(3), ENDINGS, strict=True):
        place.download_button(
            TITLES[kind],
            data=lambda kind=kind: make(  # type: ignore[misc]
                context.office, item, kind, by=user.username, user=user, by_house=by_house, has_private=private and can
            ),
            file_name=f"走访_{item.visit_id}.{ENDINGS[kind]}", mime=MIMES[kind], key=f"visit_file_{kind}", on_click="ignore",
            icon=":material/download:", width="stretch", disabled=kind == "pdf" and sheets > MOST_SHEETS,
        )  # fmt: skip
    if sheets > MOST_SHEETS:
        st.caption(word(language, "too_many_sheets", count=sheets, most=MOST_SHEETS))
    st.caption(word(language, "files_note"))


def _take(context: Context, item: Visit) -> None:
    """Read a file that came back, show what it holds, and enter it on the button."""
    language = context.language
    upload = st.file_uploader(
        word(language, "upload"), UPLOADS, key=f"visit_upload_{item.visit_id}_{len(item.returns)}"
    )
    if upload is None:
        st.caption(word(language, "upload_note"))
        return
    try:
        with as_file(upload) as path, visit_return.looked_at(context.office, path) as parcel:
            said = sum(len(answer.values) for answer in parcel.answers)
            other, refused, notes = parcel.visit.visit_id, list(parcel.refused), list(parcel.notes)
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    if other != item.visit_id:
        st.error(word(language, "other_visit", visit=other, this=item.visit_id), icon=":material/error:")
        return
    st.caption(word(language, "preview", said=f"{said:,}", refused=len(refused)))
    for text in [*(f"{where}：{why}" for where, why in refused[:6]), *notes[:3]]:
        st.caption(panels.plain(text))
    first, second = st.columns([1, 1.2], vertical_alignment="bottom")
    at = first.date_input(word(language, "visited"), item.day, key="visit_at", format="YYYY-MM-DD")
    second.button(
        word(language, "enter"),
        type="primary",
        icon=":material/login:",
        on_click=_enter,
        args=(context, item, upload, at),
        key="visit_enter",
    )


def _enter(context: Context, item: Visit, upload: Any, at: Any) -> None:
    try:
        with as_file(upload) as path:
            parcel, is_new = visit_return.take_in(
                context.office, path, at=at, by=context.user.username, name=str(upload.name)
            )
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    key = "entered" if is_new else "entered_before"
    st.session_state[moving.NOTICE] = (
        "success",
        word(context.language, key, refused=len(parcel.refused), visit=item.visit_id),
    )


def _figures(context: Context, item: Visit, found: Sequence[Item]) -> None:
    language = context.language
    counts = Counter(each.state for each in found)
    refused = sum(len(back.refused) for back in item.returns)
    figures = [("returned", len(item.returns)), ("confirmed", sum(back.confirmed for back in item.returns)),
               ("unclear", sum(back.unclear for back in item.returns)), ("proposed", counts["proposed"]), ("conflict", counts["conflict"]),
               ("accepted", counts["accepted"]), ("rejected", counts["rejected"]), ("refused", refused)]  # fmt: skip
    panels.show_figures(
        [
            (word(language, f"figure_{key}"), f"{count:,}", word(language, f"figure_{key}_help"))
            for key, count in figures
        ]
    )


def _said(item: Item, values: Any) -> str:
    if item.row.kind == "found":
        kind = facility_words().get(values.get("kind", ""), "")
        return f"{kind} {values.get('name', '')}（{values.get('longitude', '')}, {values.get('latitude', '')}）"
    parts = []
    for question in item.row.questions:
        if question.field in values:
            shown = question.show(values[question.field])
            parts.append(shown if len(item.fields) == 1 else f"{question.label} {shown}")
    return "，".join(parts)


def _asked(item: Item) -> str:
    labels = {question.field: question.label for question in item.row.questions}
    return item.row.title or "、".join(labels.get(name, name) for name in item.fields[:3])


def table_of(context: Context, found: Sequence[Item]) -> pd.DataFrame:
    """Lay out what differs: as it was sent, as the office has it now, as it was seen."""
    language = context.language
    rows = [
        (
            f"{SIGNS[each.state]} {word(language, f'state_{each.state}')}", each.row.town, each.row.village, kind_word(each.row.kind, language),
            each.row.name, "" if each.row.kind == "found" else _asked(each), "—" if each.row.kind == "found" else _said(each, each.sent),
            "—" if each.row.kind == "found" else _said(each, each.now), " ／ ".join(_said(each, option.values) for option in each.options),
            "；".join(dict.fromkeys(option.answer.remark for option in each.options if option.answer.remark)),
        )
        for each in found
    ]  # fmt: skip
    heads = ("state", "town", "village", "kind", "name", "what", "sent_as", "now_as", "seen_as", "remark")
    return pd.DataFrame(rows, columns=[word(language, f"column_{head}") for head in heads])


def _differences(context: Context, item: Visit, found: Sequence[Item]) -> None:
    language = context.language
    if not found:
        st.info(word(language, "nothing_yet" if not item.returns else "nothing_differs"), icon=":material/done_all:")
        return
    plain = [
        each for each in found if each.state == merging.PROPOSED and may_settle(context.office, context.user, each.row)
    ]
    left, middle, right = st.columns([2.6, 1.2, 0.9], vertical_alignment="center")
    left.caption(word(language, "differences", count=len(found)))
    middle.button(
        word(language, "accept_all", count=len(plain)), type="primary", icon=":material/done_all:", disabled=not plain,
        on_click=_accept_all, args=(context, item), key="visit_accept_all", width="stretch",
    )  # fmt: skip
    table = table_of(context, found)
    with right:
        panels.offer_download(context, {"走访差异": table}, f"走访差异_{item.visit_id}")
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        ids = [each.item_id for each in found]
        panels.show_table(
            table, key="visit_table", ids=ids, kind="visit_items", height="content" if len(ids) < 8 else HEIGHT
        )
    with right, st.container(height=HEIGHT, border=True, key="visit_card"):
        chosen = next((each for each in found if each.item_id == panels.selected("visit_items")), None)
        if chosen is None:
            st.info(word(language, "choose_row"), icon=":material/ads_click:")
        else:
            _card(context, item, chosen)


def _card(context: Context, item: Visit, chosen: Item) -> None:
    """Show one difference side by side, with the buttons that settle it or take the decision back."""
    language, row = context.language, chosen.row
    place = row.name if row.name == row.village else f"{row.village} {row.name}"
    st.markdown(f"**{panels.plain(place)}**　{panels.plain(_asked(chosen)) if row.kind != 'found' else ''}")
    if row.kind != "found":
        panels.show_pairs(
            [
                (word(language, "column_sent_as"), _said(chosen, chosen.sent)),
                (word(language, "column_now_as"), _said(chosen, chosen.now)),
            ]
        )
    can = may_settle(context.office, context.user, row)
    names = people(context)
    for number, option in enumerate(chosen.options):
        back = option.back.event
        panels.show_pairs([(word(language, "column_seen_as"), _said(chosen, option.values))])
        said = word(language, "from_file", file=back.payload["file_name"], day=back.at, by=names.get(back.by, back.by))
        st.caption(panels.plain(f"{option.answer.remark + ' · ' if option.answer.remark else ''}{said}"))
        _photos(context, option.answer.photos, number)
        if chosen.is_open and can:
            st.button(
                word(language, "take_field"), type="primary", key=f"visit_take_{number}", icon=":material/check:",
                on_click=_decide, args=(context, item, chosen.item_id, option.key),
            )  # fmt: skip
    if chosen.is_open and can:
        st.button(
            word(language, "keep_office"),
            key="visit_keep",
            on_click=_decide,
            args=(context, item, chosen.item_id, deciding.OFFICE),
        )
    elif not can:
        st.caption(word(language, "not_yours"))
    if chosen.decision is not None and can:
        st.text_input(word(language, "undo_reason"), key="visit_undo_reason", max_chars=200)
        st.button(
            word(language, "undo"),
            key="visit_undo",
            icon=":material/undo:",
            on_click=_undo,
            args=(context, item, chosen.item_id),
        )


def _photos(context: Context, photos: Sequence[str], number: int) -> None:
    for at, reference in enumerate(photos):
        content = evidence.fetch(context.office.path, reference)
        if content is None:
            st.caption(panels.plain(reference))
        else:
            name = reference.split("/", 1)[1]
            st.download_button(
                panels.plain(name),
                content,
                name,
                key=f"visit_photo_{number}_{at}",
                on_click="ignore",
                icon=":material/photo:",
            )


def _decide(context: Context, item: Visit, key: str, choice: str) -> None:
    _notice(context, item, lambda: deciding.decide(
        context.office, item.visit_id, {key: choice}, by=context.user.username, may=lambda row: may_settle(context.office, context.user, row)
    ))  # fmt: skip


def _accept_all(context: Context, item: Visit) -> None:
    _notice(context, item, lambda: deciding.accept_plain(
        context.office, item.visit_id, by=context.user.username, may=lambda row: may_settle(context.office, context.user, row)
    ))  # fmt: skip


def _notice(context: Context, item: Visit, work: Any) -> None:
    try:
        outcome = work()
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    if outcome.refused:
        text = "；".join(why for _, why in outcome.refused[:3])
        st.session_state[moving.NOTICE] = (
            "error",
            word(context.language, "settled_some", count=outcome.settled, why=text),
        )
        return
    late = item.day > context.day
    key = "settled_later" if late else "settled"
    st.session_state[moving.NOTICE] = (
        "success",
        word(context.language, key, count=outcome.settled, day=context.day, visited=item.day),
    )


def _undo(context: Context, item: Visit, key: str) -> None:
    try:
        deciding.undo(
            context.office,
            item.visit_id,
            key,
            by=context.user.username,
            reason=st.session_state.get("visit_undo_reason", ""),
        )
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    st.session_state[moving.NOTICE] = ("success", word(context.language, "undone"))


def _returns(context: Context, item: Visit) -> None:
    """List the files that came back, what of them was refused and why."""
    is_wider = bool(context.user.towns) and not set(item.towns) <= set(context.user.towns)
    if not item.returns or is_wider:  # what was refused may be of other towns
        return
    language, names = context.language, people(context)
    with st.expander(word(language, "returns", count=len(item.returns)), icon=":material/inventory:"):
        for back in item.returns:
            entered = back.event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
            who = names.get(back.event.by, back.event.by)
            st.caption(
                panels.plain(
                    f"{back.event.payload['file_name']} · {back.event.at} · {who} · {entered} · {back.evidence[0]}"
                )
            )
            for where, why in back.refused:
                st.text(f"　{where}：{why}")
