-- Rows are noted when they are inserted or deleted, and added to the tenant's counter at COMMIT, once a transaction: the
-- counter is locked only while the transaction commits. `insula.db.schema.counting` creates the triggers.

-- Called as ('items'), for each row. Notes the rows in a setting of the transaction, which a savepoint undoes with them.
CREATE FUNCTION note_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry text := coalesce(NEW.tenant_id, OLD.tenant_id)::text || '/' || TG_ARGV[0];
    noted jsonb := coalesce(nullif(pg_catalog.current_setting('app.usage', true), ''), '{}')::jsonb;
    change bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM pg_catalog.set_config(
        'app.usage',
        (noted || pg_catalog.jsonb_build_object(entry, coalesce((noted ->> entry)::bigint, 0) + change))::text,
        true
    );
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_usage() FROM PUBLIC;

-- Called as ('items'), for each row at COMMIT. The first call adds what is noted for the tenant, the others find nothing.
-- `app.granted_items` is '<tenant>:<rows>' where the transaction must not leave more rows.
CREATE FUNCTION settle_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := coalesce(NEW.tenant_id, OLD.tenant_id);
    entry text := tenant::text || '/' || TG_ARGV[0];
    noted jsonb := coalesce(nullif(pg_catalog.current_setting('app.usage', true), ''), '{}')::jsonb;
    change bigint := (noted ->> entry)::bigint;
    entered text := pg_catalog.current_setting('app.tenant_id', true);
    granted text := pg_catalog.current_setting('app.granted_' || TG_ARGV[0], true);
    total bigint;
BEGIN
    IF change IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_catalog.set_config('app.usage', (noted - entry)::text, true);
    PERFORM pg_catalog.set_config('app.tenant_id', tenant::text, true);  -- the transaction may have entered another
    UPDATE public.tenant_usage SET used = used + change
    WHERE tenant_id = tenant AND resource = TG_ARGV[0] RETURNING used INTO total;
    IF NOT FOUND AND change > 0 THEN
        INSERT INTO public.tenant_usage AS held (tenant_id, resource, used) VALUES (tenant, TG_ARGV[0], change)
        ON CONFLICT (tenant_id, resource) DO UPDATE SET used = held.used + excluded.used RETURNING used INTO total;
    END IF;
    PERFORM pg_catalog.set_config('app.tenant_id', coalesce(entered, ''), true);
    IF change > 0 AND pg_catalog.split_part(granted, ':', 1) = tenant::text
        AND total > pg_catalog.split_part(granted, ':', 2)::bigint
    THEN
        RAISE EXCEPTION 'more % than the tenant is granted', TG_ARGV[0]
            USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_' || TG_ARGV[0], DETAIL = (total - change)::text;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION settle_usage() FROM PUBLIC;
