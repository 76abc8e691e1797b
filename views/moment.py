"""Which day is looked at: what had happened by a day, as known on a day."""

from dataclasses import dataclass
from datetime import date

import streamlit as st

from tracker.events import OFFICE_ZONE, Event
from views.labels import Language, say


@dataclass(frozen=True)
class Moment:
    """Which day is looked at: what had happened by `as_of`, as known on `known_on`; None is now."""

    as_of: date | None = None
    known_on: date | None = None

    @property
    def is_past(self) -> bool:
        """Return whether this is another day than now: then nothing can be changed."""
        return self.as_of is not None or self.known_on is not None

    def holds(self, event: Event) -> bool:
        """Tell whether an event had happened, and had been entered, by the days looked at."""
        has_happened = self.as_of is None or event.at <= self.as_of
        return has_happened and (self.known_on is None or event.entered.astimezone(OFFICE_ZONE).date() <= self.known_on)


NOW = Moment()


def asked_moment() -> Moment:
    """Return the moment the page was asked for before its controls are drawn."""
    return Moment(st.session_state.get("as_of"), st.session_state.get("known_on"))


def choose_moment(language: Language) -> Moment:
    """Let the person look at another day, and say so loudly while they do."""
    with st.popover(say(language, "look_at_a_day"), icon=":material/history:"):
        st.caption(say(language, "both_blank_is_now_with_a"))
        as_of = st.date_input(
            say(language, "what_had_happened_by"), None, key="as_of", format="YYYY-MM-DD", min_value=date(2000, 1, 1)
        )
        known_on = st.date_input(
            say(language, "as_known_on"), None, key="known_on", format="YYYY-MM-DD", min_value=date(2000, 1, 1)
        )
    return Moment(as_of, known_on)


def show_moment(moment: Moment, language: Language) -> None:
    """Say which day is shown when it is not now."""
    if moment.is_past:
        parts = [
            say(language, "what_had_happened_by_2", as_of=moment.as_of) if moment.as_of else "",
            say(language, "what_was_entered_by", known_on=moment.known_on) if moment.known_on else "",
        ]
        st.warning(say(language, "moment_shown", parts="、".join(filter(None, parts))), icon=":material/history:")


def moment_basis(moment: Moment, language: Language) -> dict[str, str]:
    """Write the moment for the basis of an export."""
    return {
        say(language, "basis_as_of"): str(moment.as_of or say(language, "difference_now")),
        say(language, "as_known_on_2"): str(moment.known_on or say(language, "difference_now")),
    }
