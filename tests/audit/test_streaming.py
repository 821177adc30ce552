"""A streamed export holds no transaction, and ends when its reader disconnects or loses access."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import event
from starlette.requests import ClientDisconnect
from starlette.types import Message

from insula.core.errors import AppError
from insula.core.ids import TenantId, UserId
from insula.tenancy import Access
from tenants.audit_events.service import BATCH
from tenants.database import TENANTS
from tests.audit.support import Readback, append
from tests.support.app import Live
from tests.support.apps import audience
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.waiting import until

Send = Callable[[Message], Awaitable[None]]


class Export:
    """A reader of the tenant's log, who receives one message at a time."""

    def __init__(self, live: Live, token: str, access: Callable[[], Awaitable[Access]]) -> None:
        self.live = live
        self.token = token
        self.access = access
        self.text = b""
        self.statements = 0
        self.engine = live.kernel.database.engine(TENANTS)

    @property
    def connections(self) -> int:
        """How many connections are in use."""
        held: int = self.engine.pool.checkedout()  # type: ignore[attr-defined]  # AsyncAdaptedQueuePool has it
        return held

    async def read(self, meanwhile: Send) -> None:
        """Read to the end; ``meanwhile`` is awaited with each message before the next may come."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            self.text += message.get("body", b"")
            await meanwhile(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/audit-events.csv",
            "raw_path": b"/api/v1/audit-events.csv",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {self.token}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._count)
        try:
            await self.live(scope, receive, send)
        finally:
            event.remove(self.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.statements += 1


@pytest.fixture
async def tenant(make: Factories, live: Live) -> TenantRow:
    tenant = await make.tenant(plan="pro")
    await append(live.kernel.database, tenant.id, 3 * BATCH)
    return tenant


@pytest.fixture
async def owner(make: Factories, tenant: TenantRow) -> UserRow:
    return await make.member(tenant, "owner")


@pytest.fixture
async def export(live: Live, make: Factories, owner: UserRow, tenant: TenantRow) -> Export:
    kernel, user_id, tenant_id = live.kernel, UserId(owner.id), TenantId(tenant.id)
    session_id = await make.session(owner)
    tenants = audience(kernel.settings, "tenants")
    token = await kernel.issuer.issue(user_id=user_id, session_id=session_id, audience=tenants, tenant_id=tenant_id)

    async def access() -> Access:
        return await kernel.directory.access(session_id=session_id, user_id=user_id, tenant_id=tenant_id)

    return Export(live, token, access)


async def test_no_connection_is_held_while_a_slow_reader_waits(export: Export) -> None:
    held: list[int] = []

    async def look(_message: Message) -> None:
        held.append(export.connections)

    await export.read(look)
    assert export.text.count(b"thing.done") == 3 * BATCH
    assert set(held) == {0}
    assert export.statements == 4


async def test_an_export_ends_when_its_reader_disconnects(export: Export) -> None:
    async def go(message: Message) -> None:
        if message.get("body"):
            raise OSError("the connection is closed")

    with suppress(ClientDisconnect, OSError):
        await export.read(go)
    assert export.statements <= 2
    assert export.connections == 0


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM membership WHERE tenant_id = :tenant AND user_id = :user",
        "UPDATE membership SET role = 'member' WHERE tenant_id = :tenant AND user_id = :user",
        "UPDATE tenant SET status = 'suspended' WHERE id = :tenant AND :user <> id",
        "UPDATE auth_session SET revoked_at = now() WHERE user_id = :user AND user_id <> :tenant",
    ],
)
async def test_an_export_ends_when_its_reader_loses_access(
    export: Export, tenant: TenantRow, owner: UserRow, readback: Readback, loss: str
) -> None:
    allowed = await export.access()
    lost = False

    async def lose(message: Message) -> None:
        nonlocal lost
        if message.get("body") and not lost:
            lost = True
            await readback(loss, tenant=tenant.id, user=owner.id)
            await until(access_changed)

    async def access_changed() -> bool:
        return await export.access() != allowed

    with pytest.raises(RuntimeError, match="already started") as broken:
        await export.read(lose)
    assert isinstance(broken.value.__cause__, AppError)
    assert 0 < export.text.count(b"thing.done") < 3 * BATCH
    assert export.connections == 0
