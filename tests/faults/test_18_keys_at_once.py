"""Fault 18: requests of many tenants, 32 at once, each sent several times: one effect for each key, exact counters.

A real server answers them. Bulk creates, deletes and refused requests run among them.
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from tests.probe.racks.models import Rack
from tests.support.app import serving
from tests.support.backends import Readback
from tests.support.exact import chain_events, wrong_counters
from tests.support.factories import Factories, MadeKey, TenantRow

CONNECTIONS: Final = 32
BULK: Final = 10
PLACES, ASKED = 20, 150
ACTIONS: Final = ("rack:create", "rack:read", "rack:delete", "book:create", "book:read", "book:delete")
LIMITS: Final = {"requests_per_minute": 1_000_000, "racks": 10_000, "books": 10_000}
IN_FLIGHT: Final = "idempotency_key_in_flight"
COUNT: Final = """
SELECT (SELECT count(*) FROM rack WHERE tenant_id = tenant.id) AS racks,
       (SELECT count(*) FROM book WHERE tenant_id = tenant.id) AS books,
       (SELECT count(*) FROM idempotency_record WHERE tenant_id = tenant.id) AS keys
FROM tenant WHERE id = ANY(:ids)
"""


@dataclass(frozen=True)
class Ask:
    """A request; those with the same key are the same request."""

    method: str
    path: str
    body: str = ""
    key: str | None = None

    def otherwise(self) -> "Ask":
        """Return another valid request with the same key."""
        return Ask(self.method, self.path, self.body + " ", self.key)


def post(path: str, key: str | None = None, **body: object) -> Ask:
    """Return a request that creates something."""
    return Ask("POST", path, json.dumps(body), key)


@dataclass
class Home:
    """A tenant, its API key, and the rows that its requests change."""

    tenant: TenantRow
    api_key: MadeKey
    client: httpx.AsyncClient
    answers: dict[Ask, list[httpx.Response]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, ask: Ask) -> httpx.Response:
        headers = self.api_key.headers | ({"Idempotency-Key": ask.key} if ask.key else {})
        if ask.body:
            headers["Content-Type"] = "application/json"
        answer = await self.client.request(ask.method, f"/api/v1{ask.path}", content=ask.body, headers=headers)
        self.answers[ask].append(answer)
        return answer

    async def made(self, path: str, **body: object) -> str:
        """Create a row, and return its path."""
        answer = await self.send(post(path, None, **body))
        assert answer.status_code == 201, answer.text
        return f"{path}/{answer.json()['id']}"


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=1.0)
    async with httpx.AsyncClient(base_url=address, timeout=httpx.Timeout(30, pool=None), limits=limits) as client:
        yield client


async def home_of(make: Factories, client: httpx.AsyncClient, **limits: int) -> Home:
    tenant = await make.tenant(entitlements={**LIMITS, **limits})
    return Home(tenant, await make.api_key(tenant, *ACTIONS), client)


async def at_once(asks: Sequence[tuple[Home, Ask]], seed: int) -> None:
    """Send all in a random order, as many at once as there are connections."""
    mixed = list(asks)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - repeatable, not secret
    waiting = iter(mixed)

    async def send_each() -> None:
        for home, ask in waiting:
            await home.send(ask)

    await asyncio.gather(*(send_each() for _ in range(CONNECTIONS)))


def code_of(answer: httpx.Response) -> str:
    return "" if answer.is_success else str(answer.json()["code"])


def kept(answer: httpx.Response) -> tuple[int, bytes, Mapping[str, str]]:
    """Return what a replay repeats."""
    names = ("content-type", "location", "etag")
    return answer.status_code, answer.content, {name: answer.headers.get(name, "") for name in names}


async def writes_of(home: Home, make: Factories, number: int) -> tuple[list[Ask], list[Ask], list[Ask]]:
    """Return requests with keys that succeed, requests without keys that succeed once, and those that are refused."""
    tenant_id = home.tenant.id
    shelf, *gone = [Rack(tenant_id=tenant_id, name=name) for name in ("Shelf", *(f"Gone {n}" for n in range(number)))]
    await make.insert(shelf, *gone)
    books = f"/racks/{shelf.id}/books"
    keyed = [post("/racks", f"rack-{n}", name=f"New {n}") for n in range(number)]
    keyed += [post(books, f"book-{n}", title="Same") for n in range(1, number)]
    keyed.append(post(f"{books}/bulk", "bulk", items=[{"title": "Many"}] * BULK))
    once = [Ask("DELETE", f"/racks/{rack.id}") for rack in gone]
    refused = [
        post("/racks", "taken", name="Shelf"),
        post("/racks", name="Shelf"),
        post(f"/racks/{new_id()}/books", "nowhere", title="Nowhere"),
        post(books, "invalid", title="x" * 10_000),
    ]
    return keyed, once, refused[:number]


@pytest.mark.parametrize(("tenants", "number", "copies"), [(2, 16, 3), (100, 1, 2)])
async def test_each_key_has_one_effect_and_one_answer_and_counters_and_chains_stay_exact(
    client: httpx.AsyncClient,
    make: Factories,
    settings: Settings,
    readback: Readback,
    tenants: int,
    number: int,
    copies: int,
) -> None:
    homes = [await home_of(make, client) for _ in range(tenants)]
    writes = [(home, await writes_of(home, make, number)) for home in homes]
    sent = [(home, ask) for home, asks in writes for kind in asks for ask in kind]
    await at_once(sent * copies, tenants)
    keyed = [(home, ask) for home, asks in writes for ask in asks[0]]
    await at_once(keyed, tenants)
    reused = [(home, ask.otherwise()) for home, ask in keyed]
    await at_once(reused, tenants)

    for home, ask in keyed:
        one_effect(home.answers[ask])
    assert {code_of(answer) for home, ask in reused for answer in home.answers[ask]} == {"idempotency_key_reused"}
    codes = ["rack_name_taken", "rack_name_taken", "not_found", "invalid_request"]
    for home, (_, once, refused) in writes:
        for ask in once:
            assert Counter(answer.status_code for answer in home.answers[ask]) == {204: 1, 404: copies - 1}
        for ask, code in zip(refused, codes, strict=False):
            assert {code_of(answer) for answer in home.answers[ask]} - {IN_FLIGHT} == {code}

    ids = [home.tenant.id for home in homes]
    rows = {"racks": 1 + number, "books": number - 1 + BULK, "keys": 2 * number}
    assert await readback(COUNT, ids=ids) == [rows] * tenants
    assert await wrong_counters(readback, ids) == []
    assert await chain_events(settings, ids) == dict.fromkeys(ids, 3 * number)


def one_effect(answers: Sequence[httpx.Response]) -> None:
    """Check that one answer is the effect's, and the others repeat it, or were given while it was in flight."""
    settled = [answer for answer in answers if code_of(answer) != IN_FLIGHT]
    assert {answer.status_code for answer in settled} == {201}, [answer.text for answer in settled]
    assert sum("idempotency-replayed" not in answer.headers for answer in settled) == 1
    assert [kept(answer) for answer in settled] == [kept(settled[0])] * len(settled)


@pytest.mark.parametrize("copies", [0, 1, 2], ids=["without a key", "with a key", "with a key, twice"])
async def test_of_150_requests_at_once_20_get_the_20_places_left(
    client: httpx.AsyncClient, make: Factories, settings: Settings, readback: Readback, copies: int
) -> None:
    home = await home_of(make, client, racks=PLACES + 5)
    for n in range(5):
        await home.made("/racks", name=f"Before {n}")
    gone = await home.made("/racks", name="Gone")
    assert (await home.send(Ask("DELETE", gone))).status_code == 204
    asks = [post("/racks", f"key-{n}" if copies else None, name=f"New {n}") for n in range(ASKED)]
    await at_once([(home, ask) for ask in asks] * max(copies, 1), copies)

    made = [ask for ask in asks if any(answer.status_code == 201 for answer in home.answers[ask])]
    assert len(made) == PLACES
    for ask in made:
        one_effect(home.answers[ask])
    refused = {code_of(answer) for ask in asks if ask not in made for answer in home.answers[ask]}
    assert refused - {IN_FLIGHT} == {"quota_exceeded"}
    [row] = await readback(COUNT, ids=[home.tenant.id])
    assert row["racks"] == PLACES + 5
    assert await wrong_counters(readback, [home.tenant.id]) == []
    assert await chain_events(settings, [home.tenant.id]) == {home.tenant.id: 7 + PLACES}


async def test_places_freed_by_deletes_and_taken_by_bulk_creates_are_counted_exactly(
    client: httpx.AsyncClient, make: Factories, settings: Settings, readback: Readback
) -> None:
    home = await home_of(make, client, books=60)
    shelf = await home.made("/racks", name="Shelf")
    old = [await home.made(f"{shelf}/books", title=f"Old {n}") for n in range(20)]
    bulks = [post(f"{shelf}/books/bulk", f"bulk-{n}", items=[{"title": "x"}] * 7) for n in range(20)]
    deletes = [Ask("DELETE", path) for path in old]
    await at_once([(home, ask) for ask in (*bulks, *bulks, *deletes)], 60)
    assert {answer.status_code for ask in deletes for answer in home.answers[ask]} == {204}

    for ask in bulks:  # again, one after the other, until no bulk fits
        await home.send(ask)
    made = [ask for ask in bulks if home.answers[ask][-1].status_code == 201]
    for ask in made:
        one_effect([answer for answer in home.answers[ask] if code_of(answer) != "quota_exceeded"])
    assert {code_of(home.answers[ask][-1]) for ask in bulks if ask not in made} == {"quota_exceeded"}
    assert len(made) == 60 // 7
    assert await wrong_counters(readback, [home.tenant.id]) == []
    assert await chain_events(settings, [home.tenant.id]) == {home.tenant.id: 1 + 20 + 20 + len(made)}
