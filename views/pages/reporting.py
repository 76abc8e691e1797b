"""定期报告: each report on the document's own cadence, one click, kept when published, under the rules of then and now."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import streamlit as st

from analysis.progress import MONTHS, Period, periods, reports_due
from tracker.accounts import log_access
from views import excel, moving, panels, progressbook
from views.context import Context, read_policy
from views.labels import Language, label, say
from views.pages.rules import publish_report, show_published, show_rules


def duties(context: Context) -> dict[str, dict[str, Any]]:
    """List the document's periodic duties; a quarterly report is always there, marked as not asked for."""
    asked = {str(item["id"]): item for item in context.policy.tables.get("reporting", {}).get("duties", [])}
    if not any(item["every"] in {"quarter", "half_year"} for item in asked.values()):
        asked["own_quarter"] = {
            "id": "own_quarter",
            "label": say(context.language, "quarterly_report_not_asked_for"),
            "every": "quarter",
            "reference": "",
        }
    return asked


def clause(item: Any, language: Language) -> str:
    """Write the clause of a duty after its name; nothing where there is none."""
    return say(language, "clause_3", reference=item["reference"]) if item["reference"] else ""


def show_reports(context: Context, day: date) -> None:
    """Offer each report with one click, beside the period before."""
    st.markdown("##### " + say(context.language, "periodic_reports"))
    listed = duties(context)
    first, second, third = st.columns([2, 1.3, 1.2], vertical_alignment="bottom")
    texts = {
        key: f"{item['label']} · {label('every', item['every'], context.language)}{clause(item, context.language)}"
        for key, item in listed.items()
    }
    key = first.selectbox(
        say(context.language, "which_report"), list(texts), format_func=texts.__getitem__, key="report_duty"
    )
    every = listed[key]["every"]
    found = periods(every, day - timedelta(days=31 * MONTHS[every] * 8), day)[::-1]
    period = second.selectbox(
        say(context.language, "which_period"),
        found,
        format_func=lambda item: (
            progressbook.period_name(item, context.language)
            + (say(context.language, "unfinished") if item.end > day else "")
        ),
        key=f"report_period_{every}",
    )
    with third:
        make = offer_report(context, listed[key]["label"], period, every)
    due = reports_due(context.policy, day, day + timedelta(days=200))
    if len(due):
        row = due.iloc[0]
        st.caption(
            panels.plain(
                say(
                    context.language,
                    "next_by_clause",
                    label=row["label"],
                    period=row["period"],
                    due=row["due"],
                    reference=row["reference"],
                )
            )
        )
    if make is not None and period.end <= context.office.today and context.user.may("edit"):
        offer_publishing(context, listed[key]["label"], period, make)
    show_published(context)
    show_rules(context, period)


def offer_publishing(context: Context, name: str, period: Period, make: Callable[[], bytes]) -> None:
    """Let the person keep the report as it is given out, so that it opens again to the byte under any later rule."""
    left, right = st.columns([3.3, 1.2], vertical_alignment="center")
    left.caption(say(context.language, "publish_help"))
    if right.button(
        say(context.language, "publish_report"), icon=":material/verified:", key="report_publish", width="stretch"
    ):
        publish_report(context, name, period, make())
        st.session_state[moving.NOTICE] = ("success", say(context.language, "published_done"))
        st.rerun()


def offer_report(context: Context, name: str, period: Period, every: str) -> Callable[[], bytes] | None:
    """Offer the report as a workbook, under another policy than the office's own beside it; making it is logged.

    Returns what makes the workbook, None for who may not take it.
    """
    if not context.user.may("export"):
        st.caption(say(context.language, "your_role_may_not_export"))
        return None
    path = context.office.policy_path
    office_policy = read_policy(str(path), path.stat().st_mtime)
    own = None if office_policy.digest == context.policy.digest else office_policy

    def make() -> bytes:
        tables = progressbook.report_tables(
            context.office.ledger,
            context.policy,
            context.assessment.findings,
            context.day,
            period,
            every,
            own=own,
            language=context.language,
        )
        log_access(
            context.office.ledger,
            context.user.username,
            "export",
            what=f"{name} {period.label}",
            rows=sum(map(len, tables.values())),
        )
        return excel.workbook(
            tables,
            panels.basis(
                context,
                **{
                    say(context.language, "report"): name,
                    say(context.language, "period"): f"{period.start} – {period.end}",
                },
            ),
        )

    st.download_button(
        f"{progressbook.period_name(period, context.language)} Excel", data=make, file_name=f"{name}_{period.label}.xlsx", mime=excel.MIME, icon=":material/download:",
        type="primary", key="report_download", on_click="ignore",
    )  # fmt: skip
    return make
