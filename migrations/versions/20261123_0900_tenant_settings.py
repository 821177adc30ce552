"""Time zone and locale, every slug that a tenant ever had, proofs of custom domains, and what a quota is used of."""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, Text, UniqueConstraint, Uuid, text

from insula.db.ddl import create_table, each_tenant, notify_access, protect

revision: Final = "0900_tenant_settings"
down_revision: Final = "0800_api_keys"

TIME: Final = DateTime(timezone=True)
# Runs with the rights of who makes or renames the tenant: the unique constraint sees every tenant's
# slugs, the role only its own.
_REGISTER_SLUG: Final = """
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
$$
"""
# Called as ('items', '1') or ('items', '-1'), once a statement, whatever number of rows it changed.
_COUNT_USAGE: Final = """
CREATE FUNCTION count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tenant_usage AS held (tenant_id, resource, used)
    SELECT tenant_id, TG_ARGV[0], pg_catalog.count(*) * TG_ARGV[1]::bigint FROM changed GROUP BY tenant_id
    ON CONFLICT (tenant_id, resource) DO UPDATE SET used = held.used + excluded.used;
    RETURN NULL;
END
$$
"""
_COUNTED: Final = {"project": "projects", "project_item": "items"}


def upgrade() -> None:
    _settings()
    _slugs()
    _domains()
    _usage()


def downgrade() -> None:
    for table in _COUNTED:
        for trigger in ("counted_in", "counted_out"):
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.drop_table("tenant_usage")
    op.execute("DROP FUNCTION count_usage()")
    op.drop_index("uq_tenant_domain_verified_host", "tenant_domain")
    op.drop_constraint("uq_tenant_domain_tenant_id_host", "tenant_domain")
    for column in ("failing_since", "checked_at", "token"):
        op.drop_column("tenant_domain", column)
    op.create_unique_constraint("uq_tenant_domain_host", "tenant_domain", ["host"])
    op.execute("DROP TRIGGER slug_registered ON tenant")
    op.drop_table("tenant_slug")
    op.execute("DROP FUNCTION register_slug()")
    op.drop_column("tenant", "locale")
    op.drop_column("tenant", "time_zone")


def _settings() -> None:
    # The version of the code before this one makes tenants without naming these.
    op.add_column("tenant", Column("time_zone", Text, nullable=False, server_default="UTC"))
    op.add_column("tenant", Column("locale", Text, nullable=False, server_default="en"))
    protect("tenant")


def _slugs() -> None:
    create_table(
        "tenant_slug",
        Column("tenant_id", Uuid, nullable=False),
        Column("slug", Text, nullable=False),
        Column("retired_at", TIME),
        PrimaryKeyConstraint("tenant_id", "slug"),
        UniqueConstraint("slug"),
    )
    notify_access("tenant_slug", {"tenant": "tenant_id"}, columns=["retired_at"], made=False)
    op.execute(_REGISTER_SLUG)
    op.execute("REVOKE ALL ON FUNCTION register_slug() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER slug_registered AFTER INSERT OR UPDATE OF slug ON tenant FOR EACH ROW "
        "EXECUTE FUNCTION register_slug()"
    )
    each_tenant(
        "tenant",
        "INSERT INTO tenant_slug (tenant_id, slug) SELECT id, slug FROM tenant "
        "WHERE id = nullif(current_setting('app.tenant_id', true), '')::uuid",
    )


def _domains() -> None:
    op.add_column(
        "tenant_domain",
        Column("token", Text, nullable=False, server_default=text("replace(gen_random_uuid()::text, '-', '')")),
    )
    op.add_column("tenant_domain", Column("checked_at", TIME))
    op.add_column("tenant_domain", Column("failing_since", TIME))
    op.drop_constraint("uq_tenant_domain_host", "tenant_domain")
    op.create_unique_constraint("uq_tenant_domain_tenant_id_host", "tenant_domain", ["tenant_id", "host"])
    op.create_index(
        "uq_tenant_domain_verified_host",
        "tenant_domain",
        ["host"],
        unique=True,
        postgresql_where=text("verified_at IS NOT NULL"),
    )
    protect("tenant_domain")


def _usage() -> None:
    create_table(
        "tenant_usage",
        Column("tenant_id", Uuid, nullable=False),
        Column("resource", Text, nullable=False),
        Column("used", BigInteger, nullable=False),
        PrimaryKeyConstraint("tenant_id", "resource"),
    )
    op.execute("ALTER TABLE tenant_usage SET (fillfactor = 50)")  # room on the page: each creation rewrites a row
    op.execute(_COUNT_USAGE)
    op.execute("REVOKE ALL ON FUNCTION count_usage() FROM PUBLIC")
    for table, resource in _COUNTED.items():
        # First the triggers, whose lock lets nobody write before the commit, then what is there already.
        for name, event, rows, sign in (
            ("counted_in", "INSERT", "NEW", "1"),
            ("counted_out", "DELETE", "OLD", "-1"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed "
                f"FOR EACH STATEMENT EXECUTE FUNCTION count_usage('{resource}', '{sign}')"
            )
        each_tenant(
            table,
            f"INSERT INTO tenant_usage (tenant_id, resource, used) "  # noqa: S608  # this migration's own words
            f"SELECT tenant_id, '{resource}', count(*) FROM {table} GROUP BY tenant_id",
        )
