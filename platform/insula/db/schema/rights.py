"""The words in which rights are declared: who may do what with which table.

Migrations grant what is declared (``insula.db.schema.ddl``), ``insula migrate`` brings an older database to it, and the
catalogue check compares the database with it exactly: nobody may do what is not declared.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlmodel import SQLModel

from insula.db.engine.roles import BACKUP, DatabaseRole

FORMER_TABLE: Final = "alembic_version"
"""The revision of the version before the branches; not every database has it."""

Command = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
Reach = Literal["tenant", "all"]
Rule = Literal["key", "unique", "reference"]
Named = str | type[SQLModel]
"""A table, by its name or its model."""

COMMANDS: Final[tuple[Command, ...]] = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What one role may do to one table.

    Without ``columns``, all columns. UPDATE is granted for each column, because UPDATE of the table would allow
    LOCK TABLE.
    ``reach`` "tenant" is bound by the table's tenant policy. "all" crosses tenants: on a table with
    row-level security it has a policy of its own, named by ``policy``.
    """

    role: DatabaseRole
    table: str
    command: Command
    reach: Reach
    columns: tuple[str, ...] = ()

    @property
    def crosses(self) -> bool:
        """Whether a policy of its own is needed; the backup role bypasses them all."""
        return self.reach == "all" and self.role != BACKUP

    @property
    def policy(self) -> str:
        """The name of the policy that lets this right cross tenants."""
        return f"{self.role}_{self.command.lower()}"


@dataclass(frozen=True, slots=True)
class Owned:
    """A table of the app that declares it: everything within the tenant, for the app's role."""

    table: str


@dataclass(frozen=True, slots=True)
class GlobalTable:
    """A table without tenants' rows, and so without row-level security. Rights on it reach "all"."""

    table: str


@dataclass(frozen=True, slots=True)
class ShapeException:
    """Where a table with tenants' rows departs from the tenant-led keys, and why.

    ``subject`` is the columns of the key or the unique constraint, or the table that a foreign key leads to.
    """

    table: str
    rule: Rule
    subject: str
    reason: str


TableDeclaration = tuple[Right, ...] | Owned | GlobalTable | ShapeException


def owned(table: Named) -> Owned:
    """Declare a table of this app: ``owned(Project)`` lets the app's role do everything within the tenant."""
    return Owned(name_of(table))


def global_table(table: Named) -> GlobalTable:
    """Declare a table that holds no tenant's rows, such as the plans."""
    return GlobalTable(name_of(table))


def may(role: str, reach: Reach, table: Named, *commands: str) -> tuple[Right, ...]:
    """Declare what a role may do: ``may(WORKER, "all", Invitation, "SELECT tenant_id, id", "DELETE")``.

    ``reach`` is "tenant" for the rows of the tenant that is entered, "all" for what crosses tenants. Without
    columns, a command is for all of them.
    """
    login = role if isinstance(role, DatabaseRole) else DatabaseRole(role)
    return tuple(_right(login, reach, name_of(table), words) for words in commands)


def departs(table: Named, rule: Rule, subject: str, *, reason: str) -> ShapeException:
    """Declare that a key, a unique constraint or a foreign key of the table is not led by the tenant, and why."""
    if not reason:
        raise ValueError(f"{name_of(table)}: say why its {rule} ({subject}) is not led by the tenant, in reason=")
    return ShapeException(name_of(table), rule, subject, reason)


def name_of(table: Named) -> str:
    """Return the table's name."""
    return table if isinstance(table, str) else str(table.__tablename__)


def _right(role: DatabaseRole, reach: Reach, table: str, words: str) -> Right:
    """Read a right from ``"SELECT"`` or ``"SELECT id, name"``."""
    name, _, columns = words.partition(" ")
    command = next((command for command in COMMANDS if command == name), None)
    if command is None:
        raise ValueError(f"{table}: {words!r} is no right: write {', '.join(COMMANDS)}, and columns after a space")
    return Right(role, table, command, reach, tuple(part.strip() for part in columns.split(",") if part))
