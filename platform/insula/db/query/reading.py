"""Reads in one round trip: a SELECT written with SQLModel, compiled once, run by the driver.

Outside a transaction a read sets its tenant itself. The statement becomes the inner side of a
lateral join whose outer side sets ``app.tenant_id`` for this one statement::

    SELECT r.* FROM (SELECT set_config('app.tenant_id', $n, true) AS tenant OFFSET 0) AS fence
    CROSS JOIN LATERAL (SELECT ... WHERE ... AND fence.tenant IS NOT NULL AND tenant_id = $n OFFSET 0) AS r

The inner side refers to the outer one and neither can be flattened (``OFFSET 0``), so PostgreSQL
can only run it for a row of the outer side: after the setting. Row-level security reads the
setting when the inner scan starts. If it ever ran earlier, the setting would be empty and the read
would return no row. The tenant's comparison with the parameter is only for the planner, see
``_planned``. Inside a transaction, which has its tenant, the driver runs the plain statement. With
``INSULA_DATABASE_LEAN_READS=false`` the session runs it, without the fence.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, Generic, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, Integer, literal_column
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import SQLModel
from sqlmodel.sql.expression import SelectOfScalar

from insula.db.engine.connection import TenantConnection
from insula.db.engine.fair_pool import end_silent
from insula.db.engine.transaction import checkout, driver_of
from insula.db.engine.unit import Unit
from insula.db.query.compiled import Compiled, Convert, converters

Model = TypeVar("Model", bound=SQLModel)

_CLOSE_SECONDS: Final = 2.0
_TENANT: Final = "tenant_id"
_TENANT_PLACEHOLDER: Final = "tenant_that_the_fence_sets"
_FENCE: Final = literal_column("fence.tenant").is_not(None)
_NOTHING: Final = literal_column("0", Integer)


class Reading(Generic[Model]):
    """A SELECT of one model's rows with ``bindparam``s for its values; create it once, beside its query.

    A value for an unknown ``bindparam`` is a TypeError: a misspelt one would be read as NULL.
    The rows are read-only, and in no session: ``insula.db.query.rows`` writes a changed copy.
    """

    def __init__(self, model: type[Model], build: Callable[[], SelectOfScalar[Model]]) -> None:
        self._model = model
        self._build = build

    async def one(self, unit: Unit, **values: object) -> Model | None:
        """Return the only row, or None."""
        found = await self.all(unit, **values)
        return found[0] if found else None

    async def all(self, unit: Unit, **values: object) -> list[Model]:
        """Return every row, in the statement's order."""
        self._fenced.check(values)
        if not unit.lean_reads or (unit.begun and not unit.lean_writes):
            return await self._on_session(unit, self._statement, values)
        if unit.begun:
            plain = self._plain
            records = await (await unit.transaction()).fetch(plain.sql, plain.arguments(values))
        else:
            arguments = [*self._fenced.arguments(values), "" if unit.tenant_id is None else str(unit.tenant_id)]
            records = await _fetch(unit, self._fenced.sql, arguments)
        return [self._read(record) for record in records]

    async def locked(self, unit: Unit, **values: object) -> Model | None:
        """Return the only row, or None, locked against changes until the unit's transaction ends."""
        compiled = self._locking
        compiled.check(values)
        if not unit.lean_writes:
            found = await self._on_session(unit, self._lock, values)
            return found[0] if found else None
        arguments = compiled.arguments(values)
        if self._names_tenant:
            arguments.append(unit.tenant_id)
        records = await (await unit.transaction()).fetch(compiled.sql, arguments)
        return self._read(records[0]) if records else None

    async def _on_session(
        self, unit: Unit, statement: SelectOfScalar[Model], values: Mapping[str, object]
    ) -> list[Model]:
        columns = statement.with_only_columns(*self._model.__table__.columns)  # type: ignore[attr-defined]  # as below
        found = await (await unit.session.connection()).execute(columns, dict(values))
        return [row_of(self._model, dict(record), {}) for record in found.mappings()]

    @cached_property
    def _statement(self) -> SelectOfScalar[Model]:
        return self._build()

    @cached_property
    def _lock(self) -> SelectOfScalar[Model]:
        return self._statement.with_for_update(key_share=True)

    @cached_property
    def _converted(self) -> Mapping[str, Convert]:
        return converters(self._model.__table__.columns)  # type: ignore[attr-defined]  # SQLModel sets it for tables

    @cached_property
    def _names_tenant(self) -> bool:
        return _TENANT in self._model.__table__.columns  # type: ignore[attr-defined]  # as above

    @cached_property
    def _plain(self) -> Compiled:
        return Compiled.of(self._statement)

    @cached_property
    def _fenced(self) -> Compiled:
        inner = Compiled.of(self._statement.where(_FENCE, *self._planned()).offset(_NOTHING))
        tenant = f"${len(inner.defaults) + 1}"
        fence = f"(SELECT set_config('app.tenant_id', {tenant}, true) AS tenant OFFSET 0) AS fence"
        rows = inner.sql.replace(_TENANT_PLACEHOLDER, f"nullif({tenant}, '')::uuid")
        sql = f"SELECT r.* FROM {fence} CROSS JOIN LATERAL ({rows}) AS r"  # noqa: S608 - compiled, bound
        return replace(inner, sql=sql)

    @cached_property
    def _locking(self) -> Compiled:
        """The statement with a lock. It names the tenant, which Citus requires of one that locks rows."""
        plain = Compiled.of(self._lock.where(*self._planned()))
        return replace(plain, sql=plain.sql.replace(_TENANT_PLACEHOLDER, f"${len(plain.defaults) + 1}::uuid"))

    def _planned(self) -> Iterator[ColumnElement[bool]]:
        """Yield a second condition on the tenant, with the tenant as a parameter.

        The planner runs before the setting exists: it evaluates the policy's comparison as one with NULL, expects no
        row, and rates any index that starts with the tenant as high as the one on the id. It treats both comparisons
        as one equivalence: it scans by the parameter, whose rows it can estimate, and checks that against the setting.
        """
        tenant_id = self._model.__table__.columns.get(_TENANT)  # type: ignore[attr-defined]  # as above
        if tenant_id is not None:
            yield tenant_id == literal_column(_TENANT_PLACEHOLDER, tenant_id.type)

    def _read(self, record: Mapping[str, object]) -> Model:
        return row_of(self._model, record, self._converted)


def row_of(model: type[Model], record: Mapping[str, object], converted: Mapping[str, Convert]) -> Model:
    """Return the record as a row of the model, in no session."""
    row: Model = model.__new__(model)  # as the session does: ``__init__`` would validate and track
    values = vars(row)
    values.update(record.items())
    for name, convert in converted.items():
        values[name] = convert(values[name])
    return row


async def _fetch(unit: Unit, sql: str, arguments: Sequence[object]) -> Sequence[Mapping[str, object]]:
    pooled = await checkout(unit.engine)
    driver = driver_of(pooled)
    try:
        records: Sequence[Mapping[str, object]] = await driver.fetch(sql, *arguments)
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        pooled.close()  # the statement has ended; the next checkout replaces the connection if it died
        raise
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.ensure_future(_end(pooled, driver)))
        raise
    except TimeoutError:
        end_silent(driver, unit.engine.sync_engine.pool)
        pooled.invalidate()
        raise
    except BaseException:
        pooled.invalidate()  # interrupted: the server may still be working on it
        raise
    pooled.close()
    return records


async def _end(pooled: PoolProxiedConnection, driver: TenantConnection) -> None:
    """Close the connection after the server has stopped: an abrupt close could overtake the driver's cancel request."""
    try:
        await driver.close(timeout=_CLOSE_SECONDS)
    finally:
        pooled.invalidate()
