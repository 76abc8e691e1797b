"""规则版本与新旧对照, and published reports: part of the page of targets and reports."""

import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from analysis.policy import load_policy
from analysis.progress import Period
from geo.errors import AppError
from tracker import policies, published
from tracker.accounts import log_access
from views import excel, moving, panels, progressbook
from views.context import Context, read_policy
from views.labels import label, number, say
from views.rescore import Rescored, rescore, rescored_tables

KEPT = "rescored"


def show_rules(context: Context, period: Period) -> None:
    """Show under which version of the rules the period stood, and score it anew under the present one."""
    language, office = context.language, context.office
    policies.note_current(office)
    known = policies.versions(office)
    with st.expander(
        say(language, "rules_title"), icon=":material/rule_folder:", key="rules_part", expanded=KEPT in st.session_state
    ):
        left, right = st.columns([2, 1], gap="medium", vertical_alignment="top")
        with left:
            rows = [
                (item.since.isoformat(), item.file_name, item.digest[:12], item.reason, item.by) for item in known[::-1]
            ]
            heads = [label("rescored", name, language) for name in ("since", "file", "digest", "reason", "by")]
            st.dataframe(
                pd.DataFrame(rows, columns=heads), hide_index=True, height=min(38 + 35 * max(len(rows), 1), 145)
            )
        with right:
            st.caption(say(language, "rules_help"))
            if may_adopt(context) and st.button(
                say(language, "rules_adopt"), icon=":material/upload_file:", key="rules_adopt"
            ):
                st.dialog(say(language, "rules_adopt"))(show_adopt)(context)
        name = progressbook.period_name(period, language)
        if st.button(say(language, "rescore", period=name), icon=":material/balance:", key="rescore", type="primary"):
            with st.spinner(say(language, "rescoring")):
                st.session_state[KEPT] = rescore(office, min(period.end, office.today), today=office.today)
        done: Rescored | None = st.session_state.get(KEPT)
        if done is not None and done.day == min(period.end, office.today):
            show_both(context, done)


def may_adopt(context: Context) -> bool:
    """Tell whether the person may change the rules the office works under: who plans, not who reports."""
    return context.user.may("edit", sector="") and not context.user.towns


def show_both(context: Context, done: Rescored) -> None:
    """Show both scores side by side with the reasons."""
    language = context.language
    tables = rescored_tables(done, language)
    names = list(tables)
    if done.changes.empty:
        st.info(say(language, "rules_same", day=done.day), icon=":material/check_circle:")
        return
    moved = int(done.targets["is_changed"].sum()), int(done.needs["is_changed"].sum())
    st.caption(
        panels.plain(
            say(language, "rules_both", day=done.day, changes=len(done.changes), targets=moved[0], needs=moved[1])
        )
    )
    for name, height in zip((names[2], names[1], names[0]), (150, 250, 250), strict=True):
        table = tables[name]
        st.markdown(f"**{name}**")
        st.dataframe(table, hide_index=True, height=min(height, 38 + 35 * max(len(table), 1)))
    panels.offer_download(context, tables, say(language, "rules_title"), **{say(language, "period"): str(done.day)})


def show_adopt(context: Context) -> None:
    """Let the person put a new version of the policy file in force from a day on."""
    language, office = context.language, context.office
    st.caption(say(language, "rules_adopt_help"))
    st.download_button(
        say(language, "rules_present"), data=office.policy_path.read_bytes(), file_name=office.policy_path.name,
        icon=":material/download:", key="rules_present", on_click="ignore",
    )  # fmt: skip
    upload = st.file_uploader(say(language, "rules_file"), ["toml"], key="rules_file")
    since = st.date_input(
        label("rescored", "since", language), office.today, format="YYYY-MM-DD", min_value=date(2000, 1, 1)
    )
    reason = st.text_input(say(language, "rules_reason"), max_chars=200)
    if st.button(label("action", "save", language), type="primary", key="rules_save") and upload is not None:
        try:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "policy.toml"
                file.write_bytes(upload.getbuffer())
                load_policy(file)
                policies.adopt(office, file, since=since, by=context.user.username, reason=reason)
        except AppError as error:
            st.error(panels.plain(error))
            return
        st.session_state[moving.NOTICE] = ("success", say(language, "entered_2"))
        st.session_state.pop(KEPT, None)
        st.rerun()


def publish_report(context: Context, name: str, period: Period, content: bytes) -> None:
    """Keep a report as it is given out, with the figures of its targets and the digest of the rules behind them."""
    office = context.office
    policies.note_current(office)
    path = office.policy_path
    seen = progressbook.actuals(
        office.ledger, context.policy, context.assessment.findings, context.day, progressbook.Cut(period.end)
    )
    figures = progressbook.target_table(context.policy, seen, period.end)
    published.publish(
        office, content, name=name, period=period.label, start=period.start, end=period.end,
        policy_digest=read_policy(str(path), path.stat().st_mtime).digest, data_digest=context.assessment.workspace_digest,
        file_name=f"{name}_{period.label}.xlsx", figures=_plain_rows(figures), by=context.user.username,
    )  # fmt: skip
    log_access(office.ledger, context.user.username, "export", what=f"{name} {period.label}", rows=len(figures))


def _plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    kept = table.astype(object).where(table.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in kept.to_dict("records")]


def show_published(context: Context) -> None:
    """List what was published; each opens again to the byte, whatever the rules are now."""
    language = context.language
    found = published.reports(context.office)
    if not found:
        return
    present = context.office.policy_path
    digest = read_policy(str(present), present.stat().st_mtime).digest
    with st.expander(say(language, "published_title", count=len(found)), icon=":material/inventory_2:"):
        for item in found[:20]:
            left, right = st.columns([4, 1], vertical_alignment="center")
            text = say(
                language,
                "published_line",
                name=item.name,
                period=item.period,
                on=item.on,
                by=item.by,
                seq=number(item.seq),
            )
            left.text(text + ("" if item.policy_digest == digest else say(language, "published_other_rules")))
            if context.user.may("export"):
                right.download_button(
                    "Excel", data=partial(published.content, context.office, item), file_name=item.file_name, mime=excel.MIME,
                    key=f"published_{item.seq}", on_click="ignore", width="stretch",
                )  # fmt: skip
