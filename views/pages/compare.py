"""对比: two days, two policies or two scenarios side by side, and what changed and why."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from views import differences, panels, road_ground, whatif
from views.compare_maps import choose_look, show_sides
from views.context import Context, assessed, open_context, policy_choices, read_policy
from views.labels import label, say
from views.pages.coverage import choose_need, village_needs
from views.scope import scoped

MODES = ("day", "policy", "scenario")
MOST_PEOPLE = 10_000


def known_days(context: Context) -> list[date]:
    """List the days on which some layer changed: between them nothing can differ but deadlines."""
    found = {part.as_of for items in context.office.parts().values() for part in items}
    return sorted(found, reverse=True)


def other_side(context: Context, mode: str) -> tuple[Context, str] | None:
    """Let the person choose what to hold against what is shown; None when there is nothing else."""
    language = context.language
    if mode == "day":
        days = [day for day in known_days(context) if day != context.day]
        st.session_state.setdefault("compare_day", days[0] if days else context.day)
        chosen = st.date_input(say(language, "compare_day"), key="compare_day", format="YYYY-MM-DD")
        path = policy_choices(context.office)[st.session_state["policy"]]
        return opened(context, path, chosen), chosen.isoformat()
    if mode == "policy":
        choices = other_policies(context)
        if not choices:
            return None
        if st.session_state.get("compare_policy") not in choices:
            st.session_state["compare_policy"] = next(iter(choices))
        title = st.selectbox(say(language, "compare_policy"), list(choices), key="compare_policy")
        return opened(context, choices[title], context.day), title
    own = whatif.threshold_of(context)
    if own is None:
        return None
    st.session_state.setdefault("compare_threshold", max(own // 2, 1))
    amount = int(
        st.number_input(say(language, "compare_threshold", own=own), 0, MOST_PEOPLE, step=10, key="compare_threshold")
    )
    return assumed(context, amount), say(language, "compare_assumed", threshold=amount)


def usual_mode(context: Context) -> str:
    """Begin with two days where layers of another day are held, else with two policies where there is another."""
    has_other_day = any(day != context.day for day in known_days(context))
    return MODES[0] if has_other_day or len(policy_choices(context.office)) < 2 else MODES[1]


def other_policies(context: Context) -> dict[str, Path]:
    """List the other policies, those that ask most of the same first."""
    own = {need.id for need in context.policy.needs}
    found = []
    for title, path in policy_choices(context.office).items():
        if title != context.policy.title:
            shared = own & {need.id for need in read_policy(str(path), path.stat().st_mtime).needs}
            found.append((-len(shared), title, path))
    return {title: path for _, title, path in sorted(found)}


def opened(context: Context, path: Any, day: date) -> Context:
    """Open the same office on another day or under another policy, cut to what the person may see."""
    return scoped(replace(open_context(context.office, path, day, context.language), user=context.user))


def assumed(context: Context, threshold: int) -> Context:
    """Assess the same data with another population threshold."""
    policy = whatif.with_value(context.policy, road_ground.THRESHOLD, threshold, context.day)
    allowance = context.office.settings.get("max_age_days", 0)
    key = (context.workspace.digest, policy.digest, context.day, allowance)
    done = assessed(key, context.workspace, policy, context.day, context.office)
    return scoped(replace(context, policy=policy, assessment=done))


def prefer_shared_need(context: Context, other: Context) -> None:
    """Begin a comparison with a need both sides ask for, so that both maps say something; a choice made later stays."""
    pair = (context.policy.id, other.policy.id)
    if st.session_state.get("compare_pair") == pair:
        return
    st.session_state["compare_pair"] = pair
    asked = {need.id for need in other.policy.needs}
    own = [need.id for need in village_needs(context)]
    if own and "need" not in st.query_params and st.session_state.get("coverage_need", own[0]) not in asked:
        shared = [name for name in own if name in asked]
        st.session_state["coverage_need"] = shared[0] if shared else own[0]


def shared_first(changed: pd.DataFrame) -> pd.DataFrame:
    """Put what both sides ask for before what only one asks for."""
    is_one_sided = changed["before"].eq(differences.NOTHING) | changed["after"].eq(differences.NOTHING)
    return changed.assign(one=is_one_sided).sort_values("one", kind="stable").drop(columns="one").reset_index(drop=True)


def people_of(context: Context) -> pd.Series:
    """Give the population of every village by id."""
    frame = context.frame("villages")
    return frame.set_index("village_id")["population"] if len(frame) else pd.Series(dtype="float64")


def show_sums(left: Context, right: Context, changed: pd.DataFrame) -> None:
    """Tell per need what was gained and lost: people and villages."""
    language = left.language
    table = differences.sums(left.assessment, right.assessment, (people_of(left), people_of(right)))
    names = {need.id: need.label for need in (*right.policy.needs, *left.policy.needs)}
    counts = changed["why"].value_counts()
    parts = [
        say(language, f"why_{name}_count", count=int(counts.get(name, 0)))
        for name in ("rule", "data", "stale", "claim")
    ]
    st.markdown(f"**{say(language, 'changes_found', count=len(changed))}** {' · '.join(parts)}")
    asked_before, asked_after = (set(side.assessment.coverage["need"]) for side in (left, right))
    shared = asked_before & asked_after
    lines = [
        say(language, "change_line", need=panels.plain(names.get(str(row.Index), row.Index)),
            people=differences.signed(row.people), villages=differences.signed(row.villages))
        for row in table.itertuples() if (row.villages or row.people) and row.Index in shared
    ]  # fmt: skip
    for key, asked in (("only_left", asked_before - shared), ("only_right", asked_after - shared)):
        if asked:
            lines.append(
                say(language, key, needs=panels.plain("、".join(names.get(need, need) for need in sorted(asked))))
            )
    before, after = (side.assessment.natural_villages for side in (left, right))
    due = [rows[rows["is_due"].fillna(False).astype(bool)] for rows in (before, after)]
    has_thresholds = all(rows["threshold"].notna().any() for rows in (before, after))
    if has_thresholds and (len(due[0]) != len(due[1]) or due[0]["population"].sum() != due[1]["population"].sum()):
        people = differences.signed(due[1]["population"].sum() - due[0]["population"].sum())
        lines.append(say(language, "change_due", people=people, villages=differences.signed(len(due[1]) - len(due[0]))))
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines))


def told(left: Context, right: Context, changed: pd.DataFrame) -> pd.DataFrame:
    """Lay the changes out in words."""
    language = left.language
    names: dict[str, str] = {}
    for side in (left, right):
        for layer, id_field in (
            ("towns", "town_id"), ("villages", "village_id"), ("natural_villages", "natural_village_id")
        ):  # fmt: skip
            frame = side.frame(layer)
            names |= dict(zip(frame[id_field], frame["name"].astype(object), strict=True)) if len(frame) else {}
    needs = {need.id: need.label for need in (*right.policy.needs, *left.policy.needs)}
    needs["road"] = label("page", "roads", language)

    def word(row: Any, key: str) -> str:
        return label("state" if row.unit_kind == "natural_village" and row.need == "road" else "status", key, language)

    rows = [
        (label("unit_kind", row.unit_kind, language), row.town, names.get(row.unit_id, row.unit_id),
         needs.get(row.need, row.need), word(row, row.before), word(row, row.after), say(language, f"why_{row.why}"))
        for row in changed.itertuples()
    ]  # fmt: skip
    heads = ["unit_kind", "town", "name", "need", "before", "after", "why"]
    return pd.DataFrame(rows, columns=[label("field", key, language) for key in heads], index=changed["unit_id"])


def page(context: Context) -> None:
    """Show two sides and what changed between them."""
    language = context.language
    first, second, third, fourth, fifth = st.columns([1.5, 1.1, 0.9, 1.2, 0.85])
    with first:
        if st.session_state.get("compare_mode") not in MODES:
            st.session_state["compare_mode"] = st.session_state["standard_compare_mode"] = usual_mode(context)
        mode = st.segmented_control(
            say(language, "compare_mode"), MODES, format_func=lambda key: say(language, f"compare_{key}s"),
            key="compare_mode", required=True,
        )  # fmt: skip
    with second, st.spinner(label("app", "assessing", language)):
        found = other_side(context, str(mode or MODES[0]))
    if found is not None and mode == "policy":
        prefer_shared_need(context, found[0])
    with third:
        town = panels.choose_town(context)
    with fourth:
        need = choose_need(context)
    with fifth:
        look = choose_look(context)
    if found is None:
        st.info(say(language, "compare_nothing"))
        return
    own = {"day": context.day.isoformat(), "policy": context.policy.title}.get(str(mode), say(language, "compare_own"))
    sides = [(context, own), found]
    if mode == "day":  # the earlier day stands on the left
        sides.sort(key=lambda side: side[0].day)
    (before, before_text), (after, after_text) = sides
    show_sides(
        ((before, before_text), (after, after_text)), need=need, is_scenario=mode == "scenario", town=town, look=look
    )
    changed = pd.concat(
        [
            differences.status_changes(before.assessment.findings, after.assessment.findings),
            differences.village_changes(before.assessment.natural_villages, after.assessment.natural_villages),
        ],
        ignore_index=True,
    )
    changed = shared_first(changed if town is None else changed[changed["town"] == town])
    show_sums(before, after, changed)
    if changed.empty:
        is_same_day = mode == "day" and before.day == after.day
        st.info(say(language, "compare_same_day" if is_same_day else "compare_no_change"), icon=":material/compare:")
        return
    table = told(before, after, changed)
    head, button = st.columns([5, 1], vertical_alignment="bottom")
    head.caption(say(language, "compare_note"))
    with button:
        panels.offer_download(
            context,
            {say(language, "changes"): table},
            say(language, "comparison"),
            comparison=f"{before_text} → {after_text}",
            town=town,
        )
    panels.show_table(table, key="compare_table", ids=list(changed["unit_id"]), kind="villages")
