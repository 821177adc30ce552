import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from admin.database import ADMIN
from insula.audit import PLATFORM, Actor, record_in
from insula.core.ids import new_id
from insula.db.engine.pools import Database
from tenants.audit_events.routes import COLUMNS
from tenants.audit_events.service import BATCH
from tenants.database import TENANTS
from tests.audit.support import Act
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of

AUDITORS = {"owner", "admin"}


async def note(database: Database, tenant: TenantRow, count: int = 1, **event: Any) -> None:
    """Append events to the tenant's log, bypassing the app."""
    named: dict[str, Any] = {"object_type": "thing", "object_id": "1", **event}
    actor = Actor("user", named.pop("actor_id", None), named.pop("label", None))
    async with database.unit(TENANTS, tenant.id) as unit:
        for _ in range(count):
            record_in(unit, actor, named.get("action", Act.DONE), **_rest(named), tenant_id=tenant.id)


def _rest(named: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name != "action"}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/audit-events")
        if role in AUDITORS:
            assert answer.status_code == 200
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_shows_actor_action_object_and_changes(self, owner: Caller) -> None:
        path = await owner.rack("Website")
        changed = await owner.patch(path, {"name": "New website", "description": ""})
        [updated, created] = (await owner.get("/audit-events")).json()["items"]
        assert {**updated, "id": None, "occurred_at": None, "hash": None} == {
            "id": None,
            "sequence": 2,
            "occurred_at": None,
            "actor_kind": "user",
            "actor_id": str(owner.user.id),
            "actor_label": owner.user.email,
            "action": "rack.updated",
            "object_type": "rack",
            "object_id": path.rpartition("/")[2],
            "before": {"name": "Website"},
            "after": {"name": "New website"},
            "request_id": changed.headers["x-request-id"],
            "address": "127.0.0.1",
            "hash": None,
        }
        assert len(updated["hash"]) == 64
        assert created["before"] is None
        assert created["after"] == {"name": "Website", "description": "", "status": "active"}

    async def test_contains_no_event_of_another_tenant_or_the_platform(
        self, owner: Caller, stranger: Caller, database: Database
    ) -> None:
        await owner.rack("Mine")
        await stranger.rack("Theirs")
        async with database.unit(ADMIN) as unit:
            record_in(unit, Actor("staff", new_id()), Act.DONE, object_type="user", object_id=owner.user.id)
        assert [e["after"]["name"] for e in await owner.walk("/audit-events", limit=10)] == ["Mine"]
        assert [e["after"]["name"] for e in await stranger.walk("/audit-events", limit=10)] == ["Theirs"]

    @pytest.mark.parametrize("sort_by", ["occurred_at", "-occurred_at"])
    async def test_following_the_cursors_returns_each_event_once_in_order(
        self, owner: Caller, tenant: TenantRow, database: Database, sort_by: str
    ) -> None:
        await note(database, tenant, 10)
        walked = await owner.walk("/audit-events", sort_by=sort_by, limit=3)
        places = [event["sequence"] for event in walked]
        assert places == (sorted(places) if sort_by == "occurred_at" else sorted(places, reverse=True))
        assert set(places) == set(range(1, 11))

    async def test_filters(self, owner: Caller, tenant: TenantRow, database: Database) -> None:
        ada = new_id()
        await note(database, tenant, action=Act.FIRST, actor_id=ada, label="ada@acme.example")
        await note(database, tenant, action=Act.SECOND, object_type="box", object_id="7")
        await note(database, tenant, action=Act.SECOND, object_type="box", object_id="8%")

        async def places(**params: Any) -> list[int]:
            return sorted(event["sequence"] for event in await owner.walk("/audit-events", limit=10, **params))

        assert await places() == [1, 2, 3]
        assert await places(actor_id=str(ada)) == [1]
        assert await places(action="thing.second") == [2, 3]
        assert await places(object_type="box", object_id="7") == [2]
        assert await places(object_type="thing") == [1]
        assert await places(search="ACME") == [1]
        assert await places(search="g.s") == [2, 3]
        assert await places(search="8%") == [3]

    async def test_filters_by_time_from_and_up_to(
        self, owner: Caller, tenant: TenantRow, database: Database, readback: Readback
    ) -> None:
        await note(database, tenant, 3)
        rows = await readback("select occurred_at from audit_event where tenant_id = :id order by 1", id=tenant.id)
        [_, middle, _] = [row["occurred_at"] for row in rows]
        assert isinstance(middle, datetime)

        async def count(**params: Any) -> int:
            return len(await owner.walk("/audit-events", limit=10, **params))

        assert await count(since=middle.isoformat()) == 2
        assert await count(until=middle.isoformat()) == 1
        assert await count(since=middle.isoformat(), until=middle.isoformat()) == 0
        assert (await owner.get("/audit-events", since="2026-11-23T08:00:00")).status_code == 422  # no zone

    async def test_costs_one_query_for_any_length(
        self, owner: Caller, tenant: TenantRow, database: Database, statements: list[str]
    ) -> None:
        await note(database, tenant, 20)
        for limit in (1, 100):
            statements.clear()
            await owner.get("/audit-events", limit=limit)
            assert len(statements) == 1


class TestExport:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/audit-events.csv")
        if role in AUDITORS:
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert "audit-events.csv" in answer.headers["content-disposition"]
            assert answer.text == ",".join(COLUMNS) + "\r\n"
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_contains_the_tenants_whole_log_in_order(
        self, owner: Caller, stranger: Caller, tenant: TenantRow, database: Database, statements: list[str]
    ) -> None:
        await stranger.rack("Theirs")
        await note(database, tenant, 2 * BATCH + 1)
        statements.clear()
        rows = table((await owner.get("/audit-events.csv")).text)
        assert [int(row["sequence"]) for row in rows] == list(range(1, 2 * BATCH + 2))
        assert len(statements) == 3

    async def test_a_full_last_batch_is_the_end(self, owner: Caller, tenant: TenantRow, database: Database) -> None:
        await note(database, tenant, BATCH)
        assert len(table((await owner.get("/audit-events.csv")).text)) == BATCH

    async def test_contains_the_fields_of_the_list(self, owner: Caller) -> None:
        await owner.patch(await owner.rack('Café, "quoted"\nline'.replace("\n", " ")), {"name": "Plain"})
        rows = table((await owner.get("/audit-events.csv")).text)
        listed = (await owner.get("/audit-events", sort_by="occurred_at")).json()["items"]
        assert [row["hash"] for row in rows] == [event["hash"] for event in listed]
        assert rows[1]["before"] == '{"name": "Café, \\"quoted\\" line"}'
        assert rows[0]["before"] == ""

    async def test_filters(self, owner: Caller, tenant: TenantRow, database: Database) -> None:
        await note(database, tenant, action=Act.FIRST)
        await note(database, tenant, action=Act.SECOND)
        found = table((await owner.get("/audit-events.csv", action="thing.second")).text)
        assert [row["action"] for row in found] == ["thing.second"]
        assert (await owner.get("/audit-events.csv", limit=1)).status_code == 422

    async def test_begins_with_a_byte_order_mark_if_asked(self, owner: Caller) -> None:
        await owner.rack("Café")
        plain = (await owner.get("/audit-events.csv")).content
        assert plain.startswith(b"id,")
        assert (await owner.get("/audit-events.csv", bom="true")).content == b"\xef\xbb\xbf" + plain
        assert (await owner.get("/audit-events.csv", bom="false")).content == plain
        assert (await owner.get("/audit-events.csv", bom="perhaps")).status_code == 422

    @pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
    async def test_no_cell_is_a_formula(self, owner: Caller, tenant: TenantRow, database: Database, first: str) -> None:
        await note(database, tenant, label=f"{first}cmd|' /C calc'!A0", object_id=f"{first}1")
        [row] = table((await owner.get("/audit-events.csv")).text)
        assert row["actor_label"] == f"'{first}cmd|' /C calc'!A0"
        assert row["object_id"] == f"'{first}1"

    async def test_counts_as_an_export(self, make: Factories, join: Join) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 20}), "owner")
        assert (await owner.get("/audit-events.csv")).status_code == 200
        assert code_of(await owner.get("/audit-events.csv")) == (429, "rate_limited")
        assert (await owner.get("/audit-events")).status_code == 200


def test_the_id_of_the_platforms_chain_is_no_tenants_id() -> None:
    assert UUID(int=0) == PLATFORM
