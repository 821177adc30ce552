"""The job queue: procrastinate's tables, in a schema of their own, and what keeps a job's effect to one."""

import re
from pathlib import Path
from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, Text, Uuid

from insula.db.ddl import create_table
from insula.db.queue import apply_queue

revision: Final = "0400_jobs"
down_revision: Final = "0300_billing"

SCHEMA: Final = Path(__file__).parents[1] / "sql" / "procrastinate.sql"
STATEMENT: Final = re.compile(r"(?:[^;$]|\$\$.*?\$\$|\$(?!\$))+;", re.DOTALL)


def upgrade() -> None:
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs, pg_temp")
    for statement in STATEMENT.findall(SCHEMA.read_text()):
        op.get_bind().exec_driver_sql(statement)
    op.execute("SET LOCAL search_path = public, pg_temp")
    # Whose a job is, for row-level security, and since when it waits, for the metrics.
    op.execute(
        "ALTER TABLE jobs.procrastinate_jobs "
        "ADD COLUMN tenant_id uuid GENERATED ALWAYS AS ((args ->> 'tenant_id')::uuid) STORED, "
        "ADD COLUMN enqueued_at timestamptz NOT NULL DEFAULT now()"
    )
    op.execute(
        "CREATE INDEX ix_jobs_status ON jobs.procrastinate_jobs (status, queue_name) "
        "INCLUDE (enqueued_at, scheduled_at)"
    )
    op.execute("CREATE INDEX ix_jobs_tenant_id ON jobs.procrastinate_jobs (tenant_id, id)")
    apply_queue(op.get_bind())
    create_table(
        "job_effect",
        Column("tenant_id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("tenant_id", "key"),
    )
    op.create_index("ix_job_effect_created_at", "job_effect", ["created_at"])
    op.create_index("ix_idempotency_record_created_at", "idempotency_record", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_idempotency_record_created_at", "idempotency_record")
    op.drop_table("job_effect")
    op.execute("DROP SCHEMA jobs CASCADE")
