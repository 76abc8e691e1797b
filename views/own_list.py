"""A bureau's own list of natural villages, whatever its columns are called."""

from collections.abc import Sequence

import pandas as pd


def texts_of(table: pd.DataFrame) -> pd.DataFrame:
    """Write every cell as text, whole numbers without the decimal a spreadsheet gives them."""
    texts = table.rename(columns=str).astype("str")
    return texts.apply(lambda column: column.str.strip().str.replace(r"\.0$", "", regex=True))


def best_column(table: pd.DataFrame, known: Sequence[str]) -> tuple[str | None, int]:
    """Find the column that holds most known ids, and how many; None where none holds any.

    >>> best_column(pd.DataFrame({"村": ["甲", "乙"], "码": [7.0, 8.0]}), ["7", "9"])
    ('码', 1)
    """
    ids = set(known)
    hits = texts_of(table).apply(lambda column: column.isin(ids).sum())
    return (None, 0) if hits.empty or hits.max() == 0 else (str(hits.idxmax()), int(hits.max()))


def read_own_list(table: pd.DataFrame, known: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Find natural village ids (and years) in a bureau's list; returns the list and the ids that are not known.

    The column with most known ids counts as the id; a column named 年度, 年份 or year gives the years.
    """
    ids = set(known)
    column, _ = best_column(table, known)
    if column is None:
        return pd.DataFrame({"natural_village_id": []}), []
    chosen = texts_of(table)[column]
    own = pd.DataFrame({"natural_village_id": chosen})
    years = next(
        (name for name in table.columns if str(name).split("/")[-1].strip().lower() in {"年度", "年份", "year"}), None
    )
    if years is not None:
        own["year"] = pd.to_numeric(table[years], errors="coerce")
    return own[chosen.isin(ids)].reset_index(drop=True), sorted(set(chosen[~chosen.isin(ids)]) - {"nan", ""})
