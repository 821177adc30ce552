"""Every stream, socket and upload of the live apps ends at each attack that its kind declares, and otherwise stays."""

from collections.abc import Iterator

import pytest

from insula.db.engine.fair_pool import FairPool
from insula.http.kinds import SOCKET, Attack
from tests.isolation.matrix import Stage
from tests.isolation.matrix.long_lived import attacks_on, opened, reason_of
from tests.isolation.matrix.routes import live_routes
from tests.support.apps import INSTALLATION

ROUTES = {name: route for name, route in live_routes().items() if route.kind is not None and route.kind.long_lived}
ATTACKS = [(name, attack) for name, route in ROUTES.items() for attack in attacks_on(route)]
WITH_REASON = [(name, attack) for name, attack in ATTACKS if attack is not Attack.CLIENT_GONE]
DISCONNECTS = [name for name, attack in ATTACKS if attack is Attack.CLIENT_GONE]


@pytest.fixture
def restarted(stage: Stage) -> Iterator[None]:
    """Undo the stop of the server after a test, so that other tests can open connections."""
    yield
    stage.kernel.connections.is_stopping = False


@pytest.mark.parametrize(("name", "attack"), WITH_REASON)
@pytest.mark.usefixtures("restarted")
async def test_the_client_receives_the_reason_of_the_end(name: str, attack: Attack, stage: Stage) -> None:
    connection = await opened(stage, ROUTES[name], attack)
    assert await connection.still_there()

    await connection.strike(attack)

    assert await connection.reason() == reason_of(attack)
    assert len(stage.kernel.connections) == 0


@pytest.mark.parametrize("name", DISCONNECTS)
async def test_a_connection_ends_when_its_client_disconnects(name: str, stage: Stage) -> None:
    connection = await opened(stage, ROUTES[name])

    await connection.strike(Attack.CLIENT_GONE)

    await connection.line.ended()
    assert connection.line.failure is None
    assert len(stage.kernel.connections) == 0


@pytest.mark.parametrize("name", ROUTES)
async def test_a_connection_survives_changes_that_leave_its_access(name: str, stage: Stage) -> None:
    connection = await opened(stage, ROUTES[name])

    for change in (
        "UPDATE tenant SET name = name || '!' WHERE id = :tenant",
        "UPDATE tenant SET status = 'suspended' WHERE id = :other",
    ):
        await connection.execute(change)
        assert await connection.still_there()

    await connection.strike(Attack.CLIENT_GONE)
    await connection.line.ended()


@pytest.mark.parametrize("name", ROUTES)
async def test_a_connection_holds_no_database_connection(name: str, stage: Stage) -> None:
    engine = stage.kernel.database.engine(INSTALLATION.app(ROUTES[name].app).database_role)
    pool = engine.pool
    assert isinstance(pool, FairPool)
    before = pool.checkedout()
    connection = await opened(stage, ROUTES[name])

    assert pool.checkedout() == before

    await connection.strike(Attack.CLIENT_GONE)
    await connection.line.ended()


async def test_the_close_code_of_a_socket_says_whether_to_reconnect(stage: Stage) -> None:
    """1008: the access was lost; 1012: connect again, to another process."""
    [name] = [name for name, route in ROUTES.items() if route.kind is SOCKET][:1]
    codes = {}
    for attack in (Attack.EXPIRY, Attack.MEMBER_LEAVES, Attack.SERVER_STOPS):
        connection = await opened(stage, ROUTES[name], attack)
        await connection.strike(attack)
        codes[attack] = (await connection.line.last() or {}).get("code")
        await connection.line.ended()
    stage.kernel.connections.is_stopping = False

    assert codes == {Attack.EXPIRY: 1008, Attack.MEMBER_LEAVES: 1008, Attack.SERVER_STOPS: 1012}
