"""七有图: the app. `python run.py` sets everything up and starts it; `streamlit run app.py` works too.

The folder named by the environment variable QIYOU_OFFICE is served; without one, the demo county that run.py built.
"""

import os
from pathlib import Path

import streamlit as st

from views.server import ENTRY, app_options

DEMO = Path(__file__).resolve().parent / ".office" / "demo" / "office"

app = st.App(ENTRY, **app_options(os.environ.get("QIYOU_OFFICE", DEMO)))
