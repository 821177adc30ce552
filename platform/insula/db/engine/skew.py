"""How far this process's clock is from the database's."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock


async def skew(connection: AsyncConnection) -> float:
    """Return by how many seconds this process's clock is ahead of the database's at least; negative: behind.

    0 where the database's answer, given at some moment between our two looks at the clock, fits between them:
    a slow answer never looks like a wrong clock.
    """
    before = clock.timestamp()
    answer = await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())::double precision"))
    theirs = float(answer.scalar_one())
    after = clock.timestamp()
    return max(before - theirs, 0.0) + min(after - theirs, 0.0)


def described(seconds: float) -> str:
    """Say in words what ``skew`` returned."""
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the database's"
