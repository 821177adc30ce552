"""Requests of mixed kinds at a fixed rate: their contents, the pools that they wait for, and their deadlines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from types import MappingProxyType
from typing import Final, NamedTuple

import httpx
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.faults.traffic import NO_ANSWER
from insula.apps import load
from insula.core.ids import new_id
from insula.core.settings import Settings, audience
from insula.db.models import ApiKey
from insula.identity.credentials.api_keys import digest_of, new_key
from insula.tenancy import CHALLENGE
from tests.support.app import PASSWORD, AppName
from tests.support.dns import NameServer
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import new_address

TENANTS: Final = 10
_PLENTY: Final = 1_000_000
_ENTITLEMENTS: Final = dict.fromkeys(
    ("requests_per_minute", "writes_per_minute", "invitations_per_day", "racks", "books", "seats", "domains"), _PLENTY
)
_OUR_DEADLINE: Final = 1.0  # our side adds this to each configured time limit
_NAME_SERVER: Final = 3.0 + _OUR_DEADLINE
_READINESS: Final = 3.0 + _OUR_DEADLINE
_NOTHING: Final = 1.0
_MARGIN: Final = 2.0
"""How long a caller waits after the deadline, so that a late answer is seen."""

Headers = Mapping[str, str]


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Headers = MappingProxyType({})
    json: Mapping[str, object] | None = None


class Visit(NamedTuple):
    """The outcome of one request: when it was sent, how long it took, and the status, 0 without an answer."""

    kind: str
    process: int
    sent: float
    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Member:
    """An owner, the tenant's own rack, domain and API key, and a token for each app."""

    tenant: TenantRow
    email: str
    rack: str
    domain: str
    key: Headers
    tokens: Mapping[AppName, Headers]


@dataclass(frozen=True, slots=True)
class People:
    """All callers."""

    members: Sequence[Member]
    staff: Headers
    fresh_keys: Iterator[Headers]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request, and the pools in which its route waits for a connection and a statement.

    The gate's pool is one of them for every route with a caller, because cache entries live half a second once the
    listener is lost.
    """

    name: str
    per_second: float
    pools: Sequence[str]
    ask: Callable[[People, Member], Asked]
    success: int = 200
    refused: tuple[int, ...] = (503,)
    besides: float = 0.0
    """The bound of its other waits."""

    def deadline(self, settings: Settings) -> float:
        """Return the sum of the bounds of all its waits."""
        connection = settings.database.pool_timeout + _OUR_DEADLINE
        statement = settings.database.statement_timeout + _OUR_DEADLINE
        return len(self.pools) * (connection + statement) + self.besides


def _elsewhere() -> dict[str, str]:
    return {"X-Forwarded-For": new_address()}  # logins are counted by address


def _book(_: People, member: Member) -> Asked:
    headers = {**member.tokens["tenants"], "Idempotency-Key": str(new_id())}
    return Asked("POST", f"/api/v1/racks/{member.rack}/books", headers, {"title": "A book"})


def _invitation(_: People, member: Member) -> Asked:
    to = {"email": f"guest-{new_id().hex}@example.com", "role": "member"}
    return Asked("POST", "/api/v1/invitations", member.tokens["tenants"], to)


def login(settings: Settings, email: str, app: AppName, tenant: str | None) -> Asked:
    """Return the request that signs a person in."""
    body = {"email": email, "password": PASSWORD, "resource": audience(settings, load().app(app).mount)}
    return Asked("POST", "/auth/login", _elsewhere(), body | ({} if tenant is None else {"tenant": tenant}))


KINDS: Final = (
    Kind("health", 2, (), lambda *_: Asked("GET", "/healthz"), besides=_NOTHING),
    Kind("readiness", 1, (), lambda *_: Asked("GET", "/readyz"), besides=_READINESS),
    Kind("read", 6, ["gate", "tenants"], lambda _, who: Asked("GET", "/api/v1/racks", who.key)),
    Kind("write", 3, ["gate", "tenants"], _book, 201),
    Kind("invite", 1, ["gate", "tenants"], _invitation, 201),
    Kind("key", 2, ["gate", "tenants"], lambda all_, _: Asked("GET", "/api/v1/racks", next(all_.fresh_keys))),
    Kind(
        "login", 1, ["identity", "gate"], lambda all_, who: login(all_.settings, who.email, "tenants", who.tenant.slug)
    ),
    Kind(
        "logout",
        2,
        ["identity"],
        lambda *_: Asked("POST", "/auth/logout", _elsewhere(), {"refresh_token": f"unknown-{new_id().hex}"}),
        204,
    ),
    Kind("staff", 2, ["gate", "admin"], lambda all_, _: Asked("GET", "/admin/v1/tenants", all_.staff)),
    Kind(
        "billing",
        2,
        ["gate", "billing"],
        lambda _, who: Asked("GET", "/billing/v1/entitlements", who.tokens["billing"]),
    ),
    Kind(
        "domain",
        1,
        ["gate", "tenants", "tenants"],  # before the name server is asked, and after
        lambda _, who: Asked("POST", f"/api/v1/domains/{who.domain}/verify", who.tokens["tenants"]),
        refused=(409, 503),
        besides=_NAME_SERVER,
    ),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}


async def gathered(settings: Settings, client: httpx.AsyncClient, names: NameServer, fresh_keys: int) -> People:
    """Make the people without a proxy, and sign them in through ``client``; ``fresh_keys`` are unused API keys."""
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    make = Factories(create_async_engine(url, poolclass=NullPool))

    async def token(email: str, app: AppName, tenant: str | None = None) -> Headers:
        answer = await _sent(client, login(settings, email, app, tenant))
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    members = []
    for number in range(TENANTS):
        tenant = await make.tenant(entitlements=_ENTITLEMENTS)
        owner = await make.user(PASSWORD)
        await make.membership(tenant, "owner", owner)
        domain = await make.domain(tenant, f"shop-{number}.example.com", verified=False)
        names.publish(f"{CHALLENGE}.{domain.host}", domain.token)
        key = (await make.api_key(tenant, "rack:read")).headers
        tokens: dict[AppName, Headers] = {
            app: await token(owner.email, app, tenant.slug) for app in ("tenants", "billing")
        }
        rack = await client.post("/api/v1/racks", json={"name": "A rack"}, headers=dict(tokens["tenants"]))
        made = rack.raise_for_status().json()["id"]
        members.append(Member(tenant, owner.email, made, str(domain.id), key, tokens))
    superuser = await make.staff(user=await make.user(PASSWORD))
    fresh = await _keys(make, [member.tenant for member in members], fresh_keys)
    return People(members, await token(superuser.email, "admin"), fresh, settings)


async def _keys(make: Factories, tenants: Sequence[TenantRow], number: int) -> Iterator[Headers]:
    rows, headers = [], []
    for _, tenant in zip(range(number), cycle(tenants), strict=False):
        key_id = new_id()
        key = new_key(tenant.id, key_id)
        rows.append(
            ApiKey(tenant_id=tenant.id, id=key_id, name="Fresh", actions=["rack:read"], secret_hash=digest_of(key))
        )
        headers.append({"X-API-Key": key})
    await make.insert(*rows)
    return cycle(headers)


async def _sent(client: httpx.AsyncClient, asked: Asked) -> httpx.Response:
    return await client.request(asked.method, asked.path, headers=dict(asked.headers), json=asked.json)


class Crowd:
    """Sends requests to the processes in turn, each when it is due, without waiting for earlier ones.

    ``times`` multiplies the rate of each kind.
    """

    def __init__(
        self, clients: Sequence[httpx.AsyncClient], people: People, settings: Settings, times: float = 1.0
    ) -> None:
        self._clients, self._people, self._times = clients, people, times
        self._deadlines = {kind.name: kind.deadline(settings) for kind in KINDS}
        self._turn = count()
        self.visits: list[Visit] = []

    @staticmethod
    def now() -> float:
        """Return the time, by the clock of ``Visit.sent``."""
        return asyncio.get_running_loop().time()

    def is_late(self, visit: Visit) -> bool:
        """Tell whether a request was answered past its deadline, or not at all."""
        return visit.status == NO_ANSWER or visit.seconds > self._deadlines[visit.kind]

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Send requests of all kinds during the block, and wait for their answers at the end."""
        ended = asyncio.Event()
        senders = [asyncio.create_task(self._send(kind, ended)) for kind in KINDS]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*senders)

    async def succeeds(self, name: str, process: int, seconds: float) -> bool:
        """Send one process one request with this time limit, and tell whether it succeeded. It is no visit."""
        visit = await self._visit(BY_NAME[name], process, seconds)
        return visit.status == BY_NAME[name].success

    async def answer(self, process: int, asked: Asked) -> httpx.Response:
        """Send one process another request."""
        return await _sent(self._clients[process], asked)

    async def _send(self, kind: Kind, ended: asyncio.Event) -> None:
        due = self.now()
        async with asyncio.TaskGroup() as group:
            for number in count():
                if ended.is_set():
                    return
                group.create_task(self._keep(kind, number % len(self._clients)))
                due += 1 / (kind.per_second * self._times)
                await asyncio.sleep(max(0.0, due - self.now()))

    async def _keep(self, kind: Kind, process: int) -> None:
        self.visits.append(await self._visit(kind, process, self._deadlines[kind.name] + _MARGIN))

    async def _visit(self, kind: Kind, process: int, seconds: float) -> Visit:
        member = self._people.members[next(self._turn) % len(self._people.members)]
        begun = self.now()
        try:
            async with asyncio.timeout(seconds):
                status = (await _sent(self._clients[process], kind.ask(self._people, member))).status_code
        except (httpx.TransportError, TimeoutError):
            status = NO_ANSWER
        return Visit(kind.name, process, begun, self.now() - begun, status)
