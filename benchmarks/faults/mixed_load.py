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
_OUR_MARGIN: Final = 1.0  # insula.db.engine.deadlines adds this to each configured time limit
_NAME_SERVER: Final = 3.0 + _OUR_MARGIN
_READINESS: Final = 3.0 + _OUR_MARGIN
_NO_WAIT: Final = 1.0  # the deadline of a route that waits for nothing
_MARGIN: Final = 2.0
"""How long a caller waits after the deadline, so that a late answer is seen."""

Headers = Mapping[str, str]


class RequestSpec(NamedTuple):
    """A request to send."""

    method: str
    path: str
    headers: Headers = MappingProxyType({})
    json: Mapping[str, object] | None = None


class Sample(NamedTuple):
    """One request: when it was sent, how long it took, and the status; 0 if there was no answer."""

    kind: str
    process: int
    sent: float
    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Member:
    """The owner of a tenant with a token for each app, and the tenant's rack, domain and API key."""

    tenant: TenantRow
    email: str
    rack: str
    domain: str
    key: Headers
    tokens: Mapping[AppName, Headers]


@dataclass(frozen=True, slots=True)
class Callers:
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
    request: Callable[[Callers, Member], RequestSpec]
    success: int = 200
    refused: tuple[int, ...] = (503,)
    other_waits: float = 0.0
    """The bound of its other waits."""

    def deadline(self, settings: Settings) -> float:
        """Return the sum of the bounds of all its waits."""
        connection = settings.database.pool_timeout + _OUR_MARGIN
        statement = settings.database.statement_timeout + _OUR_MARGIN
        return len(self.pools) * (connection + statement) + self.other_waits


def _from_new_address() -> dict[str, str]:
    return {"X-Forwarded-For": new_address()}  # logins are counted by address


def _book(_: Callers, member: Member) -> RequestSpec:
    headers = {**member.tokens["tenants"], "Idempotency-Key": str(new_id())}
    return RequestSpec("POST", f"/api/v1/racks/{member.rack}/books", headers, {"title": "A book"})


def _invitation(_: Callers, member: Member) -> RequestSpec:
    to = {"email": f"guest-{new_id().hex}@example.com", "role": "member"}
    return RequestSpec("POST", "/api/v1/invitations", member.tokens["tenants"], to)


def login(settings: Settings, email: str, app: AppName, tenant: str | None) -> RequestSpec:
    """Return the request that signs a person in."""
    body = {"email": email, "password": PASSWORD, "resource": audience(settings, load().app(app).mount)}
    return RequestSpec(
        "POST", "/auth/login", _from_new_address(), body | ({} if tenant is None else {"tenant": tenant})
    )


KINDS: Final = (
    Kind("health", 2, (), lambda *_: RequestSpec("GET", "/healthz"), other_waits=_NO_WAIT),
    Kind("readiness", 1, (), lambda *_: RequestSpec("GET", "/readyz"), other_waits=_READINESS),
    Kind("read", 6, ["gate", "tenants"], lambda _, member: RequestSpec("GET", "/api/v1/racks", member.key)),
    Kind("write", 3, ["gate", "tenants"], _book, 201),
    Kind("invite", 1, ["gate", "tenants"], _invitation, 201),
    Kind(
        "key", 2, ["gate", "tenants"], lambda callers, _: RequestSpec("GET", "/api/v1/racks", next(callers.fresh_keys))
    ),
    Kind(
        "login",
        1,
        ["identity", "gate"],
        lambda callers, member: login(callers.settings, member.email, "tenants", member.tenant.slug),
    ),
    Kind(
        "logout",
        2,
        ["identity"],
        lambda *_: RequestSpec(
            "POST", "/auth/logout", _from_new_address(), {"refresh_token": f"unknown-{new_id().hex}"}
        ),
        204,
    ),
    Kind("staff", 2, ["gate", "admin"], lambda callers, _: RequestSpec("GET", "/admin/v1/tenants", callers.staff)),
    Kind(
        "billing",
        2,
        ["gate", "billing"],
        lambda _, member: RequestSpec("GET", "/billing/v1/entitlements", member.tokens["billing"]),
    ),
    Kind(
        "domain",
        1,
        ["gate", "tenants", "tenants"],  # before the DNS look-up, and after it
        lambda _, member: RequestSpec("POST", f"/api/v1/domains/{member.domain}/verify", member.tokens["tenants"]),
        refused=(409, 503),
        other_waits=_NAME_SERVER,
    ),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}


async def create_callers(settings: Settings, client: httpx.AsyncClient, names: NameServer, fresh_keys: int) -> Callers:
    """Make the callers and ``fresh_keys`` unused API keys, bypassing the proxies; sign in through ``client``."""
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
    return Callers(members, await token(superuser.email, "admin"), fresh, settings)


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


async def _sent(client: httpx.AsyncClient, spec: RequestSpec) -> httpx.Response:
    return await client.request(spec.method, spec.path, headers=dict(spec.headers), json=spec.json)


class MixedLoad:
    """Sends requests to the processes in turn, each when it is due, without waiting for earlier ones.

    ``times`` multiplies the rate of each kind.
    """

    def __init__(
        self, clients: Sequence[httpx.AsyncClient], callers: Callers, settings: Settings, times: float = 1.0
    ) -> None:
        self._clients, self._callers, self._times = clients, callers, times
        self._deadlines = {kind.name: kind.deadline(settings) for kind in KINDS}
        self._turn = count()
        self.samples: list[Sample] = []

    @staticmethod
    def now() -> float:
        """Return the time, by the clock of ``Sample.sent``."""
        return asyncio.get_running_loop().time()

    def is_late(self, sample: Sample) -> bool:
        """Return whether a request was answered after its deadline, or not at all."""
        return sample.status == NO_ANSWER or sample.seconds > self._deadlines[sample.kind]

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send requests of all kinds during the block, and wait for their answers at the end."""
        ended = asyncio.Event()
        senders = [asyncio.create_task(self._send(kind, ended)) for kind in KINDS]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*senders)

    async def succeeds(self, name: str, process: int, seconds: float) -> bool:
        """Send one request to one process with this time limit, and return whether it succeeded. It is not recorded."""
        sample = await self._sample(BY_NAME[name], process, seconds)
        return sample.status == BY_NAME[name].success

    async def answer(self, process: int, spec: RequestSpec) -> httpx.Response:
        """Send another request to one process, and return the response."""
        return await _sent(self._clients[process], spec)

    async def _send(self, kind: Kind, ended: asyncio.Event) -> None:
        due = self.now()
        async with asyncio.TaskGroup() as group:
            for number in count():
                if ended.is_set():
                    return
                group.create_task(self._record(kind, number % len(self._clients)))
                due += 1 / (kind.per_second * self._times)
                await asyncio.sleep(max(0.0, due - self.now()))

    async def _record(self, kind: Kind, process: int) -> None:
        self.samples.append(await self._sample(kind, process, self._deadlines[kind.name] + _MARGIN))

    async def _sample(self, kind: Kind, process: int, seconds: float) -> Sample:
        member = self._callers.members[next(self._turn) % len(self._callers.members)]
        begun = self.now()
        try:
            async with asyncio.timeout(seconds):
                status = (await _sent(self._clients[process], kind.request(self._callers, member))).status_code
        except (httpx.TransportError, TimeoutError):
            status = NO_ANSWER
        return Sample(kind.name, process, begun, self.now() - begun, status)
