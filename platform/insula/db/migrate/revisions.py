"""The revisions that a database has: a row for each branch.

The table ``alembic_version`` of the version before, which had one chain, stays as it is: that version's processes look
into it, and stay ready.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.schema.branches import KERNEL, Chain, by_branch

TABLE: Final = "schema_revision"

EXISTS: Final = text("SELECT to_regclass('public.schema_revision') IS NOT NULL")
APPLIED: Final = text("SELECT version_num FROM schema_revision ORDER BY version_num")
_FORMER_EXISTS: Final = text("SELECT to_regclass('public.alembic_version') IS NOT NULL")
_FORMER: Final = text("SELECT version_num FROM alembic_version")
_MAKE: Final = text("CREATE TABLE IF NOT EXISTS schema_revision (version_num text PRIMARY KEY)")
_ADD: Final = text("INSERT INTO schema_revision (version_num) VALUES (:revision)")


class NoWayUp(RuntimeError):
    """The database is of a version from which this one has no revisions. The message names the one between."""


def applied(connection: Connection) -> frozenset[str]:
    """Return the revisions that the database is at; none before its first migration."""
    if not connection.execute(EXISTS).scalar_one():
        return frozenset()
    return frozenset(connection.execute(APPLIED).scalars())


def adopt(connection: Connection, chains: Mapping[str, Chain]) -> None:
    """Note the baselines of a database that the single chain before the branches brought to its end.

    Raises NoWayUp for a database that the single chain left earlier.
    """
    at = by_branch(applied(connection))
    former = former_revision(connection)
    if former is not None and KERNEL.name not in at and former != chains[KERNEL.name].replaces:
        last = chains[KERNEL.name].replaces
        raise NoWayUp(
            f"the database is at {former}; this version continues from {last}: install the version of Insula that "
            f"ends with {last} (docs/guides/operations.md), run `insula migrate`, then run it with this version"
        )
    connection.execute(_MAKE)
    for name, chain in chains.items():
        if name not in at and former is not None and chain.replaces == former:
            connection.execute(_ADD, {"revision": chain.baseline})
    connection.commit()


def former_revision(connection: Connection) -> str | None:
    """Return the revision that the single chain before the branches left the database at."""
    if not connection.execute(_FORMER_EXISTS).scalar_one():
        return None
    revision: str | None = connection.execute(_FORMER).scalar_one_or_none()
    return revision
