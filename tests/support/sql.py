"""Plain SQL in a unit of work, as an app's role would run it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.engine.unit import Unit


async def rows(unit: Unit, statement: str, **parameters: object) -> Sequence[Row[*tuple[object, ...]]]:
    """Run a statement in the unit's transaction and return its rows."""
    result = await (await unit.session.connection()).execute(text(statement), parameters)
    return result.all() if result.returns_rows else []


async def changed(unit: Unit, statement: str, **parameters: object) -> int:
    """Run a statement in the unit's transaction and return the number of affected rows."""
    result = await (await unit.session.connection()).execute(text(statement), parameters)
    return result.rowcount


async def setting(session: AsyncSession) -> str | None:
    """Return the transaction's tenant from the database's setting."""
    result = await (await session.connection()).execute(text("SELECT current_setting('app.tenant_id', true)"))
    value: str | None = result.scalar_one()
    return value
