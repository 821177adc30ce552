-- Every slug that a tenant has had. Runs with the rights of the role that makes or renames the tenant: the unique
-- constraint sees every tenant's slugs, the role only its own.
CREATE FUNCTION register_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE public.tenant_slug SET retired_at = pg_catalog.now() WHERE tenant_id = NEW.id AND slug = OLD.slug;
    END IF;
    UPDATE public.tenant_slug SET retired_at = NULL WHERE tenant_id = NEW.id AND slug = NEW.slug;
    IF NOT FOUND THEN
        INSERT INTO public.tenant_slug (tenant_id, slug) VALUES (NEW.id, NEW.slug);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION register_slug() FROM PUBLIC;

CREATE TRIGGER slug_registered AFTER INSERT OR UPDATE OF slug ON tenant FOR EACH ROW EXECUTE FUNCTION register_slug();
