"""A policy in the reader's language: the names of its needs, groups and targets; clauses and titles stay as issued."""

from dataclasses import replace

from analysis.policy import Policy
from views.labels import Language, catalogue, label


def spoken(policy: Policy, language: Language) -> Policy:
    """Name needs and targets in English where the catalogue has a word; Chinese is the document's own.

    Only what is read changes: ids, rules, clauses and the digest stay, so figures and what is kept of them stay too.
    """
    if language == "zh":
        return policy
    known = {group: catalogue()[group] for group in ("need", "target")}
    needs = tuple(
        replace(
            need,
            label=label("need", need.id, language) if need.id in known["need"] else need.label,
            group=label("need_group", need.group, language) if need.group else need.group,
        )
        for need in policy.needs
    )
    targets = tuple(
        replace(target, label=label("target", target.id, language)) if target.id in known["target"] else target
        for target in policy.targets
    )
    return replace(policy, needs=needs, targets=targets)
