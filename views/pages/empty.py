"""An empty office explains itself: what to send first, and how."""

import streamlit as st

from tracker.office import Office
from views import chrome, moving
from views.dropping import import_form
from views.labels import Language, label, say
from views.plain import plain
from views.signin import current_user

ORDER = ("villages", "natural_villages", "roads", "households", "facilities", "claims")


def explain_empty(office: Office, language: Language) -> None:
    """Tell a newcomer what this is and what to send first."""
    st.header(f"{label('app', 'name', language)} · {plain(office.name)}")
    st.info(say(language, "empty_intro"), icon=":material/waving_hand:")
    user = current_user(office)
    for number, name in enumerate(ORDER, start=1):
        st.markdown(f"{number}. **{label('layer', name, language)}** – {say(language, f'empty_{name}')}")
    moving.show_notice()
    chrome.show_shell(language)
    if user.may("import"):
        import_form(office, "first_import", language, user.name)
    else:
        st.warning(say(language, "import_denied"))
    st.caption(say(language, "empty_demo"))
