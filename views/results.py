"""An Assessment as the contract's files, all of them or none."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.assess import Assessment
from geo.errors import StoreError
from views.version import code_version

FILES = (
    *("findings.csv", "coverage.csv", "natural_villages.csv", "roads.gpkg", "housing.csv", "access.csv"),
    *("contradictions.csv", "summary.json"),
)
ENCODING = "utf-8-sig"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_DECIMALS = 6


def write(assessment: Assessment, out_dir: Path | str) -> list[Path]:
    """Write findings, coverage, natural villages, roads, housing, access, contradictions and summary into a folder.

    CSV is UTF-8 with a byte order mark (so that Excel in China shows it), comma separated, one header line, lines
    ended by CR LF; numbers have at most six decimals and no trailing zeros; missing is blank, for a yes/no "unknown"; text that a
    spreadsheet would run as a formula is led by an apostrophe. The same assessment gives the same bytes of CSV and
    JSON (but for `run` in summary.json and the GeoPackage, which carry times).

    Parameters
    ----------
    out_dir
        Made when missing. Files of an earlier run are replaced only when all new ones are ready, summary.json last;
        it holds the digests of the CSV files, so that `mismatched` can tell a mixed set. Other files stay.

    Returns
    -------
    list of Path
        The files, in the order of `FILES`.

    Raises
    ------
    StoreError
        The folder or the disk cannot be written; the earlier files are as they were.
    """
    target = Path(out_dir)
    try:
        target.mkdir(parents=True, exist_ok=True)
        ready = Path(tempfile.mkdtemp(prefix=".results-", dir=target))
        try:
            _prepare(assessment, ready)
            _swap(ready, target)
        finally:
            shutil.rmtree(ready, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"结果写不进 {target.name}（{error.strerror}）；请检查文件夹权限、磁盘空间，关闭正打开的结果文件"
        ) from error
    return [target / name for name in FILES]


def mismatched(out_dir: Path | str) -> list[str]:
    """Name the result files that are missing or not of one run (a machine that lost power while they were replaced).

    Returns
    -------
    list of str
        Empty when the folder holds one whole set; all names when there is no readable summary.json.
    """
    folder = Path(out_dir)
    try:
        digests = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return list(FILES)
    return [name for name, digest in sorted(digests.items()) if _digest(folder / name) != digest]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _swap(ready: Path, target: Path) -> None:
    """Put the new files in place of the old ones; if one cannot be replaced, put the old ones back."""
    kept, done = ready / "kept", list[str]()
    kept.mkdir()
    try:
        for name in FILES:
            if (target / name).exists():
                shutil.copy2(target / name, kept / name)
        for name in FILES:
            (ready / name).replace(target / name)
            done.append(name)
    except OSError:
        for name in done:
            if (kept / name).exists():
                (kept / name).replace(target / name)
            else:
                (target / name).unlink()
        raise


def _prepare(assessment: Assessment, folder: Path) -> None:
    tables = {
        "findings.csv": assessment.findings,
        "coverage.csv": assessment.coverage,
        "natural_villages.csv": assessment.natural_villages,
        "housing.csv": assessment.housing,
        "access.csv": assessment.access,
        "contradictions.csv": assessment.contradictions,
    }
    for name, table in tables.items():
        (folder / name).write_bytes(csv_bytes(table))
    _write_roads(assessment.roads, folder / "roads.gpkg")
    summary = dict(assessment.summary) | {
        "code_version": code_version(),
        "files": {name: _digest(folder / name) for name in tables},
        "run": {"seconds": dict(assessment.stage_seconds)},
    }
    text = json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True, default=_plain, allow_nan=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as the CSV that every result uses.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["=1+1", None], "value": [0.1 + 0.2, float("nan")], "ok": [True, False]})
    >>> csv_bytes(table).decode("utf-8-sig").split("\\r\\n")
    ['name,value,ok', "'=1+1,0.3,yes", ',,no', '']
    """
    columns = {name: _text(table[name]) for name in table.columns if name != "geometry"}
    plain = pd.DataFrame(columns, index=table.index)
    text: str = plain.to_csv(index=False, lineterminator="\r\n")
    return text.encode(ENCODING)


def _text(values: pd.Series) -> Any:
    """Write a column: numbers short and stable, yes/no in words, text safe for a spreadsheet, missing blank."""
    blank = values.isna().to_numpy()
    if pd.api.types.is_bool_dtype(values):
        words = np.where(values.fillna(False).to_numpy(dtype=bool), "yes", "no").astype(object)
        words[blank] = "unknown"
        return words
    if pd.api.types.is_integer_dtype(values):
        words = values.fillna(0).to_numpy(dtype=np.int64).astype(str).astype(object)
    elif pd.api.types.is_float_dtype(values):
        words = _numbers(values.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        return _safe(values.to_numpy(dtype=object), blank)
    words[blank] = ""
    return words


def _numbers(values: Any) -> Any:
    finite = np.where(np.isfinite(values), values, 0.0)
    rounded = np.round(finite, _DECIMALS) + 0.0
    whole = rounded == np.floor(rounded)
    words = np.empty(len(rounded), dtype=object)
    words[whole] = rounded[whole].astype(np.int64).astype(str)
    words[~whole] = [f"{number:.6f}".rstrip("0") for number in rounded[~whole]]
    words[~np.isfinite(values)] = ""
    return words


def _safe(values: Any, blank: Any) -> Any:
    held = pd.Series(values, dtype="object").where(~blank, "")
    words = held if pd.api.types.infer_dtype(held, skipna=False) == "string" else held.map(_word)
    codes, uniques = pd.factorize(words)
    led = np.array([f"'{word}" if word.startswith(FORMULA) else word for word in uniques], dtype=object)
    return led[codes]


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(_numbers(np.array([value]))[0])
    return str(value)


def _write_roads(layers: Mapping[str, Any], path: Path) -> None:
    for name, frame in layers.items():
        if frame is None:
            continue
        held = frame.copy()
        for column in held.columns:
            if column != held.geometry.name and held[column].dtype == object:
                held[column] = held[column].map(lambda value: None if pd.isna(value) else _word(value)).astype("str")
        held.to_file(path, layer=name, driver="GPKG", engine="pyogrio", index=False)
    if not path.exists():
        raise StoreError("没有可写的道路图层；请先评估道路")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
