"""Which day is looked at: what had happened by a day, as known on a day."""

from dataclasses import dataclass
from datetime import date

import streamlit as st


@dataclass(frozen=True)
class Moment:
    """Which day is looked at: what had happened by `as_of`, as known on `known_on`; None is now."""

    as_of: date | None = None
    known_on: date | None = None

    @property
    def is_past(self) -> bool:
        """Return whether this is another day than now: then nothing can be changed."""
        return self.as_of is not None or self.known_on is not None


def choose_moment() -> Moment:
    """Let the person look at another day, and say so loudly while they do."""
    with st.popover("查看哪一天", icon=":material/history:"):
        st.caption("两个日期都空着就是现在。选了日期只能看，不能改。")
        as_of = st.date_input("到哪一天为止发生的", None, key="as_of", format="YYYY-MM-DD", min_value=date(2000, 1, 1))
        known_on = st.date_input(
            "到哪一天为止登记的（当时所知）", None, key="known_on", format="YYYY-MM-DD", min_value=date(2000, 1, 1)
        )
    return Moment(as_of, known_on)


def show_moment(moment: Moment) -> None:
    """Say which day is shown when it is not now."""
    if moment.is_past:
        parts = [
            f"{moment.as_of} 为止发生的" if moment.as_of else "",
            f"{moment.known_on} 为止已登记的" if moment.known_on else "",
        ]
        st.warning(
            f"现在显示的是{'、'.join(filter(None, parts))}情况，只能查看。清空日期回到现在。", icon=":material/history:"
        )


def moment_basis(moment: Moment) -> dict[str, str]:
    """Write the moment for the basis of an export."""
    return {"截至": str(moment.as_of or "现在"), "所知": str(moment.known_on or "现在")}
