"""The catalogue check reports each way in which a table could leak; on the real schema it reports nothing."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from insula.db.schema.declarations import Declarations
from tests.support.apps import DECLARED
from tests.support.roles import change

MINE = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
OTHER_SETTING_IN_THIS_DATABASE = (
    "DO $$ BEGIN EXECUTE 'ALTER ROLE insula_gate IN DATABASE ' || quote_ident(current_database()) || "
    "' SET default_transaction_read_only = off'; END $$"
)

BREAKS = {
    "row-level security switched off": (
        ["ALTER TABLE membership DISABLE ROW LEVEL SECURITY"],
        "membership: row-level security is not both enabled and forced",
    ),
    "the owner is not bound": (
        ["ALTER TABLE membership NO FORCE ROW LEVEL SECURITY"],
        "membership: row-level security is not both enabled and forced",
    ),
    "no policy": (
        ["DROP POLICY tenant_isolation ON membership"],
        "membership: policy tenant_isolation is not as declared",
    ),
    "a policy that is open for everybody": (
        ["CREATE POLICY open ON membership USING (true)"],
        "membership: policy open is not as declared",
    ),
    "a policy without WITH CHECK": (
        ["DROP POLICY tenant_isolation ON membership", f"CREATE POLICY tenant_isolation ON membership USING ({MINE})"],
        "membership: policy tenant_isolation is not as declared",
    ),
    "a policy with another condition": (
        ["ALTER POLICY tenant_isolation ON membership USING (tenant_id IN (SELECT id FROM tenant))"],
        "membership: policy tenant_isolation is not as declared",
    ),
    "a crossing policy for another role": (
        ["ALTER POLICY insula_admin_select ON tenant TO insula_admin, insula_tenants"],
        "tenant: policy insula_admin_select is not as declared",
    ),
    "an undeclared grant": (
        ['GRANT SELECT ON "user" TO insula_tenants'],
        "user: insula_tenants may SELECT everything, which is not declared",
    ),
    "an undeclared column": (
        ["GRANT SELECT (password_hash) ON credential TO insula_gate"],
        "credential: insula_gate may SELECT password_hash, which is not declared",
    ),
    "a grant to everybody": (
        ["GRANT SELECT ON tenant TO PUBLIC"],
        "tenant: PUBLIC may SELECT everything, which is not declared",
    ),
    "TRUNCATE, which no policy stops": (
        ["GRANT TRUNCATE ON membership TO insula_tenants"],
        "membership: insula_tenants may TRUNCATE everything, which is not declared",
    ),
    "a declared grant is missing": (
        ["REVOKE DELETE ON membership FROM insula_tenants"],
        "membership: insula_tenants may not DELETE everything, which is declared",
    ),
    "a key that does not start with the tenant": (
        ["ALTER TABLE tenant_domain DROP CONSTRAINT pk_tenant_domain, ADD PRIMARY KEY (id)"],
        "tenant_domain: the primary key (id) does not start with tenant_id",
    ),
    "no key": (
        ["ALTER TABLE tenant_domain DROP CONSTRAINT pk_tenant_domain"],
        "tenant_domain: there is no primary key",
    ),
    "a unique constraint that crosses tenants": (
        ["ALTER TABLE membership ADD UNIQUE (id)"],
        "membership: unique (id) crosses tenants",
    ),
    "a unique index over an expression": (
        ["CREATE UNIQUE INDEX ON membership (lower(id::text))"],
        "membership: unique ((expression)) crosses tenants",
    ),
    "a simple foreign key": (
        [
            "CREATE TABLE probe_note (tenant_id uuid, id uuid, rack_id uuid, PRIMARY KEY (tenant_id, id))",
            "ALTER TABLE rack ADD CONSTRAINT simple UNIQUE (id)",
            "ALTER TABLE probe_note ADD FOREIGN KEY (rack_id) REFERENCES rack (id)",
        ],
        "probe_note: the foreign key (rack_id) to rack does not include the tenant",
    ),
    "a foreign key that nulls the tenant": (
        [
            "CREATE TABLE probe_note (tenant_id uuid, id uuid, rack_id uuid, PRIMARY KEY (tenant_id, id))",
            "ALTER TABLE probe_note ADD FOREIGN KEY (tenant_id, rack_id) REFERENCES rack ON DELETE SET NULL",
        ],
        "probe_note: deleting from rack would null tenant_id",
    ),
    "a new table that nobody protected": (
        ["CREATE TABLE probe_note (tenant_id uuid PRIMARY KEY)"],
        "probe_note: row-level security is not both enabled and forced",
    ),
    "a plain view": (
        ["CREATE VIEW everybody AS SELECT * FROM membership"],
        "view everybody is not security_invoker: it shows every tenant",
    ),
    "a materialised view": (
        ["CREATE MATERIALIZED VIEW everybody AS SELECT * FROM membership"],
        "materialised view everybody holds every tenant",
    ),
    "a definer function": (
        ["CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM membership'"],
        "function peek is SECURITY DEFINER: it bypasses row-level security",
    ),
    "a definer function that a trigger calls": (
        [
            "CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER spy BEFORE INSERT ON membership FOR EACH ROW EXECUTE FUNCTION spy()",
        ],
        "function spy is SECURITY DEFINER: it bypasses row-level security",
    ),
    "a function that sees rows first": (
        ["CREATE FUNCTION peek(text) RETURNS boolean LANGUAGE sql LEAKPROOF AS 'SELECT true'"],
        "function peek is LEAKPROOF: it sees rows before a policy does",
    ),
    "a function for everybody": (
        ["CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM membership'"],
        "function peek may be called by PUBLIC, which is not declared",
    ),
    "a rule": (
        ["CREATE RULE spy AS ON INSERT TO membership DO ALSO SELECT count(*) FROM membership"],
        "membership: the rule spy runs with the rights of the owner",
    ),
    "a foreign table": (
        [
            "CREATE FOREIGN DATA WRAPPER nothing",
            "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing",
            "CREATE FOREIGN TABLE probe_note (tenant_id uuid) SERVER elsewhere",
        ],
        "foreign table probe_note shows rows that no policy guards",
    ),
    "a trigger that is gone": (
        ["DROP TRIGGER access_changed ON membership"],
        "membership: the trigger access_changed is missing",
    ),
    "a quota that nothing counts": (
        ["DROP TRIGGER counted ON rack"],
        "rack: the trigger counted is missing",
    ),
    "a quota that counts for another": (
        [
            (
                "CREATE OR REPLACE TRIGGER counted AFTER INSERT OR DELETE ON rack "
                "FOR EACH ROW EXECUTE FUNCTION note_usage('books')"
            ),
        ],
        "rack: the trigger counted is not as declared",
    ),
    "a quota that counts under a condition": (
        [
            (
                "CREATE OR REPLACE TRIGGER counted AFTER INSERT OR DELETE ON rack "
                "FOR EACH ROW WHEN (pg_trigger_depth() > 5) EXECUTE FUNCTION note_usage('racks')"
            ),
        ],
        "rack: the trigger counted is not as declared",
    ),
    "a quota that locks its counter before the commit": (
        [
            "DROP TRIGGER settled ON rack",
            (
                "CREATE CONSTRAINT TRIGGER settled AFTER INSERT OR DELETE ON rack "
                "FOR EACH ROW EXECUTE FUNCTION settle_usage('racks')"
            ),
        ],
        "rack: the trigger settled is not as declared",
    ),
    "a counted table that is not declared": (
        [
            (
                "CREATE TRIGGER counted AFTER INSERT OR DELETE ON membership "
                "FOR EACH ROW EXECUTE FUNCTION note_usage('racks')"
            ),
        ],
        "membership: the trigger counted counts rows, which is not declared",
    ),
    "acts that anybody may record": (
        [
            (
                "CREATE OR REPLACE FUNCTION chain_audit_event() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN RETURN NEW; END'"
            ),
        ],
        "function chain_audit_event is not as declared",
    ),
    "a table whose rows have no tenant": (
        ["CREATE TABLE probe_list (id uuid PRIMARY KEY)"],
        "probe_list: its rows have no tenant, which is not declared",
    ),
    "an extension that nobody declared": (["CREATE EXTENSION pg_trgm"], "the extension pg_trgm is not declared"),
    "a trigger that is switched off": (
        ["ALTER TABLE audit_head DISABLE TRIGGER only_by_event"],
        "audit_head: the trigger only_by_event is switched off",
    ),
    "foreign keys that are switched off": (
        [
            "ALTER TABLE book ADD CONSTRAINT lax FOREIGN KEY (tenant_id) REFERENCES tenant NOT VALID",
        ],
        "book: the constraint lax is not validated",
    ),
    "a session that starts as a tenant": (
        [f"ALTER ROLE insula_tenants SET app.tenant_id = '{UUID(int=1)}'"],
        "a session starts with app.tenant_id set, for insula_tenants",
    ),
    "a session that replays as a replica": (
        [
            "ALTER ROLE insula_admin SET session_replication_role = replica",
        ],
        "a session starts with session_replication_role set, for insula_admin",
    ),
    "a large object": (["SELECT lo_from_bytea(0, 'theirs')"], "there are large objects, which no policy guards"),
    "a serial id": (
        ["CREATE TABLE probe_list (number bigserial PRIMARY KEY)"],
        "sequence probe_list_number_seq makes predictable ids",
    ),
    "a table of somebody else's": (
        ["ALTER TABLE staff OWNER TO insula_admin"],
        "staff is owned by insula_admin, not by the owner role",
    ),
    "another schema": (["CREATE SCHEMA annex"], "schema annex is not one of ours"),
    "default privileges": (
        ["ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO insula_tenants"],
        "default privileges grant rights that are not declared",
    ),
    "an app role with BYPASSRLS": (
        ["ALTER ROLE insula_tenants BYPASSRLS"],
        "role insula_tenants has BYPASSRLS",
    ),
    "a superuser": (["ALTER ROLE insula_identity SUPERUSER"], "role insula_identity has SUPERUSER"),
    "a role that is a member of another": (
        ["GRANT insula_owner TO insula_tenants"],
        "role insula_tenants is a member of insula_owner",
    ),
    "a search path that can be shadowed": (
        ["ALTER ROLE insula_tenants RESET search_path"],
        "role insula_tenants has no fixed search_path",
    ),
    "a role that may lock a table": (
        ["GRANT UPDATE ON api_key TO insula_tenants"],
        "api_key: insula_tenants may UPDATE everything, which is not declared",
    ),
    "a session without a time limit": (
        ["ALTER ROLE insula_tenants SET statement_timeout = 0"],
        "role insula_tenants starts with statement_timeout=0, which is not declared",
    ),
    "a session whose time limit is gone": (
        ["ALTER ROLE insula_identity RESET statement_timeout"],
        "role insula_identity starts without statement_timeout, which is declared",
    ),
    "a session that starts otherwise in one database": (
        [OTHER_SETTING_IN_THIS_DATABASE],
        "role insula_gate starts with default_transaction_read_only=off, which is not declared",
    ),
    "a session that starts with what nobody declared": (
        ["ALTER ROLE insula_worker SET enable_seqscan = off"],
        "role insula_worker starts with enable_seqscan=off, which is not declared",
    ),
    "a function of the server's for everybody": (
        ["GRANT EXECUTE ON FUNCTION lo_creat(integer) TO PUBLIC"],
        "pg_catalog: PUBLIC may call lo_creat(integer), which is not declared",
    ),
    "a function of the server's for an app": (
        ["GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO insula_worker"],
        "pg_catalog: insula_worker may call pg_advisory_lock(bigint), which is not declared",
    ),
    "a function of the server's that an app lacks": (
        ["REVOKE EXECUTE ON FUNCTION pg_try_advisory_xact_lock(bigint) FROM insula_admin"],
        "pg_catalog: insula_admin may not call pg_try_advisory_xact_lock(bigint), which is declared",
    ),
    "the number of rows for an app": (
        ["GRANT SELECT (reltuples) ON pg_class TO insula_tenants"],
        "pg_class: insula_tenants may SELECT reltuples",
    ),
    "the catalogue as a whole for everybody": (
        ["GRANT SELECT ON pg_class TO PUBLIC"],
        "pg_class: PUBLIC may SELECT relpages",
    ),
    "temporary tables": (
        ["DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database()); END $$"],
        "PUBLIC has TEMPORARY on the database",
    ),
    "tables of everybody's own": (
        ["GRANT CREATE ON SCHEMA public TO PUBLIC"],
        "PUBLIC has CREATE on schema public",
    ),
}


async def _findings_after(settings: Settings, statements: list[str], declared: Declarations = DECLARED) -> list[str]:
    """Return the check's findings in a transaction that breaks the schema and is then rolled back."""
    engine = create_async_engine(
        make_url(settings.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with engine.connect() as connection:
        for statement in statements:
            await change(connection, statement)
        found = await findings(connection, declared)
        await connection.rollback()
    return found


async def test_the_migrated_schema_is_sound(settings: Settings) -> None:
    assert await _findings_after(settings, []) == []


@pytest.mark.parametrize(("statements", "finding"), BREAKS.values(), ids=BREAKS.keys())
async def test_the_check_reports_each_breach(statements: list[str], finding: str, settings: Settings) -> None:
    assert finding in await _findings_after(settings, statements)


async def test_a_view_with_the_callers_rights_is_sound(settings: Settings) -> None:
    invoker = "CREATE VIEW mine WITH (security_invoker = true) AS SELECT id FROM membership"
    found = await _findings_after(settings, [invoker, "ALTER VIEW mine OWNER TO insula_owner"])
    assert found == []


async def test_a_foreign_key_within_the_tenant_is_sound(settings: Settings) -> None:
    composite = "FOREIGN KEY (tenant_id, rack_id) REFERENCES rack ON DELETE SET NULL (rack_id)"
    note = f"CREATE TABLE probe_note (tenant_id uuid, id uuid, rack_id uuid, PRIMARY KEY (tenant_id, id), {composite})"
    found = await _findings_after(settings, [note])
    assert not [line for line in found if "foreign key" in line or "null" in line]


async def test_a_declared_extension_is_sound(settings: Settings) -> None:
    declared = replace(DECLARED, extensions=frozenset({"pg_trgm"}))
    assert await _findings_after(settings, ["CREATE EXTENSION pg_trgm"], declared) == []


async def test_an_undeclared_extension_is_one_finding(settings: Settings) -> None:
    assert await _findings_after(settings, ["CREATE EXTENSION pg_trgm"]) == ["the extension pg_trgm is not declared"]


async def test_a_function_beside_a_declared_extension_is_named(settings: Settings) -> None:
    declared = replace(DECLARED, extensions=frozenset({"pg_trgm"}))
    peek = "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM membership'"
    assert await _findings_after(settings, ["CREATE EXTENSION pg_trgm", peek], declared) == [
        "function peek may be called by PUBLIC, which is not declared"
    ]


def test_a_right_is_declared_once() -> None:
    seen = [(right.role, right.table, right.command) for right in DECLARED.rights]
    assert len(seen) == len(set(seen))


def test_each_exception_has_a_reason() -> None:
    assert all(DECLARED.exceptions.values())
