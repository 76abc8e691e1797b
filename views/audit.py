"""Who took data out or looked at households: written down before the file is handed over."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from tracker.accounts import log_access
from views.context import Context


def log_view(context: Context, what: str, *, rows: int, conditions: str) -> None:
    """Write down that single households were looked at: once a session for the same rows under the same filters."""
    key, now = f"viewed_{what}", (context.user.username, rows, conditions)
    if rows and st.session_state.get(key) != now and not context.office.ledger.is_read_only:
        log_access(context.office.ledger, context.user.username, "view", what=what, rows=rows, conditions=conditions)
        st.session_state[key] = now


def export_logged(
    context: Context,
    make: Callable[[], bytes],
    *,
    what: str,
    tables: Mapping[str, pd.DataFrame],
    filters: Mapping[str, Any],
) -> Callable[[], bytes]:
    """Give a maker of a file that first writes down who takes how many rows out under which filters.

    On a read-only disk nothing can be written down, and the laptop's owner may still take a file.
    """

    def logged() -> bytes:
        if not context.office.ledger.is_read_only:
            conditions = "；".join(f"{key}：{value}" for key, value in filters.items() if value not in (None, "", []))
            rows = sum(len(table) for table in tables.values())
            log_access(
                context.office.ledger, context.user.username, "export", what=what, rows=rows, conditions=conditions
            )
        return make()

    return logged
