"""What figures rest on, written the same way in every export."""

from typing import Any

from views.context import Context
from views.labels import day, label


def basis(context: Context, **more: Any) -> dict[str, Any]:
    """Say what the figures were made from: office, policy, day, files and digests, filters."""
    done = context.assessment
    rows: dict[str, Any] = {
        "单位": context.office.name,
        "数据性质": label("app", "synthetic") if context.is_synthetic else label("app", "internal"),
        "政策": f"{context.policy.title}（{done.policy_digest[:12]}）",
        "评估日": day(context.day),
        "数据摘要": done.workspace_digest,
    }
    for name, source in sorted(context.workspace.sources.items()):
        rows[f"图层 {label('layer', name)}"] = (
            f"{source.file_name}（{source.as_of}，{source.rows} 行，{source.digest[:12]}）"
        )
    rows["未解决的数据问题"] = len(context.workspace.problems)
    return {**rows, **{key: value for key, value in more.items() if value not in (None, "", [])}}
