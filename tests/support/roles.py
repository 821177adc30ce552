"""Changes of roles, which the databases of all test workers share."""

from typing import Final

from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncConnection

_ATTEMPTS: Final = 20


async def change(connection: AsyncConnection, statement: str) -> None:
    """Run the statement; run it again if another worker's transaction changed the same role meanwhile.

    PostgreSQL then refuses it with "tuple concurrently updated"; ``insula.db.schema.provision`` handles that too.
    """
    for attempt in range(_ATTEMPTS):
        savepoint = await connection.begin_nested()
        try:
            await connection.exec_driver_sql(statement)
        except InternalError:
            await savepoint.rollback()
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return
