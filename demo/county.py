"""Write a synthetic county as the files its bureaus would send."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from demo import deliveries
from demo.facilities import make_claims, make_facilities
from demo.faults import Planted, spoil_households
from demo.households import count_people, make_households
from demo.plan import Plan
from demo.register import make_register, route_codes
from demo.roads import make_roads
from demo.routes import make_links
from demo.settlements import make_settlements
from demo.sizes import AS_OF, NAME, POLICY_ID, size_of
from demo.surroundings import make_bridges, make_hazards, make_lines, make_service_areas
from demo.terrain import make_terrain

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DemoFile:
    """One file of the demo county: its layer, its path, and the keywords `Office.add_layer` needs for it."""

    layer: str
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What was written: files, rasters (name, path), the day they describe, and the faults planted on purpose.

    `contradictions` are (village_id, need) pairs of poor villages where the register says the opposite of the facility
    files; `faults` counts planted faults by kind; `counts` the features by layer.
    """

    files: tuple[DemoFile, ...]
    rasters: tuple[tuple[str, Path], ...]
    as_of: date
    name: str
    policy_id: str
    faults: Mapping[str, int] = field(default_factory=dict)
    contradictions: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def plan_county(size: str, seed: int, progress: Progress | None = None) -> Plan:
    """Invent a county without writing anything: the same size and seed give the same county."""
    say = progress or (lambda _: None)
    wanted = size_of(size)
    rng = np.random.default_rng([seed, wanted.villages])
    planted = Planted()
    say("地形")
    terrain = make_terrain(wanted, rng)
    say("村庄")
    places = make_settlements(terrain, wanted, rng)
    say("道路")
    links = make_links(terrain, places, wanted, rng)
    roads = make_roads(terrain, places, links, wanted, rng)
    codes = route_codes(places, links)
    register, road_lines = make_register(places, roads, codes, rng)
    say("农户")
    households = make_households(places, wanted, rng)
    people = count_people(places, households, wanted, rng)
    households = spoil_households(households, places, planted, rng)
    say("设施")
    facilities = make_facilities(places, rng)
    claims = make_claims(places, facilities, roads, rng)
    hazards = make_hazards(terrain, places, rng)
    planted.add("hazard_self_crossing", hazards[2])
    planted.add("road_missed_junction", roads.missed_junctions)
    planted.add("road_open_junction", roads.open_junctions)
    planted.add("road_unknown_surface", int((register["面层类型"] == "其他").sum()))
    planted.add("road_duplicate_section", int(register["重复路段线"].notna().sum()))
    planted.add("natural_village_without_road", links.roadless.size)
    return Plan(
        size=wanted,
        terrain=terrain,
        places=places,
        roads=register,
        road_lines=road_lines,
        households=households,
        people=people,
        facilities=facilities,
        claims=claims,
        bridges=make_bridges(roads, codes[0], links.route_class, rng),
        lines=make_lines(places, roads, facilities, rng),
        service_areas=make_service_areas(places, rng),
        hazards=hazards[:2],
        planted=planted,
        rng=rng,
    )


def write_county(size: str, seed: int, out_dir: str | Path, progress: Progress | None = None) -> Manifest:
    """Write the synthetic county of a size and seed into a folder, as the files its bureaus would send.

    Parameters
    ----------
    size
        "tiny", "county", "city" or "province".
    seed
        Any whole number; the same size and seed give the same bytes.
    out_dir
        Folder for the files; made when absent, files of the same names are replaced.
    progress
        Called with a short Chinese phrase as each stage begins.

    Returns
    -------
    Manifest
        Files with the options to read them, rasters, and what was planted. It is also written as `manifest.json`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write_county("tiny", 1, folder)
    >>> manifest.counts["villages"], manifest.name
    (5, '示范县（虚构）')
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan_county(size, seed, progress)
    if progress:
        progress("写文件")
    files = tuple(
        DemoFile(layer, path, {"as_of": AS_OF, **options})
        for layer, path, options in deliveries.write_all(plan, folder)
    )
    manifest = Manifest(
        files=files,
        rasters=deliveries.write_rasters(plan, folder),
        as_of=AS_OF,
        name=NAME,
        policy_id=POLICY_ID,
        faults=dict(sorted(plan.planted.count.items())),
        contradictions=plan.claims.contradictions,
        counts=deliveries.counts(plan),
    )
    (folder / "manifest.json").write_text(_as_json(manifest, size, seed), encoding="utf-8", newline="\n")
    return manifest


def _as_json(manifest: Manifest, size: str, seed: int) -> str:
    """Write the manifest as text, with file names relative to its folder."""
    content = {
        "note": "虚构数据：地名、人名、号码均为编造，不对应任何真实地方或个人",
        "name": manifest.name,
        "size": size,
        "seed": seed,
        "as_of": manifest.as_of.isoformat(),
        "policy_id": manifest.policy_id,
        "files": [
            {
                "layer": item.layer,
                "file": item.path.name,
                **{k: (v.name if isinstance(v, Path) else str(v)) for k, v in item.options.items()},
            }
            for item in manifest.files
        ],
        "rasters": {name: path.name for name, path in manifest.rasters},
        "faults": manifest.faults,
        "contradictions": [list(pair) for pair in manifest.contradictions],
        "counts": manifest.counts,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
