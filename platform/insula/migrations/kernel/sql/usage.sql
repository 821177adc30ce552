-- How much a tenant has of what its plan bounds. insula.db.schema.ddl.count_rows puts the triggers on a table.

-- Called as ('items', '1') or ('items', '-1'), once a statement, whatever number of rows it changed.
CREATE FUNCTION count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tenant_usage AS held (tenant_id, resource, used)
    SELECT tenant_id, TG_ARGV[0], pg_catalog.count(*) * TG_ARGV[1]::bigint FROM changed GROUP BY tenant_id
    ON CONFLICT (tenant_id, resource) DO UPDATE SET used = held.used + excluded.used;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION count_usage() FROM PUBLIC;

CREATE FUNCTION refuse_direct_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept by triggers: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
REVOKE ALL ON FUNCTION refuse_direct_change() FROM PUBLIC;

-- The trigger of a counted table calls at depth one, a statement of a client at depth zero.
CREATE TRIGGER only_by_count BEFORE INSERT OR UPDATE ON tenant_usage FOR EACH STATEMENT
    WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION refuse_direct_change();
