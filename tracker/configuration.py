"""The file office.toml: name, policy, settings, and where the ledger is. A person may edit it in Notepad."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geo.errors import PolicyError, StoreError
from layers.disk import write_once

FILE = "office.toml"

_TOML = """# 七有图办公室设置。可以用记事本修改，保存后重新打开程序即生效。
name = {name}
policy = {policy}
# 几台电脑合用时改用 PostgreSQL（docs/tracker.md），密码放在 pgpass 文件里，不要写在这里：
# ledger = "postgresql://用户@服务器/数据库"
{ledger}
[settings]
# 图层的日期比评估日早多少天以内，仍可用来断定“没有”。0 = 严格按约定：早一天也只算“不清楚”。
# 例：各部门一年报一次，可改为 365。改动会影响缺口数，请在汇报中说明。
max_age_days = 0
"""


def write(folder: Path, *, name: str, policy: str, ledger: str | None) -> None:
    """Write the office.toml of a new office."""
    line = f"ledger = {json.dumps(ledger, ensure_ascii=False)}\n" if ledger else ""
    text = _TOML.format(
        name=json.dumps(name, ensure_ascii=False), policy=json.dumps(policy, ensure_ascii=False), ledger=line
    )
    (folder / FILE).write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Return what office.toml says. Raises StoreError naming the mistake when it is absent or wrong."""
    file = folder / FILE
    if not file.is_file():
        raise StoreError(f"{folder} 不是办公室文件夹：里面没有 office.toml。请检查路径，或先用 new 建立一个。")
    try:
        configuration = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} 写错了：{error}。请用记事本改正，并以 UTF-8 保存。") from error
    _check(file, configuration)
    return configuration


def set_ledger_address(folder: Path, url: str | None) -> None:
    """Write into office.toml where the ledger is: a postgresql:// URL, or None for the file in the folder."""
    file = folder / FILE
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    kept = [line for line in lines if not re.match(r"\s*ledger\s*=", line)]
    if url is not None:
        at = next((i for i, line in enumerate(kept) if line.lstrip().startswith("[")), len(kept))
        kept.insert(at, f"ledger = {json.dumps(url, ensure_ascii=False)}")
    write_once(file, ("\n".join(kept) + "\n").encode())


def _check(file: Path, configuration: Mapping[str, Any]) -> None:
    for key in ("name", "policy"):
        if not isinstance(configuration.get(key), str) or not configuration[key]:
            raise StoreError(f'{file} 缺少 {key}。请补上，例如 {key} = "…"。')
    if Path(configuration["policy"]).name != configuration["policy"]:
        raise StoreError(f"{file}：policy 只能是办公室文件夹里的文件名，不能带路径：{configuration['policy']}。")
    settings = configuration.get("settings", {})
    age = settings.get("max_age_days", 0) if isinstance(settings, dict) else None
    if isinstance(age, bool) or not isinstance(age, int) or age < 0:
        raise StoreError(f"{file}：max_age_days 要是不小于 0 的整数（天），现在是 {age!r}。")


def check_policy(profile: Path) -> None:
    """Raise PolicyError unless a file is a policy profile as far as an office needs it; analysis.policy reads the rest."""
    try:
        content = tomllib.loads(profile.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"打不开政策文件 {profile}：{error.strerror or error}。") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"政策文件 {profile.name} 写错了：{error}。") from error
    if not content.get("id"):
        raise PolicyError(f"政策文件 {profile.name} 缺少 id。")
