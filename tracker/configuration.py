"""The file office.toml: name, policy, settings, and where the ledger is. A person may edit it in Notepad."""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date
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
# 县里有统一身份认证（OpenID Connect）的，写在 [oidc] 一节，写法见 docs/tracker.md；密钥不要写在这里。

[settings]
# 图层的日期比评估日早多少天以内，仍可用来断定“没有”。0 = 严格按约定：早一天也只算“不清楚”。
# 例：各部门一年报一次，可改为 365。改动会影响缺口数，请在汇报中说明。
max_age_days = 0
# 公开版里少于几户、几人的数不写出来（显示为“少于 5”），不小于 2；政策文件自己写了的，以政策文件为准。
publication_min_count = 5
"""
KEYS = ("name", "policy", "ledger", "demo_day", "settings", "oidc")
INVENTED = "虚构"  # in the name of an office: nothing in it is true
# Each setting with its default, the least it may be, and what it counts.
SETTINGS: Mapping[str, tuple[int, int, str]] = {
    "max_age_days": (0, 0, "天"),
    "publication_min_count": (5, 2, "个"),
}


def write(folder: Path, *, name: str, policy: str, ledger: str | None, demo_day: date | None = None) -> None:
    """Write the office.toml of a new office; `demo_day` is what an office of invented data takes for today."""
    line = f"ledger = {json.dumps(ledger, ensure_ascii=False)}\n" if ledger else ""
    text = _TOML.format(
        name=json.dumps(name, ensure_ascii=False), policy=json.dumps(policy, ensure_ascii=False), ledger=line
    )
    if demo_day is not None:
        text = text.replace(
            "\n[settings]",
            f"\n# 虚构示范把这一天当作“今天”；真实的办公室不能写这一行。\ndemo_day = {demo_day}\n\n[settings]",
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
    day = configuration.get("demo_day")
    if day is not None and (type(day) is not date or INVENTED not in configuration["name"]):
        raise StoreError(f"{file}：demo_day 只能是一个日期，而且只用于名称里有“{INVENTED}”的示范；请删去这一行。")
    settings = configuration.get("settings", {})
    if not isinstance(settings, dict):
        raise StoreError(f"{file}：[settings] 要是一节，写法见 docs/tracker.md。")
    for where, found, known in (("", configuration, KEYS), ("[settings] ", settings, tuple(SETTINGS))):
        strange = sorted(set(found) - set(known))
        if strange:
            raise StoreError(
                f"{file}：{where}不认识 {'、'.join(strange)}，是不是写错了？可用的有：{'、'.join(known)}。"
            )
    for name, (default, least, unit) in SETTINGS.items():
        value = settings.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise StoreError(f"{file}：{name} 要是不小于 {least} 的整数（{unit}），现在是 {value!r}。")


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
