"""A person of one town, or without the right to see households, is sent nothing of the others (safety.md W08, W14, W15)."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
from shapely import box
from streamlit.testing.v1 import AppTest

from analysis.assess import assess
from analysis.policy import load_policy
from geo.errors import AccessError
from tests.drawn import DAY, layer, square
from tests.drawn_county import county_layers
from tests.hostile.payloads import PERSON
from tests.hostile.test_markup import SCRIPT, messages
from tests.page_context import HELD
from tests.policies_path import POLICY
from tracker import accounts, funds, houses, projects
from tracker.accounts import User
from tracker.office import create
from tracker.projects import Description
from views import desk, signin
from views.context import Context
from views.export_table import csv_file
from views.scope import scoped
from views.tilestore import Identity, store

OURS, THEIRS = "甲镇", "乙镇"
SECRETS = ("秘密村", "秘密屋", "秘密店", "SECRETHOME", "秘密工程", "秘密拨款", "SECRETHOUSE")
CLERK = User("li", "李工", "town_clerk", towns=(OURS,))
PAGES = ("overview", "coverage", "roads", "programme", "network", "housing", "projects", "ledger", "visits", "compare",
         "meeting", "quality", "users")  # fmt: skip


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Two towns; what lies in the second has names that must not reach a person of the first."""
    folder = tmp_path_factory.mktemp("towns")
    layers = county_layers()
    layers["towns"] = layer(
        [{"town_id": "t1", "name": OURS, "geometry": square(0, 0, 2000)}, {"town_id": "t2", "name": THEIRS}
         | {"geometry": box(*square(2000, 0).bounds)}]
    )  # fmt: skip
    layers["villages"]["name"] = ["甲村", "乙村", "秘密村"]
    layers["villages"]["town"] = [OURS, OURS, THEIRS]
    layers["natural_villages"]["name"] = ["屋0", "屋1", "秘密屋"]
    homes = layers["households"].drop(columns=["head_name", "town", "natural_village"])
    ids = [f"SECRETHOME{at}" if village == "v2" else f"HOME{at}" for at, village in enumerate(homes["village_id"])]
    layers["households"] = homes.assign(**PERSON, household_id=ids, housing_grade="D", category="wubao")
    office = create(folder / "office", policy=POLICY, name="示范县（虚构）")
    for name, frame in layers.items():
        if name != "claims":
            kept = frame.drop(columns=["seat_x", "seat_y"], errors="ignore")
            kept.to_crs(4490).to_file(folder / f"{name}.geojson", driver="GeoJSON")
            office.add_layer(name, folder / f"{name}.geojson", as_of=DAY, by="李工")
    for town, title, house in ((OURS, "我们的工程", "HOME0"), (THEIRS, "秘密工程", "SECRETHOUSE9")):
        projects.propose(
            office.ledger, Description(title, "transport", town, 2018, (), (), "局", None), at=DAY, by="局"
        )
        funds.post(office.ledger, "plan", source=f"{'秘密拨款' if town == THEIRS else '拨款'}", amount_cny="1.00", town=town,
                   at=DAY, year=2018, by="局")  # fmt: skip
        houses.report(office.ledger, [{"household_id": house, "town": town, "grade": "D"}], at=DAY, by="局")
    policy = load_policy(POLICY)
    workspace = office.workspace(DAY)
    yield Context(office, workspace, policy, assess(workspace, policy, DAY, rasters={}), DAY, "zh")
    office.close()
    desk.desk.cache_clear()


def everything(page: AppTest) -> bytes:
    """Every byte a page sends: texts, lists, Arrow tables, definitions of maps."""
    return b"\n".join(message.SerializeToString() for message in messages(page._tree))


def opened(context: Context, name: str, **state: object) -> bytes:
    HELD["context"] = context
    page = AppTest.from_string(SCRIPT.format(name=name), default_timeout=60)
    for key, value in state.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception, page.exception
    return everything(page)


def fetched(sent: bytes, identity: Identity) -> bytes:
    """Everything a browser may then fetch by the digests in what it was sent."""
    held = store()
    digests = {name.decode() for name in re.findall(rb"[0-9a-f]{32}", sent)}
    kept = [held.labels(digest, identity) for digest in digests if held.blobs.get(digest) is not None]
    return b"\n".join(gzip.decompress(text) for text in kept)


@pytest.mark.parametrize("name", PAGES)
def test_w14_w15_a_town_clerk_is_sent_nothing_of_another_town(county: Context, name: str) -> None:
    """W14, W15: pages, Arrow tables, hover texts, totals – also when the address names what lies elsewhere."""
    mine = scoped(replace(county, user=CLERK))
    asked = {"selected_villages": "v2", "selected_natural_villages": "n2", "selected_households": "SECRETHOME2"}
    sent = opened(mine, name, **asked, town_kept=THEIRS, policy=county.policy.title)
    sent += fetched(sent, Identity("li", signin.grants(CLERK)))
    assert [word for word in SECRETS if word.encode() in sent] == []
    assert not any(value.encode() in sent for value in PERSON.values())


def test_w14_the_whole_county_would_have_been_found(county: Context) -> None:
    """The canaries are there to be found: whoever may see all does see them."""
    sent = b"".join(opened(county, name) for name in ("coverage", "roads", "housing", "projects"))
    sent += fetched(sent, Identity("本机"))
    assert {word for word in SECRETS if word.encode() in sent} >= {"秘密村", "秘密屋", "秘密工程", "SECRETHOME"}


def test_w14_aggregates_are_of_the_own_towns_alone(county: Context) -> None:
    """W14 aggregates."""
    mine = scoped(replace(county, user=CLERK))
    assert THEIRS not in set(mine.assessment.coverage["town"])
    every = mine.assessment.coverage[["met", "gap", "disputed", "unknown"]].to_numpy().sum(axis=1)
    assert every.max() == 2, "two of the three villages"
    assert set(mine.workspace.get("households")["village_id"]) == {"v0", "v1"}
    assert len(mine.workspace.problems) == len(mine.assessment.problems) == 0


def test_w08_w14_another_towns_household_tile_is_refused_and_written_down(
    county: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W08, W14 tiles: the digest of the county's households helps a clerk nothing; the try is in the log."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from tests.test_server import Client
    from views import audit, server

    monkeypatch.setenv(desk.OFFICE_VARIABLE, str(county.office.path))
    desk.desk.cache_clear()
    audit._refused.clear()
    from views import atlas

    whole, mine = atlas.drawn(county, "households"), atlas.drawn(scoped(replace(county, user=CLERK)), "households")
    assert whole is not None
    assert mine is not None
    identity = Identity("li", signin.grants(CLERK))
    client = Client(
        Starlette(routes=server.routes(), middleware=[Middleware(server.Gate, authorise=lambda _: identity)])
    )
    for _ in range(3):
        assert client.get(f"/atlas/tiles/{whole.source}/0/0/0.mvt").status_code == 403
    assert client.get(f"/atlas/values/{whole.texts}.json").status_code == 403
    own = client.get(f"/atlas/tiles/{mine.source}/0/0/0.mvt")
    assert own.status_code == 200
    drawn = mapbox_vector_tile.decode(own.content)
    assert sum(len(part["features"]) for part in drawn.values()) >= 1
    refused = [event for event in accounts.access_log(county.office.ledger) if event.payload["action"] == "refused"]
    assert [(event.by, event.payload["what"]) for event in refused] == [
        ("li", "受限图层的地图"), ("li", "受限图层的名称和数值"),
    ], "each thing once a day"  # fmt: skip
    assert refused[0].payload["conditions"] == f"编号 {whole.source[:8]}"
    desk.desk(county.office.path.absolute()).close()
    desk.desk.cache_clear()


def test_w15_tiles_carry_no_attribute_and_texts_no_person(county: Context) -> None:
    """W15 tiles: geometry and position only; a house is named by its id, and only to whom it is registered for."""
    from views import atlas

    drawn = atlas.drawn(county, "households")
    assert drawn is not None
    tile = store().tile(drawn.source, 0, 0, 0, Identity("本机"))
    assert tile is not None
    plain = gzip.decompress(tile)
    assert not any(value.encode() in plain for value in (*PERSON.values(), "HOME"))
    leader = Identity("ling", signin.grants(User("ling", "领导", "leader")))
    for ask in (lambda: store().tile(drawn.source, 0, 0, 0, leader), lambda: store().labels(drawn.texts, leader)):
        with pytest.raises(AccessError):
            ask()


@pytest.mark.parametrize(
    "name", ["overview", "coverage", "roads", "programme", "network", "projects", "meeting", "users"]
)
def test_w15_a_leader_is_sent_no_household(county: Context, name: str) -> None:
    """W15: no id, no person, in page source, WebSocket messages and Arrow payloads of a role without households."""
    leader = replace(county, user=User("ling", "领导", "leader"))
    sent = opened(leader, name)
    assert b"HOME" not in sent
    assert not any(value.encode() in sent for value in PERSON.values())


def test_w15_no_export_of_a_table_takes_a_private_column(county: Context, tmp_path: Path) -> None:
    """W15: what the store keeps apart cannot be joined back into a download."""
    frame = county.workspace.get("households")
    assert not set(PERSON) & set(frame.columns)
    with pytest.raises(AccessError):
        csv_file(frame.drop(columns="geometry").assign(**PERSON))
    text = csv_file(frame.drop(columns="geometry")).decode("utf-8-sig")
    assert not any(value in text for value in PERSON.values())


def test_w15_nothing_personal_lies_outside_the_private_folder(county: Context) -> None:
    """W15: ledger, its log, layers, problems – every byte of the office but `private/`."""
    hits: list[Any] = []
    for path in county.office.path.rglob("*"):
        if not path.is_file() or "private" in path.parts:
            continue
        if path.suffix == ".sqlite" or "-wal" in path.name or "-shm" in path.name:
            continue  # the live ledger is opened by its own module alone; its rows are looked at below
        content = path.read_bytes()
        hits += [(path.name, value) for value in PERSON.values() if value.encode() in content]
    rows = county.office.ledger.read(lambda t: t.rows("SELECT payload FROM events"))
    hits += [("ledger", value) for value in PERSON.values() for row in rows if value in str(row[0])]
    assert hits == []
