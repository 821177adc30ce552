"""What an app's role may not say: that others did it, or at another time, or that less is in use."""

from typing import Final

from alembic import op

revision: Final = "1500_acts_of_roles"
down_revision: Final = "1400_addresses"

# Who an app acts for. A role that is not named here, the owner's, restores what was: it may say anything.
_APPS_WORD: Final = """
    IF NOT (CASE current_user
        WHEN 'insula_tenants' THEN NEW.actor_kind IN ('user', 'api_key')
        WHEN 'insula_billing' THEN NEW.actor_kind IN ('user', 'api_key', 'provider', 'system')
        WHEN 'insula_admin' THEN NEW.actor_kind = 'staff'
        WHEN 'insula_identity' THEN NEW.actor_kind IN ('user', 'system')
        WHEN 'insula_worker' THEN NEW.actor_kind = 'system'
        ELSE true
    END) THEN
        RAISE EXCEPTION '% records no act of %', current_user, NEW.actor_kind USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF current_user IN ('insula_tenants', 'insula_billing', 'insula_admin', 'insula_identity', 'insula_worker') THEN
        NEW.occurred_at := pg_catalog.clock_timestamp();
    END IF;
"""
_CHAIN: Final = """
CREATE OR REPLACE FUNCTION chain_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
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
{apps_word}    NEW.sequence := head.sequence + 1;
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
CREATE FUNCTION refuse_direct_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept by triggers: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""
# Called by the trigger of a counted table the depth is one; a statement of its own has none.
_GUARD_USAGE: Final = """
CREATE TRIGGER only_by_count BEFORE INSERT OR UPDATE ON tenant_usage FOR EACH STATEMENT
WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION refuse_direct_change()
"""


def upgrade() -> None:
    op.execute(_CHAIN.format(apps_word=_APPS_WORD))
    op.execute(_REFUSE)
    op.execute("REVOKE ALL ON FUNCTION refuse_direct_change() FROM PUBLIC")
    op.execute(_GUARD_USAGE)


def downgrade() -> None:
    op.execute("DROP TRIGGER only_by_count ON tenant_usage")
    op.execute("DROP FUNCTION refuse_direct_change()")
    op.execute(_CHAIN.format(apps_word=""))
