"""Every stream, socket and upload of the live apps ends when it must, and only then: attacked as its kind declares."""

from collections.abc import Iterator

import pytest

from insula.db.engine.fair_pool import FairPool
from insula.http.kinds import SOCKET, Attack
from tests.isolation.matrix import Stage
from tests.isolation.matrix.lasting import attacks_on, opened, reason_of
from tests.isolation.matrix.routes import live_routes
from tests.support.apps import INSTALLATION

ROUTES = {name: route for name, route in live_routes().items() if route.kind is not None and route.kind.lasting}
ATTACKS = [(name, attack) for name, route in ROUTES.items() for attack in attacks_on(route)]
TOLD = [(name, attack) for name, attack in ATTACKS if attack is not Attack.CLIENT_GONE]
GONE = [name for name, attack in ATTACKS if attack is Attack.CLIENT_GONE]


@pytest.fixture
def restarted(stage: Stage) -> Iterator[None]:
    """Let the connections of other tests be open, after one for which the server stops."""
    yield
    stage.kernel.connections.is_stopping = False


@pytest.mark.parametrize(("name", "attack"), TOLD)
@pytest.mark.usefixtures("restarted")
async def test_the_client_is_told_why_it_ends(name: str, attack: Attack, stage: Stage) -> None:
    connection = await opened(stage, ROUTES[name], attack)
    assert await connection.still_there()

    await connection.strike(attack)

    assert await connection.reason() == reason_of(attack)
    assert len(stage.kernel.connections) == 0


@pytest.mark.parametrize("name", GONE)
async def test_it_ends_when_its_client_has_gone(name: str, stage: Stage) -> None:
    connection = await opened(stage, ROUTES[name])

    await connection.strike(Attack.CLIENT_GONE)

    await connection.line.ended()
    assert connection.line.failure is None
    assert len(stage.kernel.connections) == 0


@pytest.mark.parametrize("name", ROUTES)
async def test_it_outlives_what_takes_no_access(name: str, stage: Stage) -> None:
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
async def test_it_holds_no_database_connection(name: str, stage: Stage) -> None:
    engine = stage.kernel.database.engine(INSTALLATION.app(ROUTES[name].app).database_role)
    pool = engine.pool
    assert isinstance(pool, FairPool)
    before = pool.checkedout()
    connection = await opened(stage, ROUTES[name])

    assert pool.checkedout() == before

    await connection.strike(Attack.CLIENT_GONE)
    await connection.line.ended()


async def test_a_socket_closes_with_a_code_that_says_what_to_do(stage: Stage) -> None:
    """1008: this access is gone; 1012: connect again, to another process."""
    [name] = [name for name, route in ROUTES.items() if route.kind is SOCKET][:1]
    codes = {}
    for attack in (Attack.EXPIRY, Attack.MEMBER_LEAVES, Attack.SERVER_STOPS):
        connection = await opened(stage, ROUTES[name], attack)
        await connection.strike(attack)
        codes[attack] = (await connection.line.last() or {}).get("code")
        await connection.line.ended()
    stage.kernel.connections.is_stopping = False

    assert codes == {Attack.EXPIRY: 1008, Attack.MEMBER_LEAVES: 1008, Attack.SERVER_STOPS: 1012}
