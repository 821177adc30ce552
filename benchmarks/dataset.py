"""The data of a run: 200 tenants of five people each, 20,000 items, and a token for each person; one hot tenant."""

import asyncio
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import jwt  # noqa: TID251  # the library of the contestant `template`

from insula.core import clock
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings, audience
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, IDENTITY
from insula.identity import KeyRing, TokenIssuer

TENANTS: Final = 200
LIMITED: Final = 20
"""Further tenants, whose plan grants one request a minute."""
ROLES: Final = ("owner", "admin", "member", "member", "viewer")
PROJECTS: Final = 2
ITEMS: Final = 50
"""Items of each project: two pages and a half."""
_PRO: Final[Mapping[str, int]] = {"requests_per_minute": 6_000, "projects": 100, "items": 100_000, "seats": 50}
_ONE_A_MINUTE: Final[Mapping[str, int]] = {**_PRO, "requests_per_minute": 1}
_UNBOUNDED: Final[Mapping[str, int]] = {**_PRO, "requests_per_minute": 10_000_000, "items": 10_000_000}
_BODY: Final = "Two paragraphs and a picture."
_TOKEN_SECONDS: Final = 3_600  # longer than a run, so that tokens stay valid
_AT_ONCE: Final = 8

Table = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Person:
    """A member and their access token."""

    user_id: UUID
    tenant_id: UUID
    role: str
    token: str
    template_token: str
    """The same claims, signed as in templates: HS256 with one secret."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item and its place."""

    tenant_id: UUID
    project_id: UUID
    item_id: UUID


@dataclass(frozen=True, slots=True)
class Dataset:
    """All people and items, in one random order."""

    people: Sequence[Person]
    items: Sequence[Item]
    limited: Sequence[Person]
    hot: Sequence[Person]
    """The people of the hot tenant, which no limit or quota stops."""
    hot_item: Item
    jwt_secret: str

    def with_template_tokens(self) -> "Dataset":
        """Return the same dataset with tokens for the contestant ``template``."""
        people = [replace(person, token=person.template_token) for person in self.people]
        return replace(self, people=people)


@dataclass(frozen=True, slots=True)
class _Member:
    user_id: UUID
    session_id: UUID
    tenant_id: UUID
    role: str


_COLUMNS: Final[Mapping[str, str]] = {
    "tenant": "id slug name status plan created_at updated_at version",
    "entitlement": "tenant_id key value updated_at",
    "user": "id email name status email_verified_at created_at updated_at version",
    "auth_session": "id user_id created_at last_used_at expires_at",
    "membership": "tenant_id id user_id role email name created_at updated_at version",
    "project": "tenant_id id name description status created_at updated_at version",
    "project_item": "tenant_id id project_id title body status position created_at updated_at version",
}


async def populate(settings: Settings) -> Dataset:
    """Make the rows and the tokens. The database is migrated and empty."""
    tables: Table = {name: [] for name in _COLUMNS}
    members: list[_Member] = []
    places: list[tuple[UUID, UUID, int]] = []
    for number in range(TENANTS + LIMITED):
        tenant_id = _tenant(tables, number, _PRO if number < TENANTS else _ONE_A_MINUTE)
        members += [_member(tables, tenant_id, role) for role in ROLES]
        if number < TENANTS:
            for project in range(PROJECTS):
                project_id = _project(tables, tenant_id, project)
                places += [(tenant_id, project_id, position) for position in range(ITEMS)]
    order = random.Random(20261123)  # noqa: S311  # the same order in each run
    order.shuffle(places)  # tenants work at the same time, so their rows are interleaved
    items = [_item(tables, *place) for place in places]
    hot_id = _tenant(tables, TENANTS + LIMITED, _UNBOUNDED)
    members += [_member(tables, hot_id, role) for role in ROLES]
    hot_item = _item(tables, hot_id, _project(tables, hot_id, 0), 0)
    await _insert(settings.database_url, tables)
    secret = secrets.token_urlsafe(32)
    people = await _sign_in(settings, members, secret)
    order.shuffle(items)
    full, hot = len(ROLES) * TENANTS, -len(ROLES)
    return Dataset(people[:full], items, people[full:hot], people[hot:], hot_item, secret)


def _tenant(tables: Table, number: int, granted: Mapping[str, int]) -> UUID:
    now, tenant_id = clock.now(), new_id()
    tables["tenant"].append((tenant_id, f"tenant-{number}", f"Tenant {number}", "active", "pro", now, now, 1))
    tables["entitlement"] += [(tenant_id, key, value, now) for key, value in granted.items()]
    return tenant_id


def _member(tables: Table, tenant_id: UUID, role: str) -> _Member:
    now, member = clock.now(), _Member(new_id(), new_id(), tenant_id, role)
    email, name = f"{member.user_id.hex}@bench.example", f"User {member.user_id.hex[-6:]}"
    tables["user"].append((member.user_id, email, name, "active", now, now, now, 1))
    tables["auth_session"].append((member.session_id, member.user_id, now, now, now + timedelta(days=1)))
    tables["membership"].append((tenant_id, new_id(), member.user_id, role, email, name, now, now, 1))
    return member


def _project(tables: Table, tenant_id: UUID, number: int) -> UUID:
    now, project_id = clock.now(), new_id()
    tables["project"].append((tenant_id, project_id, f"Project {number}", "", "active", now, now, 1))
    return project_id


def _item(tables: Table, tenant_id: UUID, project_id: UUID, position: int) -> Item:
    now, item = clock.now(), Item(tenant_id, project_id, new_id())
    tables["project_item"].append(
        (tenant_id, item.item_id, project_id, f"Item {position}", _BODY, "open", position, now, now, 1)
    )
    return item


async def _insert(url: str, tables: Table) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name, rows in tables.items():
            await connection.copy_records_to_table(name, records=rows, columns=_COLUMNS[name].split())
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _sign_in(settings: Settings, members: Sequence[_Member], secret: str) -> list[Person]:
    lasting = settings.auth.model_copy(update={"access_token_seconds": _TOKEN_SECONDS})
    settings = settings.model_copy(update={"auth": lasting})
    database = await Database.open(settings, [IDENTITY, GATE])
    issuer = TokenIssuer(settings, KeyRing(settings, database))
    api, turns = audience(settings, "/api"), asyncio.Semaphore(_AT_ONCE)

    async def sign(member: _Member) -> Person:
        async with turns:
            token = await issuer.issue(
                user_id=UserId(member.user_id),
                session_id=member.session_id,
                audience=api,
                tenant_id=TenantId(member.tenant_id),
            )
        return Person(member.user_id, member.tenant_id, member.role, token, _template_token(member, secret))

    try:
        return list(await asyncio.gather(*(sign(member) for member in members)))
    finally:
        await database.close()


def _template_token(member: _Member, secret: str) -> str:
    claims = {"sub": str(member.user_id), "tenant": str(member.tenant_id), "exp": clock.now() + timedelta(hours=1)}
    return jwt.encode(claims, secret, algorithm="HS256")
