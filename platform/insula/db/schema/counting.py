"""Triggers that count each tenant's rows of a declared table in ``tenant_usage``, for quotas.

One notes each row, the other adds what is noted to the counter at COMMIT (``migrations/kernel/sql/counting.sql``).

``create_tenant_table`` creates the triggers of a new table. For an existing table that is newly declared,
``insula migrate`` creates them and counts the existing rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.schema.declarations import Declarations
from insula.db.schema.entering import tenants_in_turn

USAGE: Final = "tenant_usage"
GRANTED: Final = "granted_"
"""Prefix of the setting of a transaction that bounds a quota's rows, as ``<tenant>:<rows>``."""
QUOTA: Final = "quota_"
"""Prefix of the constraint that PostgreSQL names when a quota is exceeded."""
_FUNCTIONS: Final = frozenset({"note_usage", "settle_usage"})
_GUARD: Final = "only_by_count"
_EXISTING: Final = text("""
SELECT relname AS table, tgname AS name, proname AS function, tgtype::integer AS moment, tgargs AS arguments,
       tginitdeferred AS at_commit, tgqual IS NOT NULL AS conditional
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
""")
_POSSIBLE: Final = text("SELECT to_regprocedure('public.settle_usage()') IS NOT NULL")
_EXISTS: Final = text("SELECT to_regclass('public.' || quote_ident(:table)) IS NOT NULL")
_GUARDED: Final = text("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = :name AND tgrelid = to_regclass(:table))")


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A trigger as PostgreSQL stores it; ``moment`` is ``pg_trigger.tgtype``."""

    function: str
    moment: int
    arguments: bytes
    at_commit: bool
    conditional: bool = False


def uncounted(connection: Connection, declared: Declarations) -> list[str]:
    """Return the declared tables that exist and whose triggers are not as declared."""
    if not connection.execute(_POSSIBLE).scalar_one():
        return []
    existing = _existing(connection)
    return [
        table
        for table, quota in declared.counted.items()
        if connection.execute(_EXISTS, {"table": table}).scalar_one()
        and any(existing.get((table, name)) != trigger for name, trigger in _declared(quota).items())
    ]


def count_rows(connection: Connection, table: str, quota: str) -> None:
    """Create the table's triggers, and count every tenant's rows. Run as the owner, in one transaction.

    The triggers come first: creating them locks the table against writes until the commit.
    """
    create_triggers(connection, table, quota)
    guarded = connection.execute(_GUARDED, {"name": _GUARD, "table": USAGE}).scalar_one()
    if guarded:
        connection.exec_driver_sql(f"ALTER TABLE {USAGE} DISABLE TRIGGER {_GUARD}")
    count = text(
        f"INSERT INTO {USAGE} (tenant_id, resource, used) "  # noqa: S608  # declared names
        f'SELECT CAST(:id AS uuid), :quota, count(*) FROM "{table}" WHERE tenant_id = :id '
        "ON CONFLICT (tenant_id, resource) DO UPDATE SET used = excluded.used"
    )
    for tenant_id in tenants_in_turn(connection):
        connection.execute(count, {"id": tenant_id, "quota": quota})
    if guarded:
        connection.exec_driver_sql(f"ALTER TABLE {USAGE} ENABLE TRIGGER {_GUARD}")


def create_triggers(connection: Connection, table: str, quota: str) -> None:
    """Replace the table's triggers by the declared ones. Run as the owner."""
    for name in _declared(quota):
        connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS {name} ON "{table}"')
    for name, trigger in _declared(quota).items():
        kind, time = ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED") if trigger.at_commit else ("TRIGGER", "")
        connection.exec_driver_sql(
            f'CREATE {kind} {name} AFTER INSERT OR DELETE ON "{table}" {time} '
            f"FOR EACH ROW EXECUTE FUNCTION {trigger.function}('{quota}')"
        )


def counting_findings(connection: Connection, declared: Declarations) -> Iterator[str]:
    """Yield a finding for each counting trigger that is missing, differs from its declaration, or is not declared."""
    existing = _existing(connection)
    for table, quota in declared.counted.items():
        for name, trigger in _declared(quota).items():
            if (table, name) not in existing:
                yield f"{table}: the trigger {name} is missing"
            elif existing[table, name] != trigger:
                yield f"{table}: the trigger {name} is not as declared"
    yield from _undeclared(existing, declared)


def _undeclared(existing: Mapping[tuple[str, str], _Trigger], declared: Declarations) -> Iterable[str]:
    for (table, name), trigger in existing.items():
        ours = table in declared.counted and name in _declared(declared.counted[table])
        if trigger.function in _FUNCTIONS and not ours:
            yield f"{table}: the trigger {name} counts rows, which is not declared"


def _declared(quota: str) -> dict[str, _Trigger]:
    each_row, insert, delete = 1, 4, 8
    moment, arguments = each_row | insert | delete, f"{quota}\000".encode()
    return {
        "counted": _Trigger("note_usage", moment, arguments, at_commit=False),
        "settled": _Trigger("settle_usage", moment, arguments, at_commit=True),
    }


def _existing(connection: Connection) -> dict[tuple[str, str], _Trigger]:
    return {
        (row.table, row.name): _Trigger(row.function, row.moment, bytes(row.arguments), row.at_commit, row.conditional)
        for row in connection.execute(_EXISTING)
    }
