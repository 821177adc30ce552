"""Directories of two processes on this worker's database."""

from collections.abc import AsyncIterator

import pytest

from insula.core.ids import UserId
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.tenancy import Directory, Listener
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.tenancy.support import Visit


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = await Database.open(settings, DECLARED.web_roles)
    yield database
    await database.close()


@pytest.fixture
async def directory(settings: Settings, database: Database) -> AsyncIterator[Directory]:
    """Return a directory without a listener."""
    directory = Directory(settings, database)
    yield directory
    await directory.close()


@pytest.fixture
async def listening(settings: Settings, database: Database) -> AsyncIterator[Directory]:
    """Return a directory with its own listener, as in another process."""
    directory = Directory(settings, database)
    listener = Listener(settings, directory)
    await listener.start()
    assert listener.alive
    yield directory
    await listener.stop()
    await directory.close()


@pytest.fixture
async def visit(make: Factories) -> Visit:
    tenant = await make.tenant(plan="pro")
    user = await make.member(tenant, role="admin")
    return Visit(tenant, UserId(user.id), await make.session(user))
