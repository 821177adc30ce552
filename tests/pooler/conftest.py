from collections.abc import AsyncIterator, Iterator

import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from tenants.database import TENANTS
from tests.support.pgbouncer import pooled


@pytest.fixture(scope="session")
def through_pooler(settings: Settings) -> Iterator[Settings]:
    """Connect everything through a pooler that has one connection for each role."""
    with pooled(settings, size=1) as found:
        yield found


@pytest.fixture
async def pooled_database(through_pooler: Settings) -> AsyncIterator[Database]:
    """Open the pool of the role ``tenants``, whose connections all share one server connection."""
    database = await Database.open(through_pooler, [TENANTS])
    yield database
    await database.close()
