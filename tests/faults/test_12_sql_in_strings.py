"""Fault 12: SQL in a string is data; in a sort field, a filter, a cursor or an id it is refused."""

import base64
import json
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, code_of, joined

SQL = [
    "'; DROP TABLE book; --",
    "' OR '1'='1",
    "x') UNION SELECT slug FROM tenant; --",
    '"; DELETE FROM rack; --',
    "\\'; SELECT set_config('app.tenant_id', '', false); --",
    "%' OR tenant_id IS NOT NULL --",
    "$1 :name %(name)s {name} ${name}",
    "/* */ $$ select 1 $$",
]
ORDERS = [
    "name; DROP TABLE rack",
    "name, (SELECT slug FROM tenant LIMIT 1)",
    "CASE WHEN (SELECT true) THEN name END",
    "created_at DESC NULLS LAST",
    "rack.tenant_id",
    "-",
    "--name",
    "1",
]
LISTS = ("/racks", "{rack}/books", "/members")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.fixture
async def stranger(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    stranger = await joined(client, make, sign_in, await make.tenant(plan="pro"))
    await stranger.book(await stranger.rack("Theirs"))
    return stranger


async def count(readback: Readback, caller: Caller) -> tuple[int, int]:
    """Return how many racks and books the caller's tenant has."""
    statement = """
        select (select count(*) from rack where tenant_id = :id) as racks,
               (select count(*) from book where tenant_id = :id) as books
    """
    [row] = await readback(statement, id=caller.home.id)
    return int(str(row["racks"])), int(str(row["books"]))


class TestStrings:
    @pytest.mark.parametrize("sql", SQL)
    async def test_strings_are_stored_unchanged(
        self, owner: Caller, stranger: Caller, readback: Readback, sql: str
    ) -> None:
        rack = await owner.rack(sql, description=sql)
        book = await owner.book(rack, sql, body=sql)
        await owner.patch("/tenant", {"name": sql})
        stored = await readback(
            "select t.name as tenant, p.name, p.description, i.title, i.body from book i "
            "join rack p on p.id = i.rack_id join tenant t on t.id = p.tenant_id where i.id = :id",
            id=UUID(book.rpartition("/")[2]),
        )
        assert stored == [dict.fromkeys(("tenant", "name", "description", "title", "body"), sql)]
        assert (await owner.patch(book, {"title": f"{sql}!"})).json()["title"] == f"{sql}!"
        assert await count(readback, owner) == (1, 1)
        assert await count(readback, stranger) == (1, 1)

    @pytest.mark.parametrize("sql", SQL)
    async def test_a_search_for_sql_finds_only_that_text(self, owner: Caller, stranger: Caller, sql: str) -> None:
        await owner.rack("Innocent")
        rack = await owner.rack(sql)
        await owner.book(rack, "Innocent")
        await owner.book(rack, sql)
        assert [row["name"] for row in await owner.walk("/racks", limit=10, search=sql)] == [sql]
        assert [row["title"] for row in await owner.walk(f"{rack}/books", limit=10, search=sql)] == [sql]
        assert await owner.walk("/members", limit=10, search=sql) == []
        assert await stranger.walk("/racks", limit=10, search=sql) == []


@pytest.mark.parametrize("name", LISTS)
class TestLists:
    async def test_lists_refuse_sql_as_a_sort_field(self, owner: Caller, name: str) -> None:
        path = name.format(rack=await owner.rack())
        answers = {order: (await owner.get(path, sort_by=order)).status_code for order in ORDERS}
        assert answers == dict.fromkeys(ORDERS, 422)
        assert (await owner.get(path, sort_by="created_at")).status_code == 200

    @pytest.mark.parametrize("field", ["status", "role", "limit", "cursor"])
    async def test_lists_refuse_sql_as_filter_limit_and_cursor(self, owner: Caller, name: str, field: str) -> None:
        path = name.format(rack=await owner.rack())
        assert {sql: (await owner.get(path, **{field: sql})).status_code for sql in SQL} == dict.fromkeys(SQL, 422)

    async def test_lists_treat_sql_in_a_forged_cursor_as_data(self, owner: Caller, name: str) -> None:
        path = name.format(rack=await owner.rack())
        order = "title" if name.endswith("books") else "name"
        for sql in SQL:
            key = sql.encode().hex()
            assert (await owner.get(path, sort_by=order, cursor=forged(order, key))).status_code == 200
            plain = await owner.get(path, sort_by=order, cursor=forged(order, sql))
            assert code_of(plain) == (422, "invalid_cursor")
            assert (await owner.get("/members", sort_by="email", cursor=forged("email", sql))).status_code == 200
            time = await owner.get(path, sort_by="created_at", cursor=forged("created_at", sql))
            assert code_of(time) == (422, "invalid_cursor")

    async def test_lists_refuse_a_forged_cursor_of_another_type(self, owner: Caller, name: str) -> None:
        path = name.format(rack=await owner.rack())
        for value in (7, None, ["a"], {"a": 1}, True, 1.5):
            answer = await owner.get(path, sort_by="created_at", cursor=forged("created_at", value))
            assert code_of(answer) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    ("sort_by", "value"),
    [
        ("position", 2**70),
        ("position", True),
        ("position", 1.5),
        ("created_at", "0001-01-01T00:00:00+14:00"),
        ("created_at", "9999-12-31T23:59:59-14:00"),
        ("created_at", "2026-01-01T00:00:00"),
        ("created_at", "infinity"),
        ("title", "\ud800"),
        ("title", "a\0b"),
    ],
)
async def test_a_cursor_with_an_impossible_value_is_refused(owner: Caller, sort_by: str, value: object) -> None:
    path = f"{await owner.rack()}/books"
    assert (await owner.get(path, sort_by=sort_by, cursor=forged(sort_by, value))).status_code == 422


class TestIdsAndHeaders:
    async def test_sql_as_an_id_is_refused(self, owner: Caller) -> None:
        for path in ("/racks/{}", "/racks/{}/books", f"{await owner.rack()}/books/{{}}"):
            answers = {sql: (await owner.get(path.format(quote(sql, safe="")))).status_code for sql in SQL}
            assert set(answers.values()) <= {404, 422}

    @pytest.mark.parametrize("sql", SQL)
    async def test_sql_in_a_header_is_data_or_refused(self, owner: Caller, readback: Readback, sql: str) -> None:
        rack = await owner.rack()
        assert code_of(await owner.patch(rack, {}, if_match=sql)) == (400, "bad_request")
        assert code_of(await owner.send("GET", rack, headers={"X-Tenant": sql})) == (403, "tenant_conflict")
        key = sql.replace(" ", "_")
        for _ in range(2):
            made = await owner.post("/racks", {"name": "Once"}, idempotency_key=key)
            assert made.status_code == 201
        rows = await readback("select key from idempotency_record where tenant_id = :id", id=owner.home.id)
        assert rows == [{"key": key}]


def forged(sort_by: str, value: object) -> str:
    text = json.dumps([sort_by, value, str(new_id())])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
