"""The difference between this process's clock and the database's."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock


async def skew(connection: AsyncConnection) -> float:
    """Return by how many seconds, at least, this process's clock is ahead of the database's; negative if behind.

    The database's time is taken between two readings of our clock. The result is 0 if it lies between them, so a
    slow answer never looks like a wrong clock.
    """
    before = clock.timestamp()
    answer = await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())::double precision"))
    theirs = float(answer.scalar_one())
    after = clock.timestamp()
    return max(before - theirs, 0.0) + min(after - theirs, 0.0)


def described(seconds: float) -> str:
    """Format a result of ``skew``."""
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the database's"
