"""Freezing a decision in the meeting, and opening one again: as it was, with what differs today."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from views import decision, whatif
from views.context import Context
from views.labels import Language, catalogue, label, number, percent, say
from views.panels import SIGN, STATUSES
from views.plain import plain


def show_freeze(context: Context, parameters: Mapping[str, Any]) -> None:
    """Offer to freeze what the meeting sees, with minutes."""
    language = context.language
    if not context.user.may("edit"):
        st.caption(say(language, "freeze_denied"))
        return
    with st.form("freeze", clear_on_submit=True):
        title = st.text_input(say(language, "freeze_title"), max_chars=80)
        minutes = st.text_area(say(language, "freeze_minutes"), height=140, max_chars=decision.LONGEST_MINUTES)
        st.caption(say(language, "freeze_note"))
        is_sent = st.form_submit_button(say(language, "freeze"), type="primary", icon=":material/ac_unit:")
    if not is_sent:
        return
    try:
        made = decision.freeze(
            context.office, title=title, minutes=minutes, basis=whatif.basis_record(context), parameters=parameters,
            figures=whatif.figures_record(context, parameters), by=context.user.name,
        )  # fmt: skip
    except AppError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.success(say(language, "frozen", digest=made.digest[:12]), icon=":material/ac_unit:")


def choose_decision(context: Context) -> decision.Decision | None:
    """List the frozen decisions; None while none is opened."""
    held = decision.decisions(context.office)
    if not held:
        return None
    language = context.language
    texts = {item.seq: f"{moment_text(item.record['frozen_at'])} · {item.record['title']}" for item in held}
    chosen = st.selectbox(
        say(language, "decisions"), list(texts), index=None, format_func=texts.__getitem__,
        placeholder=say(language, "decision_open"), key="decision_open",
    )  # fmt: skip
    return next((item for item in held if item.seq == chosen), None)


def show_one(context: Context, held: decision.Decision) -> None:
    """Show one decision as it was frozen, whether it is whole, and what differs now."""
    language, record = context.language, held.record
    wrong = decision.faults(context.office, held, language)
    if wrong:
        for sentence in wrong:
            st.error(plain(sentence), icon=":material/gpp_bad:")
    else:
        st.success(say(language, "decision_whole", digest=held.digest[:16]), icon=":material/verified:")
    st.markdown(f"**{plain(record['title'])}**")
    st.text(record["minutes"] or "—")
    st.caption(
        plain(
            f"{record['by']} · {moment_text(record['frozen_at'])} · {label('app', 'day', language)} {record['basis']['day']}"
            f" · {record['basis']['policy']['title']}"
        )
    )
    left, right = st.columns([1, 1.6], gap="medium")
    with left:
        st.dataframe(figure_table(record, language), hide_index=True, key=f"figures_{held.seq}")
    with right:
        st.dataframe(coverage_table(context, record), hide_index=True, key=f"coverage_{held.seq}")
    with st.expander(say(language, "decision_raw")):
        st.json(dict(record), expanded=1)
    if st.button(say(language, "decision_compare"), key=f"compare_{held.seq}", icon=":material/difference:"):
        show_differences(context, record)


def figure_table(record: Mapping[str, Any], language: Language) -> pd.DataFrame:
    """Lay out what was asked and what came out, as frozen."""
    figures = record["figures"]
    held = {**record["parameters"], **figures["roads"], **figures["budget"], "houses": figures["houses"]} | figures.get(
        "deadline", {}
    )
    order = [*catalogue()["frozen"], *held]
    keys = [key for key in dict.fromkeys(order) if key in held]
    rows = [(label("frozen", key, language), written(key, held[key])) for key in keys]
    heads = [say(language, key) for key in ("difference_what", "difference_then")]
    return pd.DataFrame(rows, columns=heads)


def coverage_table(context: Context, record: Mapping[str, Any]) -> pd.DataFrame:
    """Lay out how many villages stood where, need by need, as frozen."""
    language = context.language
    names = {need.id: need.label for need in context.policy.needs}
    rows = [
        (names.get(need, need), *(int(counts[name]) for name in STATUSES))
        for need, counts in record["figures"].get("coverage", {}).items()
    ]
    heads = [
        label("field", "need", language),
        *(f"{SIGN[name]} {label('status', name, language)}" for name in STATUSES),
    ]
    return pd.DataFrame(rows, columns=heads)


def moment_text(text: str) -> str:
    """Write a moment of the record as people read it.

    >>> moment_text("2026-12-01T04:34:53+08:00")
    '2026-12-01 04:34'
    """
    return text[:16].replace("T", " ")


def written(key: str, value: Any) -> str:
    """Write a frozen figure; nothing is a dash.

    >>> written("people", 1234.0), written("gap", 0.0123), written("until", 2020), written("threshold", None)
    ('1,234', '1.23%', '2020', '—')
    """
    if value is None or key == "until" or isinstance(value, str):
        return "—" if value is None else str(value)
    if key == "gap":
        return percent(float(value), 2)
    return number(float(value), 0 if float(value).is_integer() else 1)


def show_differences(context: Context, record: Mapping[str, Any]) -> None:
    """Work the decision's questions out on what is shown now, and name everything that differs."""
    language = context.language
    now = {
        "basis": whatif.basis_record(context),
        "figures": whatif.figures_record(context, record["parameters"]),
    }
    told = decision.differences({key: record[key] for key in now}, now)
    if not told:
        st.success(say(language, "decision_same"), icon=":material/check_circle:")
        return
    heads = [say(language, key) for key in ("difference_what", "difference_then", "difference_now")]
    rows = [(what_differs(context, path), shortened(then), shortened(today)) for path, then, today in told]
    st.dataframe(pd.DataFrame(rows, columns=heads), hide_index=True)


def what_differs(context: Context, path: str) -> str:
    """Name a part of a record as people do: a need and a status, a figure, a layer, the policy, the program."""
    language, parts = context.language, path.split(".")
    last = parts[-1]
    if parts[:2] == ["figures", "coverage"] and len(parts) == 4:
        need = next((need.label for need in context.policy.needs if need.id == parts[2]), parts[2])
        return f"{need} · {label('status', last, language)}"
    if parts[0] == "figures" and last in catalogue()["frozen"]:
        return label("frozen", last, language)
    if parts[:2] == ["basis", "layers"]:
        return f"{label('frozen_basis', 'layer', language)} {label('layer', last, language)}"
    key = "_".join(parts[1:])
    return label("frozen_basis", key, language) if key in catalogue()["frozen_basis"] else path


def shortened(text: str) -> str:
    """Write a digest by its first twelve signs, anything else as it is.

    >>> shortened("9210235ca2f09788da608f0659b909c08215aeb58f5334ffa4c4d6fb3dd0cfc2"), shortened("22")
    ('9210235ca2f0', '22')
    """
    is_digest = len(text) >= 40 and all(sign in "0123456789abcdef" for sign in text)
    return text[:12] if is_digest else text
