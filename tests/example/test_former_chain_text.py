"""The upgrade from the previous release normalizes email addresses and names that differ only in spelling."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from insula.audit import PLATFORM
from insula.core import clock
from insula.core.settings import Settings
from insula.core.text.collation import sort_key
from insula.db.migrate.run import migrate
from tests.example.test_former_chain import DECLARED, EARLIER
from tests.support.databases import administer, empty_database

NFD, NFC = "Cafe\u0301", "Caf\u00e9"


@pytest.fixture
async def earlier(settings: Settings) -> AsyncIterator["Database"]:
    """Restore the database of the previous release, and connect to it as the superuser."""
    async with empty_database(settings) as own:
        await administer(own, EARLIER)
        connection = await asyncpg.connect(own.database_url)
        yield Database(own, connection)
        await connection.close()


class Database:
    """Adds rows like the previous version, and reads them after the upgrade. Ids are numbers, in their order."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings = settings
        self._connection = connection
        self._made = 0

    async def tenant(self, slug: str) -> UUID:
        found = await self._connection.fetchval("SELECT id FROM tenant WHERE slug = $1", slug)
        assert isinstance(found, UUID)
        return found

    async def user(self, email: str) -> UUID:
        return await self._add('"user"', email=email, name="Somebody", status="active")

    async def member(self, tenant_id: UUID, user_id: UUID, email: str) -> None:
        await self._add("membership", tenant_id=tenant_id, user_id=user_id, role="member", email=email, name="Somebody")

    async def invitation(self, tenant_id: UUID, email: str, *, revoked: bool = False) -> UUID:
        inviter = await self._connection.fetchval("SELECT user_id FROM membership WHERE tenant_id = $1", tenant_id)
        return await self._add(
            "invitation", tenant_id=tenant_id, email=email, role="member", invited_by=inviter, sent_count=1,
            token_hash=str(self._made).encode(), revoked_at=clock.now() if revoked else None,
        )  # fmt: skip

    async def project(self, tenant_id: UUID, name: str) -> UUID:
        return await self._add("project", tenant_id=tenant_id, name=name, description="", status="active")

    async def texts(self, statement: str, *arguments: object) -> list[str]:
        return [row[0] for row in await self._connection.fetch(statement, *arguments)]

    async def events(self, chain: UUID, pattern: str) -> list[tuple[str, UUID, dict[str, str]]]:
        statement = (
            "SELECT action, object_id, after FROM audit_event WHERE tenant_id = $1 AND action LIKE $2 ORDER BY sequence"
        )
        found = await self._connection.fetch(statement, chain, pattern)
        return [(row["action"], UUID(str(row["object_id"])), json.loads(row["after"])) for row in found]

    async def _add(self, table: str, **values: object) -> UUID:
        self._made += 1
        values["id"] = made = UUID(int=self._made)
        times = ["created_at", "updated_at", *(["last_sent_at", "expires_at"] if table == "invitation" else [])]
        places = ", ".join(f"${number + 1}" for number in range(len(values)))
        await self._connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}, version, {', '.join(times)}) "  # noqa: S608 - the test's own words
            f"VALUES ({places}, 1, {', '.join(['now()'] * len(times))})",
            *values.values(),
        )
        return made


async def test_addresses_are_normalized_unless_they_conflict_and_conflicts_are_reported(earlier: Database) -> None:
    first, second = await earlier.tenant("acme"), await earlier.tenant("globex")
    alone = await earlier.user("alone@b\u00fccher.de")
    holder = await earlier.user("bob@xn--fuball-cta.de")
    clash = await earlier.user("bob@fu\u00dfball.de")
    for tenant_id in (first, second):
        await earlier.member(tenant_id, alone, "alone@b\u00fccher.de")
        await earlier.member(tenant_id, clash, "bob@fu\u00dfball.de")
    invited = [
        await earlier.invitation(second, "new@b\u00fccher.de"),
        await earlier.invitation(second, "twice@xn--bcher-kva.de"),
        await earlier.invitation(second, "twice@b\u00fccher.de"),
        await earlier.invitation(second, "twice@b\u00fccher.de", revoked=True),
    ]
    migrate(earlier.settings, DECLARED)

    kept, made = "alone@xn--bcher-kva.de", [alone, holder, clash]
    emails = await earlier.texts('SELECT email FROM "user" WHERE id = ANY ($1) ORDER BY id', made)
    assert emails == [kept, "bob@xn--fuball-cta.de", "bob@fu\u00dfball.de"]
    for tenant_id in (first, second):
        members = "SELECT email FROM membership WHERE tenant_id = $1 AND user_id = ANY ($2) ORDER BY user_id"
        assert await earlier.texts(members, tenant_id, made) == [kept, "bob@fu\u00dfball.de"]
    assert await earlier.texts("SELECT email FROM invitation WHERE id = ANY ($1) ORDER BY id", invited) == [
        "new@xn--bcher-kva.de", "twice@xn--bcher-kva.de", "twice@b\u00fccher.de", "twice@xn--bcher-kva.de",
    ]  # fmt: skip
    recorded = [event for event in await earlier.events(PLATFORM, "user.email%") if event[1] in made]
    assert recorded == [
        ("user.email_respelled", alone, {"email": kept}),
        (
            "user.email_conflict", clash,
            {"email": "bob@fu\u00dfball.de", "wanted": "bob@xn--fuball-cta.de", "held_by": str(holder)},
        ),
    ]  # fmt: skip
    assert await earlier.events(second, "invitation.email%") == [
        (
            "invitation.email_conflict", invited[2],
            {"email": "twice@b\u00fccher.de", "wanted": "twice@xn--bcher-kva.de", "held_by": str(invited[1])},
        )
    ]  # fmt: skip
    assert await earlier.events(first, "invitation.email%") == []


async def test_names_that_collide_are_numbered_and_recorded(earlier: Database) -> None:
    first, second = await earlier.tenant("acme"), await earlier.tenant("globex")
    made = [await earlier.project(first, name) for name in (NFD, NFC, f"{NFC} (2)", f"{NFC}\u200b", "\u3164")]
    alone = await earlier.project(second, NFD)
    migrate(earlier.settings, DECLARED)

    names = [f"{NFC} (3)", NFC, f"{NFC} (2)", f"{NFC} (4)", "Unnamed"]
    assert await earlier.texts("SELECT name FROM project WHERE id = ANY ($1) ORDER BY id", made) == names
    keyed = "SELECT name FROM project WHERE id = ANY ($1) ORDER BY name_key, id"
    assert await earlier.texts(keyed, made) == sorted(names, key=sort_key)
    assert await earlier.events(first, "project.respelled") == [
        ("project.respelled", made[place], {"name": names[place]}) for place in (0, 3, 4)
    ]
    assert await earlier.texts("SELECT name FROM project WHERE id = $1", alone) == [NFC]
    assert await earlier.events(second, "project.respelled") == []  # its name did not change
