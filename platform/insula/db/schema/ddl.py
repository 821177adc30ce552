"""Functions with which migrations create tables, so that every table has its full protection.

``create_tenant_table("project", Column("name", Text, nullable=False), ...)`` creates the keys, row-level
security, the declared policies and grants, the triggers of its quota, then the foreign keys, in that order.
Declare the table first, in its resource or its app's ``DATABASE``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Uuid, text
from sqlalchemy.schema import SchemaItem

from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.connection import CHANNEL
from insula.db.schema import counting, entering
from insula.db.schema.acts import apply_acts
from insula.db.schema.declarations import Declarations
from insula.db.schema.grants import apply_rights
from insula.db.schema.queue import apply_queue

_STATEMENT: Final = re.compile(r"(?:[^;$]|\$\$.*?\$\$|\$(?!\$))+;", re.DOTALL)
_EVENT: Final = text("""
    INSERT INTO audit_event (tenant_id, id, occurred_at, actor_kind, action, object_type, object_id, before, after,
        request_id, address)
    VALUES (:tenant_id, :id, :occurred_at, 'system', :action, :object_type, :object_id, CAST(:before AS jsonb),
        CAST(:after AS jsonb), '', '')
""")
NOTIFY_FUNCTION: Final = f"""
CREATE FUNCTION notify_access() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair integer;
    image jsonb;
BEGIN
    FOREACH image IN ARRAY CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[pg_catalog.to_jsonb(NEW)]
        WHEN 'DELETE' THEN ARRAY[pg_catalog.to_jsonb(OLD)]
        ELSE ARRAY[pg_catalog.to_jsonb(OLD), pg_catalog.to_jsonb(NEW)]
    END LOOP
        FOR pair IN 0 .. TG_NARGS / 2 - 1 LOOP
            PERFORM pg_catalog.pg_notify(
                '{CHANNEL}', TG_ARGV[2 * pair] || ':' || coalesce(image ->> TG_ARGV[2 * pair + 1], '')
            );
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$
"""


def create_tenant_table(name: str, *items: SchemaItem) -> None:
    """Create a ``TenantOwned`` table: its keys, times and version, then ``items``.

    ``items`` are columns and constraints as for ``op.create_table``. Give foreign keys as constraints
    (``tenant_fk(...)``, or ``ForeignKeyConstraint`` to a global table), not as arguments of a column;
    the one to ``tenant`` is added.
    """
    create_table(
        name,
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        *stamps(),
        *items,
        PrimaryKeyConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    )


def create_table(name: str, *items: SchemaItem) -> None:
    """Create any table with its declared rights, and with row-level security if it has ``tenant_id``.

    For global tables, and for tenants' tables whose key is not ``(tenant_id, id)``.
    """
    references = [item for item in items if isinstance(item, ForeignKeyConstraint)]
    for item in items:
        if isinstance(item, Column) and item.foreign_keys:
            raise ValueError(f"{name}.{item.name}: give the foreign key as a constraint: it is created last")
    op.create_table(name, *(item for item in items if not isinstance(item, ForeignKeyConstraint)))
    protect(name)
    for reference in references:
        add_foreign_key(name, reference)


def stamps() -> Sequence[Column[object]]:
    """Return the columns of ``insula.db.schema.base.Stamped``."""
    return (
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
        Column("version", Integer, nullable=False),
    )


def protect(table: str) -> None:
    """Apply the declared row-level security, policies, grants and counting. Call it again after adding a column."""
    bind, found = op.get_bind(), declared()
    apply_rights(bind, table, found)
    if table in counting.uncounted(bind, found):
        counting.count_rows(bind, table, found.counted[table])


def protect_queue() -> None:
    """Apply the declared triggers, row-level security and grants of the job queue."""
    apply_queue(op.get_bind(), declared())


def protect_acts() -> None:
    """Create the trigger function of the audit log: see ``insula.db.schema.acts``."""
    apply_acts(op.get_bind(), declared())


def declared() -> Declarations:
    """Return the installation's declarations, with which the migrations were started."""
    found = op.get_context().opts.get("declared")
    if not isinstance(found, Declarations):
        raise RuntimeError(  # noqa: TRY004  # it is missing, not of a wrong type
            "the migrations were started without the declarations: use alembic_config(declared, connection)"
        )
    return found


def add_foreign_key(table: str, reference: ForeignKeyConstraint) -> None:
    """Add a foreign key, such as ``tenant_fk("project_id", "project")`` gives, to an existing table."""
    local = list(reference.column_keys)
    remote = [element.target_fullname.rpartition(".") for element in reference.elements]
    op.create_foreign_key(
        f"fk_{table}_{'_'.join(local)}",
        table,
        remote[0][0],
        local,
        [column for _, _, column in remote],
        ondelete=reference.ondelete,
    )


def notify_access(table: str, keys: Mapping[str, str], *, columns: Sequence[str], made: bool = True) -> None:
    """Notify about changes of access at commit, with ids only: ``{"tenant": "tenant_id"}`` sends ``tenant:<value>``.

    An update notifies if one of ``columns`` changed; an insert if ``made``. A key whose column is ``""``
    sends no id.
    """
    arguments = ", ".join(f"'{word}'" for pair in keys.items() for word in pair)
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    run = f'ON "{table}" FOR EACH ROW'
    call = f"EXECUTE FUNCTION notify_access({arguments})"
    op.execute(f"CREATE TRIGGER access_changed AFTER UPDATE {run} WHEN ({changed}) {call}")
    op.execute(f"CREATE TRIGGER access_made AFTER {'INSERT OR ' if made else ''}DELETE {run} {call}")


def execute_file(file: Path) -> None:
    """Run the statements of a file, one by one. No comment or string may hold a semicolon, except within ``$$``."""
    for statement in _STATEMENT.findall(file.read_text()):
        op.get_bind().exec_driver_sql(statement)


def commit_step() -> None:
    """Commit what the revision has done so far and continue in a new transaction. The revision must be repeatable."""
    with op.get_context().autocommit_block():
        pass


def tenants_in_turn() -> Iterator[UUID]:
    """Yield each tenant's id; until the next one, the migration's statements see and change that tenant's rows."""
    yield from entering.tenants_in_turn(op.get_bind())


def each_tenant(table: str, statement: str) -> int:
    """Run a backfill of ``table`` as each tenant in turn and return how many rows it changed.

    FORCE ROW LEVEL SECURITY binds the owner too: without a tenant an UPDATE silently changes nothing.
    So a backfill that changes no row of a table that has rows is an error.
    """
    bind = op.get_bind()
    owner = "id" if table == "tenant" else "tenant_id"
    count = text(f'SELECT count(*) FROM "{table}" WHERE {owner} = :id')  # noqa: S608  # a migration's own names
    seen = changed = 0
    for tenant_id in tenants_in_turn():
        seen += bind.execute(count, {"id": tenant_id}).scalar_one()
        changed += bind.execute(text(statement)).rowcount
    if seen and not changed:
        raise RuntimeError(f"the backfill of {table} changed none of {seen} rows")
    return changed


def record_migration(
    chain: UUID,
    action: str,
    *,
    object_type: str,
    object_id: UUID,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    """Record in the audit log what the migration changed, or left for a person to decide."""
    bind = op.get_bind()
    entered = bind.execute(text("SELECT current_setting('app.tenant_id', true)")).scalar_one() or ""
    entering.enter_tenant(bind, chain)
    bind.execute(
        _EVENT,
        {
            "tenant_id": chain,
            "id": new_id(),
            "occurred_at": clock.now(),
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "before": json.dumps(before),
            "after": json.dumps(after),
        },
    )
    entering.enter_tenant(bind, UUID(entered) if entered else None)
