"""The audit log: append-only, chained by hashes per tenant."""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from insula.db.ddl import create_table

revision: Final = "0500_audit"
down_revision: Final = "0400_jobs"

# Gives an event its place, whoever inserts it: an app's role may not even name these columns. What
# is hashed is told in docs/decisions, and computed anew by `insula audit verify`.
_CHAIN: Final = """
CREATE FUNCTION chain_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head public.audit_head;
BEGIN
    SELECT * INTO head FROM public.audit_head WHERE tenant_id = NEW.tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.audit_head (tenant_id, sequence, hash)
        VALUES (NEW.tenant_id, 0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'))
        ON CONFLICT (tenant_id) DO NOTHING;
        SELECT * INTO STRICT head FROM public.audit_head WHERE tenant_id = NEW.tenant_id FOR UPDATE;
    END IF;
    NEW.sequence := head.sequence + 1;
    NEW.previous_hash := head.hash;
    NEW.hash := pg_catalog.sha256(head.hash || pg_catalog.convert_to(pg_catalog.jsonb_build_array(
        NEW.tenant_id, NEW.sequence, NEW.id,
        (EXTRACT(epoch FROM NEW.occurred_at) * 1000000)::bigint,
        NEW.actor_kind, NEW.actor_id, NEW.actor_label, NEW.action, NEW.object_type, NEW.object_id,
        NEW.before, NEW.after, NEW.request_id, NEW.address
    )::text, 'UTF8'));
    UPDATE public.audit_head SET sequence = NEW.sequence, hash = NEW.hash WHERE tenant_id = NEW.tenant_id;
    RETURN NEW;
END
$$
"""
_REFUSE: Final = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
# Called by the trigger of an event the depth is one; a statement of its own has none.
_GUARD_HEAD: Final = """
CREATE TRIGGER only_by_event BEFORE INSERT OR UPDATE ON audit_head FOR EACH STATEMENT
WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION refuse_audit_change()
"""


def upgrade() -> None:
    create_table(
        "audit_head",
        Column("tenant_id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant_id"),
    )
    op.execute("ALTER TABLE audit_head SET (fillfactor = 50)")  # room on the page: each event rewrites the row
    create_table(
        "audit_event",
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", Uuid),
        Column("actor_label", Text),
        Column("action", Text, nullable=False),
        Column("object_type", Text, nullable=False),
        Column("object_id", Text, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("request_id", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("previous_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "sequence"),
        CheckConstraint(
            "actor_kind in ('user', 'staff', 'api_key', 'system', 'provider')", name="ck_audit_event_actor_kind"
        ),
    )
    op.create_index(None, "audit_event", ["tenant_id", "occurred_at", "id"])
    op.create_index(None, "audit_event", ["tenant_id", "actor_id", "occurred_at", "id"])
    op.create_index(None, "audit_event", ["tenant_id", "object_type", "object_id", "occurred_at", "id"])
    op.execute(_CHAIN)
    op.execute(_REFUSE)
    op.execute("CREATE TRIGGER chained BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION chain_audit_event()")
    op.execute(_GUARD_HEAD)
    for table, what, each in (
        ("audit_event", "UPDATE OR DELETE", "ROW"),
        ("audit_event", "TRUNCATE", "STATEMENT"),
        ("audit_head", "DELETE", "ROW"),
        ("audit_head", "TRUNCATE", "STATEMENT"),
    ):
        name = f"no_{what.lower().replace(' ', '_')}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH {each} EXECUTE FUNCTION refuse_audit_change()"
        )


def downgrade() -> None:
    op.drop_table("audit_event")
    op.drop_table("audit_head")
    op.execute("DROP FUNCTION chain_audit_event()")
    op.execute("DROP FUNCTION refuse_audit_change()")
