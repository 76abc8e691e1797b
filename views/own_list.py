"""A bureau's own list of natural villages, whatever its columns are called."""

from collections.abc import Sequence

import pandas as pd


def read_own_list(table: pd.DataFrame, known: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Find natural village ids (and years) in a bureau's list; returns the list and the ids that are not known.

    The column with most known ids counts as the id; a column named 年度, 年份 or year gives the years.
    """
    ids = set(known)
    texts = table.astype("str").apply(lambda column: column.str.strip().str.replace(r"\.0$", "", regex=True))
    hits = texts.apply(lambda column: column.isin(ids).sum())
    if hits.empty or hits.max() == 0:
        return pd.DataFrame({"natural_village_id": []}), []
    chosen = texts[hits.idxmax()]
    own = pd.DataFrame({"natural_village_id": chosen})
    years = next(
        (name for name in table.columns if str(name).split("/")[-1].strip().lower() in {"年度", "年份", "year"}), None
    )
    if years is not None:
        own["year"] = pd.to_numeric(table[years], errors="coerce")
    return own[chosen.isin(ids)].reset_index(drop=True), sorted(set(chosen[~chosen.isin(ids)]) - {"nan", ""})
