"""What a page works on: one office, one day, one policy, and the assessment made from them."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.assess import Assessment, assess
from analysis.policy import Policy, load_policy
from geo.errors import InputError
from layers import schema
from layers.workspace import Workspace
from tracker.accounts import User
from tracker.office import Office, open_office
from views.choices import road_choices
from views.desk import OFFICE_VARIABLE
from views.labels import Language
from views.policy_words import spoken
from views.signin import OWNER

POLICIES = Path(__file__).resolve().parents[1] / "policies"


@dataclass(frozen=True)
class Context:
    """Everything a page may show. Shared between sessions: never write to its frames."""

    office: Office
    workspace: Workspace
    policy: Policy
    assessment: Assessment
    day: date
    language: Language
    user: User = OWNER

    @property
    def key(self) -> str:
        """Digest that changes whenever anything shown could change."""
        done = self.assessment
        return f"{done.workspace_digest}|{done.policy_digest}|{done.day}|{done.choices_digest}"

    @property
    def is_synthetic(self) -> bool:
        """Whether the office holds invented data."""
        return "虚构" in self.office.name

    def frame(self, layer: str) -> Any:
        """Give a layer's frame, or one with its columns and no rows when the office does not hold it."""
        found = self.workspace.get(layer)
        return empty_layer(layer, self.workspace.crs) if found is None else found


def empty_layer(layer: str, crs: Any) -> Any:
    """Make a layer without rows: the columns of its schema, the town and village they are placed in, shapes in `crs`."""
    form = schema.load()[layer]
    names = [*(field.name for field in form.fields), "town", "town_id" if layer == "villages" else "village_id"]
    frame = pd.DataFrame({name: pd.Series(dtype="str") for name in dict.fromkeys(names)})
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=crs)) if form.geometry else frame


def office_path() -> Path:
    """Folder of the office that is served; InputError when none was named."""
    path = os.environ.get(OFFICE_VARIABLE)
    if not path:
        raise InputError("没有指定办公文件夹：请用 python run.py 办公文件夹 启动。")
    return Path(path)


@st.cache_resource(show_spinner=False)
def read_policy(path: str, changed: float) -> Policy:
    """Read a policy profile once per version of its file."""
    del changed
    return load_policy(Path(path))


def policy_choices(office: Office) -> dict[str, Path]:
    """Policies one can look through: the office's own first, then those that ship with the app."""
    own = Path(office.policy_path)
    found = {read_policy(str(own), own.stat().st_mtime).title: own}
    for path in sorted(POLICIES.glob("*.toml")):
        found.setdefault(read_policy(str(path), path.stat().st_mtime).title, path)
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def workspace_on(office: str, versions: tuple[tuple[str, str], ...], day: date) -> Workspace:
    """Gather the layers of a day once per set of layer versions."""
    del versions
    return open_office(Path(office)).workspace(day)


@st.cache_resource(show_spinner=False, max_entries=6)
def assessed(key: tuple[Any, ...], _workspace: Workspace, _policy: Policy, day: date, _office: Office) -> Assessment:
    """Assess once per workspace, policy and day."""
    del key
    allowance = int(_office.settings.get("max_age_days", 0))
    choices = road_choices(_office, day)
    return assess(_workspace, _policy, day, rasters=_office.rasters(day), max_age_days=allowance, choices=choices)


def open_context(office: Office, policy_path: Path, day: date, language: Language) -> Context:
    """Open what a page needs; the first time on new data takes seconds, after that nothing."""
    policy = read_policy(str(policy_path), policy_path.stat().st_mtime)
    sources = office.sources(day)
    versions = tuple(sorted((name, source.digest) for name, source in sources.items()))
    rasters = tuple(sorted((name, path.name) for name, path in office.rasters(day).items()))
    workspace = workspace_on(str(office.path), versions, day)
    allowance = office.settings.get("max_age_days", 0)
    key = (workspace.digest, policy.digest, day, rasters, allowance, road_choices(office, day).digest)
    done = assessed(key, workspace, policy, day, office)
    return Context(office, workspace, spoken(policy, language), done, day, language)
