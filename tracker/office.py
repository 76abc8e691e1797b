"""The office folder: layers on disk, which of them holds on which day, and the ledger that says so."""

import re
import shutil
import threading
import tomllib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from geo.errors import InputError, StoreError
from geo.raster import open_raster
from geo.read import read
from layers import intake, match, schema, store, workspace
from layers.problem import Problem
from layers.workspace import Source, Workspace
from tracker import configuration as configurations
from tracker import events, facts, parts
from tracker.events import OFFICE_ZONE, Draft
from tracker.importing import Added, counted, enter, kinds_in
from tracker.ledger import LEDGER_FILE, Ledger, open_ledger
from tracker.oidc import read_settings
from tracker.parts import LAYER_ADDED, LAYER_DROPPED, Part
from tracker.tombstones import without_forgotten

FOLDERS = ("layers", "private", "rasters", "results", "evidence")
RESTRICTED = ("private", "evidence")  # people in them: for the service account alone
RASTER_ADDED = "raster_added"
_KEPT_WORKSPACES = 2


class Office:
    """An open office. Safe to use from several threads; frames of a workspace are shared and must not be changed."""

    def __init__(self, path: Path, configuration: Mapping[str, Any], ledger: Ledger) -> None:
        self.path = path
        self.name = str(configuration["name"])
        self.policy_path = path / str(configuration["policy"])
        self.settings: Mapping[str, Any] = MappingProxyType({"max_age_days": 0, **configuration.get("settings", {})})
        self._demo_day: date | None = configuration.get("demo_day")
        self.oidc = read_settings(configuration.get("oidc"))
        self.ledger = ledger
        self._lock = threading.RLock()
        self._rasters: dict[str, Path] = {}
        self._workspaces: OrderedDict[str, Workspace] = OrderedDict()

    @property
    def today(self) -> date:
        """Return today in the office's time zone; an office of invented data lives on its own day."""
        return self._demo_day or datetime.now(OFFICE_ZONE).date()

    def close(self) -> None:
        """Close the ledger; the office cannot be used afterwards."""
        self.ledger.close()

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_layer(
        self,
        layer: str,
        file: Path | str,
        *,
        mapping: "match.Mapping | Path | str | None" = None,
        crs: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        is_partial: bool = False,
        as_of: date | None = None,
        part: str | None = None,
        by: str = "本机用户",
    ) -> Added:
        """Read, match, check and store one file as a layer, or as a part of one, and write it into the ledger.

        `as_of` is the day the file describes (default: today). A layer made of several files has parts; a file
        replaces the former file of the same part (default: the file's stem) and leaves the others. For towns,
        villages, natural villages, roads and bridges the file is the whole layer unless `part` is given. Nothing is
        overwritten: the earlier day can be opened again. When anything fails, nothing has been added.
        """
        plan = _schema(layer)
        day = as_of or datetime.now(OFFICE_ZONE).date()
        table = match.load_mapping(Path(mapping)) if isinstance(mapping, str | Path) else mapping
        dropped = read(Path(file), sheet=sheet, encoding=encoding)
        taken = intake.take(
            dropped,
            layer,
            mapping=table,
            crs=crs,
            reference=self._reference(layer),
            is_partial=is_partial,
            needs=self.need_ids() if layer == "claims" else None,
        )
        fixed_kind = str(table.constants.get("kind", "")) if table is not None else ""
        name = part if part is not None else parts.default_part(layer, Path(file), sheet=sheet, kind=fixed_kind or None)
        kinds = kinds_in(layer, taken.frame)
        before = [p for p in self.parts(day).get(layer, []) if layer in parts.WITH_KINDS]
        problems = (*taken.problems, *parts.overlaps(layer, name, kinds, before))
        digest = store.write_layer(self.path, layer, taken.frame, without_forgotten(self.ledger, layer, taken.private))
        payload = {
            "layer": layer,
            "part": name,
            "digest": digest,
            "file_name": Path(file).name,
            "file_digest": dropped.digest,
            "as_of": day.isoformat(),
            "is_partial": is_partial,
            "crs": crs or dropped.crs or "",
            "encoding": encoding or dropped.encoding or "",
            **counted(taken),
            "kinds": kinds,
        }
        event = enter(self.ledger, parts.subject(layer, name), day, by, payload, problems, plan)
        return Added(
            rows_read=int(taken.rows_read),
            stored=len(taken.frame),
            refused=len(taken.refused),
            problems=problems,
            refused_rows=taken.refused,
            digest=digest,
            notes=tuple(taken.notes),
            layer=layer,
            part=name,
            as_of=day,
            seq=event.seq,
        )

    def drop_part(self, layer: str, part: str, *, as_of: date | None = None, reason: str, by: str) -> None:
        """Let a part of a layer hold no longer from a day on; earlier days keep it."""
        day = as_of or datetime.now(OFFICE_ZONE).date()
        if part not in {p.part for p in self.parts(day).get(layer, [])}:
            raise InputError(f"{layer}：没有名为“{part}”的部分。现有：{self._part_names(layer, day)}。")
        payload = {"layer": layer, "part": part, "reason": reason}
        events.append(self.ledger, Draft(parts.subject(layer, part), LAYER_DROPPED, day, by, payload))

    def add_raster(self, name: str, file: Path | str, *, as_of: date | None = None, by: str = "本机用户") -> str:
        """Store a raster (dem, population, landcover) and return its digest; InputError unless it is a GeoTIFF of bearable size."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise InputError(f"栅格名称“{name}”不合用：请用 dem、population 或 landcover。")
        day = as_of or datetime.now(OFFICE_ZONE).date()
        with open_raster(file):  # its header is looked at before anything is stored
            digest = store.write_raster(self.path, name, Path(file))
        payload = {"name": name, "digest": digest, "file_name": Path(file).name, "as_of": day.isoformat()}
        events.append(self.ledger, Draft(f"raster:{name}", RASTER_ADDED, day, by, payload))
        return digest

    def parts(self, day: date | None = None, *, known_on: date | None = None) -> dict[str, list[Part]]:
        """Return the files that make up each layer on a day, as known on a day (None: the latest, all that is known)."""
        kinds = (LAYER_ADDED, LAYER_DROPPED)
        return parts.standing(events.latest(self.ledger, kinds, as_of=day, known_on=known_on))

    def sources(self, day: date | None = None, *, known_on: date | None = None) -> dict[str, Source]:
        """Return where each layer of a day came from; a layer not yet there is absent."""
        found = {layer: parts.combined(layer, items) for layer, items in self.parts(day, known_on=known_on).items()}
        return facts.sourced(found, facts.facts(self.ledger, as_of=day, known_on=known_on)) if found else found

    def default_day(self) -> date:
        """Return the latest day any layer describes; places found on a visit do not make a layer newer.

        Raises InputError for an office without layers.
        """
        held = [part for items in self.parts().values() for part in items]
        days = [part.as_of for part in held if not part.part.startswith(facts.SOURCE)] or [part.as_of for part in held]
        if not days:
            raise InputError(f"办公室“{self.name}”还没有图层。请先导入村界、道路等图层。")
        return max(days)

    def workspace(self, day: date | None = None, *, known_on: date | None = None) -> Workspace:
        """Return the checked layers of a day (default: the default day). The last two are kept in memory."""
        on = day or self.default_day()
        standing = self.parts(on, known_on=known_on)
        if not standing:
            raise InputError(f"{day} 之前没有任何图层。最早的图层见“数据质量”页，请换一个日期。")
        aliases, seen = self.aliases(), facts.facts(self.ledger, as_of=on, known_on=known_on)
        files = [(name, [(p.part, p.digest, p.as_of, p.is_partial) for p in items]) for name, items in standing.items()]
        key = repr((files, sorted(aliases.items()), seen))
        with self._lock:
            if key not in self._workspaces:
                self._workspaces[key] = self._gather(standing, aliases, seen)
                while len(self._workspaces) > _KEPT_WORKSPACES:
                    self._workspaces.popitem(last=False)
            self._workspaces.move_to_end(key)
            return self._workspaces[key]

    def frames(self, day: date | None = None) -> dict[str, Any]:
        """Return the layers of a day as stored: EPSG:4490, public columns only, parts put together."""
        return self._frames(self.parts(day), facts.facts(self.ledger, as_of=day))[0]

    def frame(self, layer: str, day: date | None = None) -> Any:
        """Return one layer of a day as stored, parts and facts put together; None when there is none."""
        standing = {name: items for name, items in self.parts(day).items() if name == layer}
        seen = {name: items for name, items in facts.facts(self.ledger, as_of=day).items() if name == layer}
        return self._frames(standing, seen)[0].get(layer)

    def rasters(self, day: date | None = None) -> dict[str, Path]:
        """Return the raster files that hold on a day, by name."""
        found = events.latest(self.ledger, (RASTER_ADDED,), as_of=day)
        return {str(e.payload["name"]): self._raster(str(e.payload["name"]), str(e.payload["digest"])) for e in found}

    def problems(self, day: date | None = None) -> tuple[Problem, ...]:
        """Return what was found wrong when the files of a day were imported, nothing personal in it."""
        found: list[Problem] = []
        for items in self.parts(day).values():
            for part in items:
                for event in events.history(self.ledger, f"import:{part.event_id}"):
                    found.extend(Problem(**row) for row in event.payload["problems"])
        return tuple(found)

    def _raster(self, name: str, digest: str) -> Path:
        """Return a raster file; its bytes are compared with the digest once for as long as the office is open."""
        with self._lock:
            if digest not in self._rasters:
                self._rasters[digest] = store.raster_path(self.path, name, digest)
            return self._rasters[digest]

    def _frames(
        self, standing: Mapping[str, list[Part]], seen: Mapping[str, list[facts.Fact]]
    ) -> tuple[dict[str, Any], list[Problem]]:
        frames: dict[str, Any] = {}
        problems: list[Problem] = []
        for layer, items in standing.items():
            plan = _schema(layer)
            pieces = [store.read_layer(self.path, layer, part.digest) for part in items]
            frames[layer], found = parts.joined(plan, items, pieces)
            problems.extend(found)
            if layer != facts.CLAIMS and layer in seen:
                frames[layer] = facts.overlaid(plan, frames[layer], items, pieces, seen[layer])
        if seen.get(facts.CLAIMS):
            frames[facts.CLAIMS] = facts.with_claims(frames.get(facts.CLAIMS), seen[facts.CLAIMS])
        return frames, problems

    def _gather(
        self,
        standing: Mapping[str, list[Part]],
        aliases: Mapping[str, str],
        seen: Mapping[str, list[facts.Fact]],
    ) -> Workspace:
        frames, problems = self._frames(standing, seen)
        sources = facts.sourced({layer: parts.combined(layer, items) for layer, items in standing.items()}, seen)
        gathered = workspace.gather(frames, sources, aliases=aliases)
        return replace(gathered, problems=(*problems, *gathered.problems))

    def _reference(self, layer: str) -> Any:
        """Return the office's villages, or else towns, against which a doubtful CRS is judged."""
        standing = self.parts()
        for name in ("villages", "towns"):
            if name != layer and name in standing:
                frames = [store.read_layer(self.path, name, part.digest) for part in standing[name]]
                return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        return None

    def _policy(self) -> dict[str, Any]:
        """Return the office's policy file as it is; its meaning is for analysis.policy."""
        return tomllib.loads(self.policy_path.read_text(encoding="utf-8"))

    def need_ids(self) -> dict[str, str]:
        """Return what a register may call a need -> its id."""
        needs = self._policy().get("needs", [])
        return {str(need[key]): str(need["id"]) for need in needs for key in ("label", "id") if key in need}

    def aliases(self) -> dict[str, str]:
        """Return the place names that the document misspells -> the name in use."""
        return {str(theirs): str(ours) for theirs, ours in self._policy().get("aliases", {}).items()}

    def _part_names(self, layer: str, day: date) -> str:
        return "、".join(part.part or "（整层）" for part in self.parts(day).get(layer, [])) or "无"


def create(
    path: Path | str, *, policy: Path | str, name: str, ledger: str | None = None, demo_day: date | None = None
) -> Office:
    """Make an empty office under one policy and open it.

    The policy file is copied into the office, so that an office moved to another machine still knows its rules. The
    folder must be new or empty. `ledger` is a postgresql:// URL for an office with several machines.
    """
    folder, profile = Path(path), Path(policy)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} 已存在且不是空文件夹。请换一个新的文件夹名，以免盖掉原有内容。")
    configurations.check_policy(profile)
    if not name.strip():
        raise InputError("请给办公室起一个名称，例如“某某县扶贫办”。")
    try:
        for part in FOLDERS:
            (folder / part).mkdir(parents=True)
        for part in RESTRICTED:
            (folder / part).chmod(0o700)
        shutil.copyfile(profile, folder / profile.name)
        with open_ledger(ledger or folder / LEDGER_FILE, create=True):
            pass
        configurations.write(folder, name=name, policy=profile.name, ledger=ledger, demo_day=demo_day)
    except OSError as error:
        raise StoreError(f"不能在 {folder} 建立办公室：{error.strerror or error}。请检查权限和磁盘空间。") from error
    return open_office(folder)


def open_office(path: Path | str) -> Office:
    """Open an existing office folder."""
    folder = Path(path).absolute()
    configuration = configurations.read(folder)
    where = configuration.get("ledger") or folder / LEDGER_FILE
    return Office(folder, configuration, open_ledger(where))


def _schema(layer: str) -> schema.Schema:
    known = schema.load()
    if layer not in known:
        raise InputError(f"没有名为“{layer}”的图层。可用的有：{'、'.join(known)}。")
    return known[layer]
