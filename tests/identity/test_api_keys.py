"""The format of an API key, and requests with one."""

import re
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, new_id
from insula.core.logging import AccessLog
from insula.db.engine.roles import GATE
from insula.identity.credentials.api_keys import PATTERN, PREFIX, digest_of, new_key, public_part, read_key
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import until
from tests.support.worker import Readback

RACKS = "/api/v1/racks"
LARGEST = UUID(int=2**128 - 1)
Announced = Callable[[], Awaitable[None]]


@pytest.fixture
def queries(live: Live) -> Iterator[list[str]]:
    """Record the statements of the gate role."""
    engine = live.kernel.database.engine(GATE).sync_engine
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def announced(
    live: Live, make: Factories, tenant: TenantRow, queries: list[str], readback: Readback
) -> Announced:
    """Wait until this process was notified of every row made so far, then forget the statements sent meanwhile."""

    async def wait() -> None:
        other, name = await make.api_key(tenant), f"Seen {new_id()}"
        await readback("update tenant set name = :name where id = :id", name=name, id=tenant.id)

        async def seen() -> bool:
            found = await live.kernel.directory.api_key(TenantId(tenant.id), other.id)
            return found is not None and found.tenant.name == name

        await until(seen)
        queries.clear()

    return wait


def with_checksum(body: str) -> str:
    """Return ``body`` with a valid checksum."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"{body}_{digits}"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class TestForm:
    @pytest.mark.parametrize("key_id", [new_id(), UUID(int=0), LARGEST])
    def test_a_key_contains_its_tenant_and_its_id(self, key_id: UUID) -> None:
        for tenant_id in (new_id(), UUID(int=0), LARGEST):
            key = new_key(tenant_id, key_id)
            presented = read_key(key)
            assert (presented.tenant_id, presented.key_id, presented.digest) == (tenant_id, key_id, digest_of(key))
            assert key.startswith(public_part(tenant_id, key_id))

    def test_a_key_is_one_word_that_a_scanner_finds(self) -> None:
        key = new_key(new_id(), new_id())
        assert re.search(PATTERN, f'token = "{key}"  # TODO') is not None
        assert re.fullmatch(r"\w+", key)
        assert with_checksum(key.rpartition("_")[0]) == key

    def test_every_secret_is_different(self) -> None:
        tenant_id, key_id = new_id(), new_id()
        assert len({new_key(tenant_id, key_id) for _ in range(1000)}) == 1000

    def test_every_changed_character_is_detected(self) -> None:
        key = new_key(new_id(), new_id())
        for index in range(len(PREFIX), len(key)):
            slip = "0" if key[index] != "0" else "1"
            with pytest.raises(Unauthenticated):
                read_key(key[:index] + slip + key[index + 1 :])

    @pytest.mark.parametrize(
        "hostile",
        [
            "",
            PREFIX,
            with_checksum(f"{PREFIX}{'z' * 50}_{'0' * 50}"),  # ids of more than 256 bits
            with_checksum(f"{PREFIX}{'0' * 49}_{'0' * 50}"),
            with_checksum(f"{PREFIX}{'0' * 50}_{'0' * 49}"),
            with_checksum(f"{PREFIX}{'A' * 50}_{'0' * 50}"),
            with_checksum(f"{PREFIX}{'٣' * 50}_{'0' * 50}"),  # int() accepts this digit; a key must not
            with_checksum(f"{PREFIX}{'0' * 50}_{'0' * 50}") + "\n",
            " " + with_checksum(f"{PREFIX}{'0' * 50}_{'0' * 50}"),
            PREFIX + "0" * 1_000_000,
        ],
    )
    def test_a_malformed_key_is_refused(self, hostile: str) -> None:
        with pytest.raises(Unauthenticated):
            read_key(hostile)
        assert read_key(with_checksum(f"{PREFIX}{'0' * 50}_{'0' * 50}")).key_id == UUID(int=0)


class TestPresented:
    async def test_a_key_is_accepted_in_either_header(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        for headers in (made.headers, bearer(made.key), {"Authorization": f"bearer {made.key}"}):
            assert (await client.get(RACKS, headers=headers)).status_code == 200

    async def test_credentials_in_both_headers_are_refused(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow, sign_in: SignIn
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        token = await sign_in(await make.member(tenant), tenant)
        for both in (bearer(made.key) | made.headers, token | made.headers, {"Authorization": ""} | made.headers):
            answer = await client.get(RACKS, headers=both)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert (await client.get(RACKS, headers=token)).status_code == 200

    async def test_a_key_sent_twice_is_refused(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        once = [("X-API-Key", made.key)]
        assert (await client.get(RACKS, headers=once * 2)).status_code == 400
        assert (await client.get(RACKS, headers=once)).status_code == 200

    async def test_a_token_in_the_key_header_is_refused(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow, sign_in: SignIn
    ) -> None:
        token = await sign_in.token(await make.member(tenant), tenant=tenant)
        assert (await client.get(RACKS, headers={"X-API-Key": token})).status_code == 401
        assert (await client.get(RACKS, headers=bearer(token))).status_code == 200

    async def test_a_wrong_checksum_costs_no_query(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow, queries: list[str], announced: Announced
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        await announced()
        wrong = made.key[:-1] + ("0" if made.key[-1] != "0" else "1")
        for headers in ({"X-API-Key": wrong}, bearer(wrong)):
            answer = await client.get(RACKS, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert queries == []
        assert (await client.get(RACKS, headers=made.headers)).status_code == 200
        assert len(queries) == 1

    async def test_a_key_is_read_from_the_database_once(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow, queries: list[str], announced: Announced
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        await announced()
        for _ in range(3):
            assert (await client.get(RACKS, headers=made.headers)).status_code == 200
        assert len(queries) == 1

    async def test_an_unknown_key_is_read_from_the_database_once(
        self, client: httpx.AsyncClient, tenant: TenantRow, queries: list[str], announced: Announced
    ) -> None:
        strange = {"X-API-Key": new_key(tenant.id, new_id())}
        await announced()
        for _ in range(3):
            assert (await client.get(RACKS, headers=strange)).status_code == 401
        assert len(queries) == 1

    async def test_a_key_with_another_secret_is_refused(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        for guess in (new_key(tenant.id, made.id), new_key(tenant.id, new_id()), new_key(new_id(), made.id)):
            assert (await client.get(RACKS, headers=bearer(guess))).status_code == 401
        assert (await client.get(RACKS, headers=bearer(made.key))).status_code == 200

    async def test_a_key_copied_to_another_tenant_is_refused(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        """The secret is hashed together with the ids, so a row copied into another tenant is useless."""
        made, other = await make.api_key(tenant, "rack:read"), await make.tenant()
        secret = made.key.split("_")[3]
        forged = with_checksum(f"{public_part(other.id, made.id)}_{secret}")
        assert (await client.get(RACKS, headers=bearer(forged))).status_code == 401

    async def test_a_key_expires(self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow) -> None:
        made = await make.api_key(tenant, "rack:read", expires_at=clock.now() + timedelta(hours=1))
        assert (await client.get(RACKS, headers=made.headers)).status_code == 200
        with clock.moved(timedelta(minutes=59)):
            assert (await client.get(RACKS, headers=made.headers)).status_code == 200
        with clock.moved(timedelta(minutes=61)):
            assert (await client.get(RACKS, headers=made.headers)).status_code == 401

    async def test_a_key_is_refused_by_apps_without_keys(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        assert (await client.get(RACKS, headers=made.headers)).status_code == 200
        for outside in ("/admin/v1/tenants", "/auth/logout"):
            assert (await client.get(outside, headers=made.headers)).status_code in (401, 405)

    async def test_the_log_names_the_key_and_not_its_secret(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = await make.api_key(tenant, "rack:read")
        requests: list[Mapping[str, object]] = []
        monkeypatch.setattr(AccessLog, "write", lambda _log, _level, fields: requests.append(fields))
        with capture_logs() as lines:
            await client.get(RACKS, headers=made.headers)
            await client.get(RACKS, headers=bearer(made.key))
        assert [(line["principal"], line["tenant"]) for line in requests] == [(made.id, tenant.id)] * 2
        assert made.key.split("_")[3] not in repr((lines, requests))

    async def test_requests_with_a_key_count_against_the_tenants_limit(
        self, client: httpx.AsyncClient, make: Factories, sign_in: SignIn
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 4})
        made, other = await make.api_key(tenant, "rack:read"), await make.api_key(tenant, "rack:read")
        person = await sign_in(await make.member(tenant), tenant)
        statuses = [
            (await client.get(RACKS, headers=headers)).status_code
            for headers in (made.headers, other.headers, person, made.headers, made.headers, other.headers, person)
        ]
        assert statuses[0] == 200
        assert statuses[-3:] == [429] * 3
        calm = await make.api_key(await make.tenant(), "rack:read")
        assert (await client.get(RACKS, headers=calm.headers)).status_code == 200

    async def test_idempotency_keys_belong_to_the_api_key(
        self, client: httpx.AsyncClient, make: Factories, tenant: TenantRow
    ) -> None:
        mine, theirs = [await make.api_key(tenant, "rack:create") for _ in range(2)]
        name = {"Idempotency-Key": "import-1"}

        async def create(headers: dict[str, str], rack: str) -> httpx.Response:
            return await client.post(RACKS, json={"name": rack}, headers=headers | name)

        first = await create(mine.headers, "Mine")
        again = await create(bearer(mine.key), "Mine")
        assert (first.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert (await create(theirs.headers, "Theirs")).status_code == 201
