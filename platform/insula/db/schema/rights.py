"""Types and functions with which rights are declared: which role may do what with which table.

Migrations grant the declared rights (``insula.db.schema.ddl``), ``insula migrate`` updates an older database, and the
catalogue check requires an exact match: no role has a right that is not declared.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlmodel import SQLModel

from insula.db.engine.roles import BACKUP, DatabaseRole

FORMER_TABLE: Final = "alembic_version"
"""Holds the revision of the version before the branches; not every database has this table."""

Command = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
Reach = Literal["tenant", "all"]
Rule = Literal["key", "unique", "reference"]
TableRef = str | type[SQLModel]
"""A table's name or model."""

COMMANDS: Final[tuple[Command, ...]] = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """The right of one role to run one command on one table.

    No ``columns`` means all. UPDATE is granted column by column, because UPDATE of the table would allow LOCK TABLE.
    With ``reach`` "tenant" the table's tenant policy applies. "all" crosses tenants: on a table with row-level
    security it has a policy of its own, named ``policy``.
    """

    role: DatabaseRole
    table: str
    command: Command
    reach: Reach
    columns: tuple[str, ...] = ()

    @property
    def crosses(self) -> bool:
        """Whether the right needs a policy of its own; the backup role bypasses all policies."""
        return self.reach == "all" and self.role != BACKUP

    @property
    def policy(self) -> str:
        """The name of the policy that lets this right cross tenants."""
        return f"{self.role}_{self.command.lower()}"


@dataclass(frozen=True, slots=True)
class Owned:
    """A table of the declaring app: the app's role has every right on it within the tenant."""

    table: str


@dataclass(frozen=True, slots=True)
class GlobalTable:
    """A table without tenants' rows, and therefore without row-level security. Rights on it have reach "all"."""

    table: str


@dataclass(frozen=True, slots=True)
class KeyException:
    """A key of a table with tenants' rows that is not bound to the tenant, and the reason.

    ``subject`` is the columns of the key or the unique constraint, or the table that a foreign key references.
    """

    table: str
    rule: Rule
    subject: str
    reason: str


TableDeclaration = tuple[Right, ...] | Owned | GlobalTable | KeyException


def owned(table: TableRef) -> Owned:
    """Declare a table of this app: ``owned(Project)`` gives the app's role every right on it within the tenant."""
    return Owned(name_of(table))


def global_table(table: TableRef) -> GlobalTable:
    """Declare a table without tenants' rows, such as the plans."""
    return GlobalTable(name_of(table))


def may(role: str, reach: Reach, table: TableRef, *commands: str) -> tuple[Right, ...]:
    """Declare what a role may do: ``may(WORKER, "all", Invitation, "SELECT tenant_id, id", "DELETE")``.

    ``reach`` is "tenant" for the rows of the transaction's tenant, "all" for the rows of every tenant. A command
    without columns is for all columns.
    """
    login = role if isinstance(role, DatabaseRole) else DatabaseRole(role)
    return tuple(_right(login, reach, name_of(table), words) for words in commands)


def key_exception(table: TableRef, rule: Rule, subject: str, *, reason: str) -> KeyException:
    """Declare that a key, unique constraint or foreign key of the table is not bound to the tenant, and why."""
    if not reason:
        raise ValueError(f"{name_of(table)}: say in reason= why its {rule} ({subject}) is not bound to the tenant")
    return KeyException(name_of(table), rule, subject, reason)


def name_of(table: TableRef) -> str:
    """Return the table's name."""
    return table if isinstance(table, str) else str(table.__tablename__)


def _right(role: DatabaseRole, reach: Reach, table: str, words: str) -> Right:
    """Parse a right such as ``"SELECT"`` or ``"SELECT id, name"``."""
    name, _, columns = words.partition(" ")
    command = next((command for command in COMMANDS if command == name), None)
    if command is None:
        raise ValueError(
            f"{table}: {words!r} is not a right: write one of {', '.join(COMMANDS)}, then a space and the columns"
        )
    return Right(role, table, command, reach, tuple(part.strip() for part in columns.split(",") if part))
