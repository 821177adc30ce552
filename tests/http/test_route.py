"""The unit of work: a request succeeds only if its changes are committed."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, event, text
from sqlmodel import col, select
from structlog.testing import CapturingLogger

from insula.db.engine.connection import TenantConnection
from insula.db.engine.roles import GATE
from insula.db.engine.unit import Unit
from insula.db.query.reading import Reading
from tests.probe.racks.models import Rack
from tests.support.app import Live, SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, code_of, joined

DIVIDED = Reading(Rack, lambda: select(Rack).where(text("1 / 0 = 1")))
AtCommit = Callable[[str | None, int], AbstractContextManager[list[int]]]

LOSE_THE_CONNECTION = None
FAIL_SERIALISATION = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"
FAIL_DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$"


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="free"))


@pytest.fixture
def at_commit(monkeypatch: pytest.MonkeyPatch) -> AtCommit:
    """Run a statement right before the next commits of units, or lose the connection."""
    execute = TenantConnection.execute

    @contextmanager
    def run(statement: str | None, times: int) -> Iterator[list[int]]:
        commits: list[int] = []

        async def interfere(driver: TenantConnection, query: str, *arguments: object) -> str:
            if query.endswith("COMMIT;"):
                commits.append(len(commits))
                if len(commits) <= times:
                    if statement is None:
                        driver.terminate()
                    else:
                        await execute(driver, statement)
            status: str = await execute(driver, query, *arguments)
            return status

        with monkeypatch.context() as broken:
            broken.setattr(TenantConnection, "execute", interfere)
            yield commits

    return run


async def test_a_commit_that_fails_is_503_and_changes_nothing(
    owner: Caller, readback: Readback, at_commit: AtCommit
) -> None:
    key = {"Idempotency_Key": "once"}
    with at_commit(LOSE_THE_CONNECTION, 1):
        failed = await owner.post("/racks", {"name": "Temple"}, **key)
    assert code_of(failed) == (503, "unavailable")
    assert failed.headers["Retry-After"]
    assert await readback("select name from rack where tenant_id = :id", id=owner.home.id) == []

    again = await owner.post("/racks", {"name": "Temple"}, **key)
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers
    assert await readback("select name from rack where tenant_id = :id", id=owner.home.id) == [{"name": "Temple"}]


@pytest.mark.parametrize("lost", [FAIL_SERIALISATION, FAIL_DEADLOCK], ids=["race", "deadlock"])
async def test_a_conflict_during_the_lookup_of_the_caller_is_retried(owner: Caller, live: Live, lost: str) -> None:
    engine, looks = live.kernel.database.engine(GATE).sync_engine, list[str]()

    def interfere(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement != lost:
            looks.append(statement)
            if len(looks) == 1:
                connection.exec_driver_sql(lost)

    live.kernel.directory.flush()
    event.listen(engine, "before_cursor_execute", interfere)
    try:
        answer = await owner.get("/racks")
    finally:
        event.remove(engine, "before_cursor_execute", interfere)
    assert (answer.status_code, len(looks)) == (200, 2)


@pytest.mark.parametrize("lost", [FAIL_SERIALISATION, FAIL_DEADLOCK], ids=["race", "deadlock"])
async def test_a_conflict_at_the_commit_is_retried_with_one_effect(
    owner: Caller, readback: Readback, at_commit: AtCommit, lost: str
) -> None:
    with at_commit(lost, 2) as commits:
        made = await owner.post("/racks", {"name": "Temple"})
    assert made.status_code == 201
    assert len(commits) == 3
    assert await readback("select name from rack where tenant_id = :id", id=owner.home.id) == [{"name": "Temple"}]


async def test_a_request_that_always_conflicts_gets_503(owner: Caller, readback: Readback, at_commit: AtCommit) -> None:
    with at_commit(FAIL_SERIALISATION, 100) as commits:
        failed = await owner.post("/racks", {"name": "Temple"})
    assert code_of(failed) == (503, "unavailable")
    assert len(commits) == 3
    assert await readback("select name from rack where tenant_id = :id", id=owner.home.id) == []
    assert (await owner.post("/racks", {"name": "Temple"})).status_code == 201


async def test_a_programming_error_at_the_commit_is_500_and_changes_nothing(
    owner: Caller, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("insula.http.responses.handlers._log", log)
    with monkeypatch.context() as broken:
        broken.setattr(Unit, "commit", _stumble)
        failed = await owner.post("/racks", {"name": "Temple"})
    assert code_of(failed) == (500, "internal_failure")
    assert [type(call.kwargs["exc_info"]) for call in log.calls] == [TypeError]
    assert await readback("select name from rack where tenant_id = :id", id=owner.home.id) == []
    assert (await owner.post("/racks", {"name": "Temple"})).status_code == 201


async def _stumble(unit: Unit) -> None:
    if unit.before_commit is not None:  # a change that the audit log records
        raise TypeError("a mistake of ours")
    await (await unit.transaction()).commit()


async def test_a_refused_request_leaves_no_rows(owner: Caller, readback: Readback) -> None:
    made = [
        await owner.post("/racks", {"name": f"Temple {number}"}, Idempotency_Key=f"k{number}") for number in range(4)
    ]
    assert [answer.status_code for answer in made] == [201, 201, 201, 409]
    stored = await readback("select key from idempotency_record where tenant_id = :id order by key", id=owner.home.id)
    assert [row["key"] for row in stored] == ["k0", "k1", "k2"]


async def _divide(_reading: Reading[Rack], unit: Unit, **_values: object) -> None:
    await DIVIDED.all(unit)


async def _divide_on_the_session(_reading: Reading[Rack], unit: Unit, **_values: object) -> None:
    await unit.session.exec(select(Rack).where(text("1 / 0 = 1")))


async def _misuse_the_driver(_reading: Reading[Rack], unit: Unit, **_values: object) -> None:
    await unit.session.exec(select(Rack).where(col(Rack.version) == 2**63))


async def _overflow(_reading: Reading[Rack], _unit: Unit, **_values: object) -> None:
    timedelta(days=10**10)


async def _garble(_reading: Reading[Rack], _unit: Unit, **_values: object) -> None:
    "\ud800".encode()


@pytest.mark.parametrize("mistake", [_divide, _divide_on_the_session, _misuse_the_driver, _overflow, _garble])
async def test_an_invalid_statement_is_500_and_logged(
    owner: Caller, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., Awaitable[None]]
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("insula.http.responses.handlers._log", log)
    rack = await owner.rack("Temple")
    with monkeypatch.context() as broken:
        broken.setattr(Reading, "one", mistake)
        failed = await owner.get(rack)
    assert code_of(failed) == (500, "internal_failure")
    assert [(call.method_name, call.args) for call in log.calls] == [("error", ("request failed",))]
    assert (await owner.get(rack)).status_code == 200
