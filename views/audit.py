"""Who took data out or looked at households: written down before the file is handed over."""

import logging
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import StoreError
from tracker.accounts import log_access
from tracker.office import Office
from views.context import Context

LOG = logging.getLogger("qiyou")
_refused: set[tuple[str, str, str, str, date]] = set()
ASKED = {"tiles": "受限图层的地图", "values": "受限图层的名称和数值", "download": "别人的下载文件"}


def log_view(context: Context, what: str, *, rows: int, conditions: str) -> None:
    """Write down that single households were looked at: once a session for the same rows under the same filters."""
    key, now = f"viewed_{what}", (context.user.username, rows, conditions)
    if rows and st.session_state.get(key) != now and not context.office.ledger.is_read_only:
        log_access(context.office.ledger, context.user.username, "view", what=what, rows=rows, conditions=conditions)
        st.session_state[key] = now


def log_refusal(office: Office, username: str, path: str) -> None:
    """Write down that somebody asked for what the own role or town does not allow: once a day for the same thing."""
    kind, number = [*path.split("/"), "", "", ""][2:4]  # /atlas/tiles/<digest>/…
    what, conditions = ASKED.get(kind, "受限内容"), f"编号 {number[:8]}"
    mark = (str(office.path), username, what, conditions, date.today())
    if mark in _refused or office.ledger.is_read_only:
        return
    if len(_refused) > 10_000:
        _refused.clear()
    _refused.add(mark)
    try:
        log_access(office.ledger, username, "refused", what=what, rows=0, conditions=conditions)
    except StoreError as error:  # a full disk must not turn a refusal into anything else
        LOG.warning("被拒绝的请求没有记入日志：%s", error)


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
