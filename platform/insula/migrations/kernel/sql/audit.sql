-- The audit log: chained by hashes per tenant, append-only.

-- Gives an event its place, whichever role inserts it: an app's role may not even name these columns. What is hashed
-- stands in docs/decisions/0020-chained-audit-log.md, and `insula audit verify` computes it anew. The roles that are not
-- named, the owner's above all, restore what was: they may record any act at any time.
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
$$;

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER chained BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION chain_audit_event();
CREATE TRIGGER no_update_or_delete BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW
    EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER no_delete BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
-- The trigger of an event calls at depth one, a statement of a client at depth zero.
CREATE TRIGGER only_by_event BEFORE INSERT OR UPDATE ON audit_head FOR EACH STATEMENT
    WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION refuse_audit_change();
