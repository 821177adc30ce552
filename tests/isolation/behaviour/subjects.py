"""Every table, of the apps and of the queue, with its declared rights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, MetaData, Table, and_
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.roles import WORKER, DatabaseRole
from insula.db.schema.base import metadata
from insula.db.schema.queue_rights import JOBS, SCHEMA
from insula.db.schema.rights import COMMANDS, Command, Reach
from tests.support.apps import DECLARED
from tests.support.samples import FOLLOWED, Row, sample, tenant_of

ROLES: Final = DECLARED.serving_roles
QUEUE: Final = f"{SCHEMA}.{JOBS}"
_SEES_ALL_JOBS: Final = frozenset(
    {WORKER, *(right.role for right in DECLARED.queue if (right.name, right.privilege) == (JOBS, "SELECT"))}
)


@dataclass(frozen=True)
class Access:
    """How far a role's command reaches in a table; no ``columns`` means all."""

    reach: Reach
    columns: tuple[str, ...] = ()

    def names(self, column: str) -> bool:
        """Return whether the role may name the column."""
        return not self.columns or column in self.columns


@dataclass(frozen=True)
class Subject:
    """A table, the column with the owner of its rows, and the rights of each role."""

    table: Table
    access: Mapping[tuple[DatabaseRole, Command], Access]
    marks: tuple[str, ...]
    """Columns that each tell a row of mine from one of theirs, the best first."""
    owner: str | None = None
    """The column with a row's tenant; None for a table without tenants."""
    has_rows: bool = True

    @property
    def name(self) -> str:
        """The table's quoted name for SQL."""
        return f'{self.table.schema or "public"}."{self.table.name}"'

    def may(self, role: DatabaseRole, command: Command) -> Access | None:
        """Return the declared access, or None."""
        return self.access.get((role, command))

    def mark(self, role: DatabaseRole) -> str:
        """Return the column by which this role can tell rows apart."""
        seen = self.may(role, "SELECT")
        return next((mark for mark in self.marks if seen is not None and seen.names(mark)), self.marks[0])

    def row_is(self, role: DatabaseRole, row: Row) -> ColumnElement[bool]:
        """Return a condition for the row, with columns that the role may see."""
        columns = [self.mark(role)] if self.owner else self.marks
        return and_(*(self.table.c[column] == row[column] for column in columns))

    def insertable(self, role: DatabaseRole, row: Row) -> Row:
        """Return the columns of the row that the role may insert; all of them if it may not insert."""
        allowed = self.may(role, "INSERT")
        settable = {name: value for name, value in row.items() if self.table.c[name].computed is None}
        if self.table.name == "audit_event":
            settable["actor_kind"] = (DECLARED.actors.get(role) or ("user",))[0]
        return {name: value for name, value in settable.items() if allowed is None or allowed.names(name)}

    def updatable(self, role: DatabaseRole) -> str:
        """Return a column that the role may set, for example to its current value."""
        allowed = self.may(role, "UPDATE")
        return allowed.columns[0] if allowed is not None and allowed.columns else self.marks[-1]

    def given_to(self, tenant_id: UUID) -> Row:
        """Return the column values that make a row belong to that tenant."""
        if self.table.name == JOBS:
            return {"args": {"tenant_id": str(tenant_id), "arguments": {}}}
        return {str(self.owner): tenant_id}

    def sample(self, tenant_id: UUID, parents: Mapping[str, Row]) -> Row:
        """Return a new row of the tenant."""
        if self.table.name != JOBS:
            return sample(self.table, tenant_id, parents)
        later = clock.now() + timedelta(days=3650)  # no worker takes it
        job: Row = {"queue_name": f"queue-{new_id().hex}", "task_name": "sample", "priority": 0, "scheduled_at": later}
        return {**job, "lock": None, "queueing_lock": None, **self.given_to(tenant_id)}

    @property
    def followed(self) -> bool:
        """Whether a trigger maintains the rows, and refuses direct changes."""
        return self.table.name in FOLLOWED


async def read_subjects(connection: AsyncConnection) -> tuple[Subject, ...]:
    """Return every table, referenced ones first: the apps' from the models, the others from the database."""
    found = MetaData()
    await connection.run_sync(found.reflect, schema=SCHEMA)
    await connection.run_sync(found.reflect, only=["schema_revision"])
    others = [table for table in found.sorted_tables if table.name != JOBS]
    return (*map(_of_app, _plain_tables()), _of_jobs(found.tables[QUEUE]), *map(_without_rows, others))


def _plain_tables() -> list[Table]:
    """Return the models' tables without automatic values in UPDATE: a role may lack the right to set those columns."""
    plain = MetaData()
    for table in metadata.sorted_tables:
        for column in table.to_metadata(plain).columns:
            column.onupdate = None
    return plain.sorted_tables


def _of_app(table: Table) -> Subject:
    owner = tenant_of(table)
    marks = (owner,) if owner else tuple(column.name for column in table.primary_key)
    return Subject(table, _declared(table.name), marks, owner)


def _without_rows(table: Table) -> Subject:
    access = _queued(table.name) if table.schema == SCHEMA else _declared(table.name)
    return Subject(table, access, tuple(column.name for column in table.primary_key), has_rows=False)


def _of_jobs(table: Table) -> Subject:
    return Subject(table, _queued(table.name), ("tenant_id", "queue_name", "id", "priority"), "tenant_id")


def _declared(name: str) -> dict[tuple[DatabaseRole, Command], Access]:
    return {(right.role, right.command): Access(right.reach, right.columns) for right in DECLARED.rights_on(name)}


def _queued(name: str) -> dict[tuple[DatabaseRole, Command], Access]:
    """Read the queue's declarations; a trigger restricts every new job to its transaction's tenant."""
    return {
        (role, command): Access(_queue_reach(name, role, command), right.columns)
        for right in DECLARED.queue_rights
        for role, command in _pairs(right.role, right.privilege)
        if right.name == name
    }


def _pairs(role: str, privilege: str) -> Iterable[tuple[DatabaseRole, Command]]:
    return [(DatabaseRole(role), command) for command in COMMANDS if command == privilege]


def _queue_reach(name: str, role: DatabaseRole, command: Command) -> Reach:
    if name != JOBS:
        return "all"
    return "all" if role in _SEES_ALL_JOBS and command != "INSERT" else "tenant"
