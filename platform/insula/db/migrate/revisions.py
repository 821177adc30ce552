"""The revisions that a database has: one row for each branch.

The table ``alembic_version`` of the previous version, which had a single chain, stays unchanged: that version's
processes read it for their readiness check.
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


class DatabaseTooOld(RuntimeError):
    """The database is too old for this version's migrations. The message names the version to run first."""


def applied(connection: Connection) -> frozenset[str]:
    """Return the database's current revisions; none before its first migration."""
    if not connection.execute(EXISTS).scalar_one():
        return frozenset()
    return frozenset(connection.execute(APPLIED).scalars())


def adopt(connection: Connection, chains: Mapping[str, Chain]) -> None:
    """Record the branches' baselines in a database that is at the end of the former single chain.

    Raises DatabaseTooOld for a database that is at an earlier revision of the single chain.
    """
    at = by_branch(applied(connection))
    former = former_revision(connection)
    if former is not None and KERNEL.name not in at and former != chains[KERNEL.name].replaces:
        last = chains[KERNEL.name].replaces
        raise DatabaseTooOld(
            f"the database is at {former}; this version continues from {last}: install the version of Insula that "
            f"ends with {last} (docs/guides/operations.md), run `insula migrate`, then run it with this version"
        )
    connection.execute(_MAKE)
    for name, chain in chains.items():
        if name not in at and former is not None and chain.replaces == former:
            connection.execute(_ADD, {"revision": chain.baseline})
    connection.commit()


def former_revision(connection: Connection) -> str | None:
    """Return the database's revision in the former single chain."""
    if not connection.execute(_FORMER_EXISTS).scalar_one():
        return None
    revision: str | None = connection.execute(_FORMER).scalar_one_or_none()
    return revision
