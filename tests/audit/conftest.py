import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from tests.audit.support import Tamper


@pytest.fixture
def tamper(settings: Settings) -> Tamper:
    """Run statements as a superuser with the triggers switched off.

    ``AT 3`` selects the third event of ``chain``, ``MINE`` the whole chain.
    """

    async def run(*statements: str, **parameters: object) -> None:
        url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                whole = statement.replace(" AT ", " MINE AND sequence = ").replace(" MINE", " WHERE tenant_id = :chain")
                result = await connection.execute(text(whole), parameters)
                assert result.rowcount > 0, statement

    return run
