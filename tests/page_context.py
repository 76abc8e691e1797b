"""What a test hands to a page that Streamlit's test driver runs."""

from views.context import Context

HELD: dict[str, Context] = {}
FAULTS: list[str] = []


def context_now() -> Context:
    """Give the page the context the test prepared."""
    return HELD["context"]
