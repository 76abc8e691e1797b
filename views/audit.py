"""Who took data out or looked at households: written down before the file is handed over."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from tracker.accounts import log_access
from views.context import Context


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
