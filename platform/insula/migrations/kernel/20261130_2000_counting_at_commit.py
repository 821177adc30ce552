"""Counted rows are added to a tenant's counter at COMMIT: before, inserting a row locked it until then.

The triggers of each counted table are replaced in this transaction, so the counters stay exact.
"""

from pathlib import Path
from typing import Final

from alembic import op
from sqlalchemy import text

from insula.db.schema.counting import create_triggers
from insula.db.schema.ddl import execute_file

revision: Final = "kernel_0003_counting_at_commit"
down_revision: Final = "kernel_0002_actor_kinds"

SQL: Final = Path(__file__).parent / "sql" / "counting.sql"
COUNTED: Final = text("""
SELECT DISTINCT relname, split_part(encode(tgargs, 'escape'), '\\000', 1) AS quota
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE proname = :function AND relnamespace = 'public'::regnamespace
""")
COUNT: Final = """
CREATE FUNCTION count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tenant_usage AS held (tenant_id, resource, used)
    SELECT tenant_id, TG_ARGV[0], pg_catalog.count(*) * TG_ARGV[1]::bigint FROM changed GROUP BY tenant_id
    ON CONFLICT (tenant_id, resource) DO UPDATE SET used = held.used + excluded.used;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    execute_file(SQL)
    bind = op.get_bind()
    for table, quota in bind.execute(COUNTED, {"function": "count_usage"}).all():
        for name in ("counted_in", "counted_out"):
            op.execute(f'DROP TRIGGER {name} ON "{table}"')
        create_triggers(bind, table, quota)
    op.execute("DROP FUNCTION count_usage()")


def downgrade() -> None:
    op.execute(COUNT)
    op.execute("REVOKE ALL ON FUNCTION count_usage() FROM PUBLIC")
    for table, quota in op.get_bind().execute(COUNTED, {"function": "note_usage"}).all():
        for name in ("counted", "settled"):
            op.execute(f'DROP TRIGGER {name} ON "{table}"')
        for name, event, rows, sign in (("counted_in", "INSERT", "NEW", "1"), ("counted_out", "DELETE", "OLD", "-1")):
            op.execute(
                f'CREATE TRIGGER {name} AFTER {event} ON "{table}" REFERENCING {rows} TABLE AS changed '
                f"FOR EACH STATEMENT EXECUTE FUNCTION count_usage('{quota}', '{sign}')"
            )
    op.execute("DROP FUNCTION note_usage()")
    op.execute("DROP FUNCTION settle_usage()")
