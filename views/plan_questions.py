"""What a person asks of the road programme: years, budgets, weights, locks, and another population threshold as a what-if."""

from dataclasses import replace
from typing import Any

import streamlit as st

from analysis.policy import Value, value_on
from geo.errors import AppError
from views import planning, road_ground, weighing, whatif
from views.context import Context
from views.labels import Language, label, number, say
from views.plain import plain
from views.planning import Question, Works

THRESHOLD = "plan_threshold"
STEP, MOST = 10, 500
PRICES = {"cost.hardening_cny10k_per_km": "gap_km", "cost.new_road_cny10k_per_km": "new_km"}


def threshold_now(context: Context) -> int | None:
    """Give the population threshold that is tried instead of the policy's own; None when it is the policy's own."""
    own = whatif.threshold_of(context)
    asked = st.session_state.get(THRESHOLD, own)
    return None if own is None or asked is None or int(asked) == own else int(asked)


def assuming(context: Context, threshold: int | None) -> Context:
    """Give the page's context under another threshold; its policy says in its title that this is an assumption."""
    if threshold is None:
        return context
    policy = whatif.with_value(context.policy, road_ground.THRESHOLD, threshold, context.day)
    title = say(context.language, "title_with_threshold", title=context.policy.title, threshold=threshold)
    done = replace(context.assessment, policy_digest=policy.digest)
    return replace(context, policy=replace(policy, title=title), assessment=done)


def missing_prices(context: Context) -> list[str]:
    """List the prices a programme needs and the policy does not give on the day."""
    table = context.assessment.natural_villages
    todo = table[table["state"].isin(["harden", "build"])]
    return [
        key for key, km in PRICES.items() if todo[km].gt(0).any() and value_on(context.policy, key, context.day) is None
    ]


def priced(context: Context) -> Context | None:
    """Ask for the prices the policy does not give; None until they are given.

    What is given counts for what is shown and exported now and is called an assumption everywhere; the policy stays.
    """
    missing, language = missing_prices(context), context.language
    if not missing:
        return context
    st.warning(say(language, "prices_are_missing", title=plain(context.policy.title)), icon=":material/price_change:")
    given: dict[str, float | None] = {}
    for place, key in zip(st.columns(len(missing)), missing, strict=True):
        given[key] = place.number_input(
            say(language, f"price_asked_{PRICES[key]}"), 0.1, 10_000.0, None, 1.0, key=f"plan_{key}",
            placeholder=say(language, "price_not_given"),
        )  # fmt: skip
    amounts = {key: amount for key, amount in given.items() if amount is not None}
    if len(amounts) < len(missing):
        return None
    policy, note = context.policy, label("text", "assumed_in_meeting", language)
    values = {
        key: (Value(context.day, amount, "cny10k_per_km", "", unsourced=True, note=note),)
        for key, amount in amounts.items()
    }
    told = "、".join(f"{say(language, f'price_asked_{PRICES[key]}')} {amount:g}" for key, amount in amounts.items())
    policy = replace(
        policy,
        title=say(language, "title_with_prices", title=policy.title, told=told),
        values={**policy.values, **values},
        digest=policy.digest + "".join(f"+{key}={amount:g}" for key, amount in amounts.items()),
    )
    return replace(context, policy=policy, assessment=replace(context.assessment, policy_digest=policy.digest))


def tell_assumption(context: Context, threshold: int, question: Question, works: Works) -> None:
    """Say plainly that the threshold is not the policy's, and what it changes on the same money."""
    language, held = context.language, planning.works(context)
    made = planning.figures(planning.answer(assuming(context, threshold), question, frontier_steps=0), question)
    ids = set(held.road_plan.candidates["natural_village_id"])
    own = replace(
        question,
        locked_in=tuple(name for name in question.locked_in if name in ids),
        locked_out=tuple(name for name in question.locked_out if name in ids),
    )
    try:
        before = planning.figures(planning.answer(context, own, frontier_steps=0), own)
        told = planning.difference(made, before, language)
    except AppError as error:
        told = str(error)
    rule = whatif.threshold_of(context)
    values = context.policy.values.get(road_ground.THRESHOLD, ())
    st.warning(
        say(
            language, "threshold_is_assumed", threshold=threshold, own=rule, clause=plain(values[-1].reference if values else "—"),
            candidates=number(len(works.road_plan.candidates)), before=number(len(held.road_plan.candidates)), told=plain(told),
        ),
        icon=":material/science:",
    )  # fmt: skip


def ask(context: Context, works: Works, whole_cny10k: float) -> Question:
    """Let the person set years, yearly budgets and what one poor person weighs; everything answers at once.

    `whole_cny10k` is what everything costs under the policy's own threshold: the length of the budget sliders.
    """
    language = context.language
    share = round(whole_cny10k / 5, -1) or 100.0
    top = float(max(10.0, round(whole_cny10k, -1)))
    first, years, second, third = st.columns([0.7, 0.55, 3, 1])
    start = int(first.number_input(say(language, "first_year"), 2000, 2100, context.day.year, key="plan_start"))
    count = int(years.number_input(say(language, "years"), 1, 5, 3, key="plan_years"))
    with second:
        columns = st.columns(count)
        budgets = []
        for offset, column in enumerate(columns):
            year = start + offset
            with column:
                amount = st.slider(
                    say(language, "budget_cny_10k", year=year),
                    0,
                    int(top),
                    int(min(share, top)),
                    step=10,
                    key=f"plan_money_{offset}",
                )
                budgets.append((year, float(amount)))
    with third:
        weight = st.slider(
            say(language, "weight_of_a_poor_person"),
            0.0,
            5.0,
            0.0,
            0.5,
            key="plan_poor",
            help=say(language, "n_0_everybody_alike_2_a_poor"),
        )
    must, never, more = locks(context, works, language)
    return Question(tuple(budgets), float(weight), must, never, **more)


def locks(
    context: Context, works: Works, language: Language
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Let the person lock natural villages in or out, try another threshold, and weigh more than people."""
    candidates = works.road_plan.candidates
    names = dict(
        zip(
            candidates["natural_village_id"],
            candidates["name"].fillna("") + " · " + candidates["town"].fillna("—"),
            strict=True,
        )
    )
    ids = list(names)
    for key in ("plan_in", "plan_out"):  # another threshold may have other candidates
        st.session_state[key] = [name for name in st.session_state.get(key, []) if name in names]
    first, left, right, last = st.columns([1.25, 2, 2, 1], vertical_alignment="bottom")
    own = whatif.threshold_of(context)
    if own is not None:
        first.slider(
            say(language, "threshold_tried", own=own), STEP, max(MOST, own), own, STEP, key=THRESHOLD,
            help=say(language, "threshold_tried_help", own=own),
        )  # fmt: skip
    must = left.multiselect(
        say(language, "must_be_done"),
        ids,
        format_func=names.__getitem__,
        key="plan_in",
        placeholder=say(language, "lock_natural_villages_in_with_the"),
        select_all=False,
    )
    never = right.multiselect(
        say(language, "leave_out_for_now"),
        ids,
        format_func=names.__getitem__,
        key="plan_out",
        help=say(language, "leave_out_help"),
        placeholder=say(language, "lock_natural_villages_out"),
        select_all=False,
    )
    with last:
        more = weighing.ask(language)
    return tuple(must), tuple(never), more
