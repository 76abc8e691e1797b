"""What figures rest on, written the same way in every export."""

from typing import Any

from views.context import Context
from views.labels import day, label, say


def basis(context: Context, **more: Any) -> dict[str, Any]:
    """Say what the figures were made from: office, policy, day, files and digests, filters."""
    done, language = context.assessment, context.language
    rows: dict[str, Any] = {
        say(language, "office"): context.office.name,
        say(language, "nature_of_the_data"): label(
            "app", "synthetic" if context.is_synthetic else "internal", language
        ),
        label("app", "policy", language): f"{context.policy.title} ({done.policy_digest[:12]})",
        label("app", "day", language): day(context.day, language),
        say(language, "data_digest"): done.workspace_digest,
    }
    for name, source in sorted(context.workspace.sources.items()):
        rows[say(language, "layer", name=label("layer", name, language))] = say(
            language,
            "basis_layer",
            file_name=source.file_name,
            as_of=source.as_of,
            rows=source.rows,
            digest=source.digest[:12],
        )
    rows[say(language, "data_problems_left")] = len(context.workspace.problems)
    return {**rows, **{key: value for key, value in more.items() if value not in (None, "", [])}}
