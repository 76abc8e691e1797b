"""What a test hands to a page that Streamlit's test driver runs."""

from views.context import Context

HELD: dict[str, Context] = {}


def context_now() -> Context:
    """Give the page the context the test prepared."""
    return HELD["context"]
