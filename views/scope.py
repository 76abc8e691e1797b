"""What a role and a town scope leave of a page's data: other towns are not sent at all, not merely hidden."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from analysis.assess import Assessment
from analysis.summary import coverage_table
from layers.workspace import Workspace
from tracker.accounts import User
from views.context import Context
from views.signin import Owner

# What a person must be allowed to do to be offered a page; a page not named needs only to be signed in.
RIGHT_OF_PAGE = {
    "housing": "households",
    "ledger": "households",
    "quality": "import",
    "export": "export",
    "visits": "edit",
}
_BY_TOWN = ("villages", "natural_villages", "households", "facilities")


def may_open(user: User, page: str) -> bool:
    """Tell whether a person is offered a page.

    >>> may_open(User("a", "甲", "leader"), "ledger"), may_open(User("a", "甲", "planner"), "ledger")
    (False, True)
    """
    return user.may(RIGHT_OF_PAGE.get(page, "view"))


def scoped(context: Context) -> Context:
    """Keep of a context only what the person may see; without a town scope everything."""
    towns = tuple(sorted(context.user.towns))
    if not towns or isinstance(context.user, Owner):
        return context
    workspace, assessment = _kept(context.key, towns, context.workspace, context.assessment)
    return replace(context, workspace=workspace, assessment=assessment)


@st.cache_resource(show_spinner=False, max_entries=12)
def _kept(
    key: str, towns: tuple[str, ...], _workspace: Workspace, _assessment: Assessment
) -> tuple[Workspace, Assessment]:
    del key
    return cut_workspace(_workspace, towns), cut_assessment(_assessment, towns)


def cut_workspace(workspace: Workspace, towns: Sequence[str]) -> Workspace:
    """Keep the rows of some towns in every layer that says which town a row is in; roads and borders stay whole."""
    layers: dict[str, Any] = {}
    for name, frame in workspace.layers.items():
        column = "name" if name == "towns" else ("town" if name in _BY_TOWN and "town" in frame else None)
        layers[name] = frame if column is None else frame[frame[column].isin(towns)].reset_index(drop=True)
    return replace(workspace, layers=layers, problems=(), digest=_digest(workspace.digest, towns))


def cut_assessment(done: Assessment, towns: Sequence[str]) -> Assessment:
    """Keep the findings of some towns and count the coverage anew, so that the whole is the whole of these towns."""
    findings = _rows(done.findings, towns)
    units = set(findings["unit_id"]) | set(_rows(done.natural_villages, towns)["natural_village_id"])
    roads: Mapping[str, Any] = {name: _rows(frame, towns) for name, frame in done.roads.items()}
    tables = {
        name: frame[frame["unit_id"].isin(units)].reset_index(drop=True) if "unit_id" in frame else frame
        for name, frame in (("access", done.access), ("contradictions", done.contradictions))
    }
    return replace(
        done,
        findings=findings,
        coverage=coverage_table(findings, list(dict.fromkeys(done.coverage["need"]))),
        natural_villages=_rows(done.natural_villages, towns),
        housing=_rows(done.housing, towns),
        roads=dict(roads),
        problems=(),
        workspace_digest=_digest(done.workspace_digest, towns),
        **tables,
    )


def _rows(frame: Any, towns: Sequence[str]) -> Any:
    return frame[frame["town"].isin(towns)].reset_index(drop=True) if "town" in frame else frame


def _digest(digest: str, towns: Sequence[str]) -> str:
    return f"{digest}|{'、'.join(towns)}"
