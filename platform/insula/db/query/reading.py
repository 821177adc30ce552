"""Reads in one round trip: a SELECT written with SQLModel, compiled once, run by the driver.

Outside a transaction a read sets its tenant itself. The statement becomes the inner side of a
lateral join whose outer side sets ``app.tenant_id`` for this one statement::

    SELECT r.* FROM (SELECT set_config('app.tenant_id', $n, true) AS tenant OFFSET 0) AS fence
    CROSS JOIN LATERAL (SELECT ... WHERE ... AND fence.tenant IS NOT NULL AND tenant_id = $n OFFSET 0) AS r

The inner side refers to the outer one and neither can be flattened (``OFFSET 0``), so PostgreSQL
can only run it for a row of the outer side: after the setting. Row-level security reads the
setting when the inner scan starts. If it ever ran earlier, the setting would be empty and the read
would return no row. The tenant's comparison with the parameter is only for the planner, see
``_planned``. Inside a transaction, and with ``INSULA_DATABASE_LEAN_READS=false``, the same statement
runs on the session.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Integer, literal_column
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.sql.expression import SelectOfScalar

from insula.db.engine.connection import TenantConnection
from insula.db.engine.fair_pool import FairPool, end_silent
from insula.db.engine.unit import Unit

Model = TypeVar("Model", bound=SQLModel)
Convert = Callable[[Any], Any]

_CLOSE_SECONDS: Final = 2.0
_TENANT: Final = "tenant_id"
_SAID: Final = "tenant_that_the_fence_sets"
_FENCE: Final = literal_column("fence.tenant").is_not(None)
_NOTHING: Final = literal_column("0", Integer)
_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its constructor untyped


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    default: Any
    convert: Convert | None


@dataclass(frozen=True, slots=True)
class _Lean:
    """The statement as the driver runs it. ``required`` names the parameters without a default."""

    sql: str
    parameters: Sequence[_Parameter]
    required: frozenset[str]
    converted: Mapping[str, Convert]

    def check(self, values: Mapping[str, object]) -> None:
        """Raise TypeError for a missing or unknown parameter, as a function call does."""
        if values.keys() == self.required:
            return
        missing = self.required - values.keys()
        unknown = values.keys() - {parameter.name for parameter in self.parameters}
        if missing or unknown:
            raise TypeError(
                f"the statement has the parameters {_listed(self.required)}; "
                f"missing: {_listed(missing)}; unknown: {_listed(unknown)}"
            )

    def arguments(self, values: Mapping[str, object], tenant_id: UUID | None) -> list[object]:
        found: list[object] = []
        for parameter in self.parameters:
            value = values.get(parameter.name, parameter.default)
            found.append(value if parameter.convert is None else parameter.convert(value))
        found.append("" if tenant_id is None else str(tenant_id))
        return found


class Reading(Generic[Model]):
    """A SELECT of one model's rows with ``bindparam``s for its values; create it once, beside its query.

    A value for an unknown ``bindparam`` is a TypeError: a misspelt one would be read as NULL.
    The rows are read-only: changes to them are not saved. To change a row, select it on the session,
    ``with_for_update``.
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
        lean = self._lean
        lean.check(values)
        if unit.begun or not unit.lean_reads:
            return list((await unit.session.exec(self._statement, params=values)).all())
        records = await _fetch(unit, lean.sql, lean.arguments(values, unit.tenant_id))
        return [self._read(record, lean.converted) for record in records]

    @cached_property
    def _statement(self) -> SelectOfScalar[Model]:
        return self._build()

    @cached_property
    def _lean(self) -> _Lean:
        fenced = self._statement.where(_FENCE, *self._planned()).offset(_NOTHING)
        compiled = fenced.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("a reading is a SELECT")
        parameters = [
            _Parameter(name, compiled.params[name], _encoder(compiled.binds[name].type))
            for name in compiled.positiontup or ()
        ]
        converted = {
            column.name: convert
            for column in self._model.__table__.columns  # type: ignore[attr-defined]  # SQLModel sets it for tables
            if (convert := column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) is not None
        }
        tenant = f"${len(parameters) + 1}"
        fence = f"(SELECT set_config('app.tenant_id', {tenant}, true) AS tenant OFFSET 0) AS fence"
        inner = compiled.string.replace(_SAID, f"nullif({tenant}, '')::uuid")
        sql = f"SELECT r.* FROM {fence} CROSS JOIN LATERAL ({inner}) AS r"  # noqa: S608 - compiled, bound
        required = frozenset(parameter.name for parameter in parameters if compiled.binds[parameter.name].required)
        return _Lean(sql, parameters, required, converted)

    def _planned(self) -> Iterator[ColumnElement[bool]]:
        """Yield a second condition on the tenant, with the tenant as a parameter.

        The planner runs before the setting exists: it evaluates the policy's comparison as one with NULL, expects no
        row, and rates any index that starts with the tenant as high as the one on the id. It treats both comparisons
        as one equivalence: it scans by the parameter, whose rows it can estimate, and checks that against the setting.
        """
        tenant_id = self._model.__table__.columns.get(_TENANT)  # type: ignore[attr-defined]  # as below
        if tenant_id is not None:
            yield tenant_id == literal_column(_SAID, tenant_id.type)

    def _read(self, record: Mapping[str, object], converted: Mapping[str, Convert]) -> Model:
        row: Model = self._model.__new__(self._model)  # as the session does: ``__init__`` would validate and track
        values = vars(row)
        values.update(record.items())
        for name, convert in converted.items():
            values[name] = convert(values[name])
        return row


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _encoder(kind: TypeEngine[Any]) -> Convert | None:
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


async def _fetch(unit: Unit, sql: str, arguments: Sequence[object]) -> Sequence[Mapping[str, object]]:
    pooled = await _checkout(unit.engine)
    driver = pooled.driver_connection
    if not isinstance(driver, TenantConnection):
        pooled.close()
        raise TypeError("a reading needs an engine of insula.db.engine.pools")
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


async def _checkout(engine: AsyncEngine) -> PoolProxiedConnection:
    """Take a connection, without the greenlet that SQLAlchemy would use to wait for one."""
    pool = engine.sync_engine.pool
    if not isinstance(pool, FairPool):
        return await engine.raw_connection()
    taken = pool.at_once()
    if taken is not None:
        return taken
    with pool.checkout():
        taken = await pool.take()
        return await engine.raw_connection() if taken is None else taken
