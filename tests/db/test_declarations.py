"""Database declarations: how they are merged, compared with the models, and enforced by a migrated database."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.engine import Connection

from insula.core.errors import ManifestError
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.catalogue.check import check_catalogue
from insula.db.engine.pools import Database, shares
from insula.db.engine.roles import GATE, IDENTITY, WORKER, AppRole, DatabaseRole, OtherAppRole, role_url
from insula.db.migrate.run import as_owner, migrate
from insula.db.schema.base import metadata
from insula.db.schema.declaration_check import check
from insula.db.schema.declarations import DatabasePart, Declarations, DeclaredRole, counted, merged
from insula.db.schema.grants import tenant_column
from insula.db.schema.kernel import KERNEL
from insula.db.schema.queue_rights import EVENTS, on_queue
from insula.db.schema.rights import TableDeclaration, global_table, key_exception, may, owned
from tenants.invitations.models import Invitation
from tests.support.apps import DECLARED, INSTALLATION
from tests.support.databases import administer, migrated_database

PROBE = AppRole("insula_probe", weight=5)
PARTS = tuple(app.declared for app in INSTALLATION.apps)


def part(*tables: TableDeclaration, owner: str = "probe", role: AppRole = PROBE) -> DatabasePart:
    return DatabasePart(owner=owner, roles=(DeclaredRole(role=role),), tables=tables)


@pytest.mark.parametrize("name", ["", "Insula", "insula-probe", "1st", "a b", 'x"; drop', "a" * 64])
def test_a_roles_name_needs_no_quotes_in_sql(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid database role: use lower-case letters"):
        AppRole(name)
    assert AppRole("a" * 63) == "a" * 63


def test_a_role_without_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="the weight of insula_probe is 0: give it 1 or more"):
        AppRole("insula_probe", weight=0)


def test_a_declared_role_has_its_share_of_the_connections() -> None:
    declared = merged(KERNEL, part())
    assert declared.web_roles == (PROBE, IDENTITY, GATE)
    assert shares(23, declared.web_roles) == {PROBE: 12, IDENTITY: 6, GATE: 4}


def test_a_right_for_another_apps_role_needs_that_app() -> None:
    other = AppRole("insula_other")
    granting = part(may(OtherAppRole("insula_other"), "all", "tenant", "SELECT"))

    with_it = merged(KERNEL, granting, part(owner="other", role=other))
    assert [right.reach for right in with_it.rights_on("tenant") if right.role == other] == ["all"]
    without = merged(KERNEL, granting)
    assert [right for right in without.rights if right.role == other] == []

    with pytest.raises(ManifestError, match="no app declares the role insula_other"):
        merged(KERNEL, part(may("insula_other", "all", "tenant", "SELECT")))


def test_every_app_may_write_audit_events_and_idempotency_records_of_the_tenant() -> None:
    rights = {
        (right.table, right.command, right.reach) for right in merged(KERNEL, part()).rights if right.role == PROBE
    }
    assert rights == {
        ("audit_event", "INSERT", "tenant"),
        ("audit_head", "SELECT", "tenant"),
        ("audit_head", "INSERT", "tenant"),
        ("audit_head", "UPDATE", "tenant"),
        ("idempotency_record", "SELECT", "tenant"),
        ("idempotency_record", "INSERT", "tenant"),
        ("idempotency_record", "DELETE", "tenant"),
    }


def test_owned_gives_the_apps_role_every_right_within_the_tenant() -> None:
    by_name = merged(KERNEL, part(owned("invitation")))
    by_model = merged(KERNEL, part(owned(Invitation)))
    found = {(right.role, right.command, right.reach, right.columns) for right in by_name.rights_on("invitation")}
    assert found == {
        *((PROBE, command, "tenant", ()) for command in ("SELECT", "INSERT", "UPDATE", "DELETE")),
        (DatabaseRole("insula_backup"), "SELECT", "all", ()),
    }
    assert by_name.rights == by_model.rights


TABLES_DECLARED_TWICE = {
    "one right": (
        may(PROBE, "all", "tenant", "SELECT"),
        "insula_probe may SELECT tenant: declared by probe and by other; keep one of the two",
    ),
    "one table": (owned("probe_note"), "the table probe_note: declared by probe and by other"),
    "one global table": (global_table("probe_list"), "the table probe_list: declared by probe and by other"),
    "one exception": (
        key_exception("invitation", "unique", "hash", reason="x"),
        "the exception for the unique hash of invitation: declared by probe and by other",
    ),
}


@pytest.mark.parametrize(("table", "message"), TABLES_DECLARED_TWICE.values(), ids=TABLES_DECLARED_TWICE.keys())
def test_a_table_declared_twice_names_both_owners(table: TableDeclaration, message: str) -> None:
    other = part(table, owner="other", role=AppRole("insula_other"))
    with pytest.raises(ManifestError, match=message):
        merged(KERNEL, part(table), other)
    assert merged(KERNEL, part(table))


def test_the_worker_has_the_union_of_the_rights_that_apps_declare() -> None:
    mine = part(may(WORKER, "tenant", "invitation", "SELECT tenant_id, id, email", "UPDATE email"))
    other = part(
        may(WORKER, "tenant", "invitation", "SELECT tenant_id, role", "DELETE"),
        may(WORKER, "tenant", "tenant", "SELECT slug"),  # in addition to the kernel's declaration
        owner="other",
        role=AppRole("insula_other"),
    )
    declared = merged(KERNEL, mine, other)
    found = {right.command: right for right in declared.rights_on("invitation") if right.role == WORKER}
    assert found["SELECT"].columns == ("tenant_id", "id", "email", "role")
    assert found["UPDATE"].columns == ("email",)
    assert found["DELETE"].columns == ()
    [tenant] = [right for right in declared.rights_on("tenant") if right.role == WORKER]
    assert tenant.columns == ("id", "name", "status", "slug")
    assert len(found) == len([right for right in declared.rights_on("invitation") if right.role == WORKER])

    every = part(may(WORKER, "tenant", "invitation", "SELECT"), owner="other", role=AppRole("insula_other"))
    [whole] = [
        right
        for right in merged(KERNEL, mine, every).rights_on("invitation")
        if (right.role, right.command) == (WORKER, "SELECT")
    ]
    assert whole.columns == ()


def test_rights_of_the_worker_with_different_reach_are_an_error() -> None:
    mine = part(may(WORKER, "tenant", "invitation", "SELECT id"))
    other = part(may(WORKER, "all", "invitation", "SELECT id"), owner="other", role=AppRole("insula_other"))
    with pytest.raises(
        ManifestError, match=r"insula_worker may SELECT invitation: declared by probe and other, once wit"
    ):
        merged(KERNEL, mine, other)
    twice = part(*(may(WORKER, "tenant", "invitation", "SELECT id"),) * 2)
    with pytest.raises(ManifestError, match=r"insula_worker may SELECT invitation: declared twice by probe"):
        merged(KERNEL, twice)


def test_an_app_cannot_declare_a_table_of_the_kernel() -> None:
    with pytest.raises(ManifestError, match="the table user: declared by the kernel and by probe"):
        merged(KERNEL, part(global_table("user")))


def of(owner: str, thing: DatabasePart) -> DatabasePart:
    return replace(thing, owner=owner, roles=(DeclaredRole(role=AppRole(f"insula_{owner}")),))


DECLARED_TWICE = {
    "a counted table": (
        DatabasePart(owner="", counted=(counted("probe_note", "notes"),)),
        "the counted table probe_note: declared by probe and by other",
    ),
    "a task": (DatabasePart(owner="", scheduled=("probe.tidy",)), "the scheduled task probe.tidy: declared by probe"),
    "triggers": (
        DatabasePart(owner="", triggers={"probe_note": ("kept",)}),
        "the triggers of probe_note: declared by probe and by other",
    ),
    "a right on the queue": (
        DatabasePart(owner="", queue=on_queue(WORKER, EVENTS, "UPDATE")),
        "insula_worker may UPDATE jobs.procrastinate_events: declared by probe and by other",
    ),
}


@pytest.mark.parametrize(("thing", "message"), DECLARED_TWICE.values(), ids=DECLARED_TWICE.keys())
def test_a_declaration_made_twice_names_both_owners(thing: DatabasePart, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        merged(KERNEL, of("probe", thing), of("other", thing))
    assert merged(KERNEL, of("probe", thing))


def test_two_apps_cannot_declare_the_same_role() -> None:
    with pytest.raises(ManifestError, match="the role insula_probe: declared by probe and by other"):
        merged(KERNEL, part(), part(owner="other"))


def test_a_right_of_an_undeclared_role_suggests_the_closest_role() -> None:
    with pytest.raises(
        ManifestError, match=r"probe: insula_worke may DELETE invitation, .*did you mean insula_worker\?"
    ):
        merged(KERNEL, part(may("insula_worke", "all", "invitation", "DELETE")))


def test_owned_needs_an_app_with_one_role() -> None:
    without = DatabasePart(owner="probe", tables=(owned("probe_note"),))
    with pytest.raises(ManifestError, match=r"probe: owned\(\) is for the app's role, and 0 are declared"):
        merged(KERNEL, without)


def test_an_unknown_command_in_a_right_is_refused() -> None:
    with pytest.raises(
        ValueError, match="invitation: 'TRUNCATE' is not a right: write one of SELECT, INSERT, UPDATE, DELETE"
    ):
        may(WORKER, "all", "invitation", "TRUNCATE")


def test_an_exception_needs_a_reason() -> None:
    with pytest.raises(
        ValueError, match=r"invitation: say in reason= why its unique \(hash\) is not bound to the tenant"
    ):
        key_exception("invitation", "unique", "hash", reason="")


MISSPELT = {
    "a table": (
        (may(PROBE, "tenant", "invitatoin", "SELECT"),),
        (
            r"probe: there is no model of the table 'invitatoin'; did you mean invitation\? "
            r"\(correct the name, or import the module of its model\)"
        ),
    ),
    "a column": (
        (may(WORKER, "all", "invitation", "UPDATE expire_at"),),
        (
            r"probe: insula_worker may UPDATE the column invitation.expire_at, which its model lacks; "
            r"did you mean expires_at\?"
        ),
    ),
    "an exception's column": (
        (key_exception("invitation", "unique", "hsh", reason="x"),),
        r"an exception of invitation: there is no 'hsh'",
    ),
    "an exception's reference": (
        (key_exception("invitation", "reference", "racks", reason="x"),),
        r"an exception of invitation: there is no 'racks'; did you mean rack\?",
    ),
    "a global table": ((global_table("plans"),), r"a global table: there is no model of the table 'plans'"),
    "a global table of tenants": (
        (global_table("invitation"),),
        r"the table invitation has tenants' rows: do not declare it as global_table\(\)",
    ),
}


@pytest.mark.parametrize(("tables", "message"), MISSPELT.values(), ids=MISSPELT.keys())
def test_a_misspelt_name_is_an_error_that_suggests_the_fix(tables: tuple[TableDeclaration, ...], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        check(merged(KERNEL, *PARTS, part(*tables)), metadata)


def test_a_counted_table_without_a_model_is_an_error() -> None:
    with pytest.raises(ManifestError, match="a counted table: there is no model of the table 'probe_note'"):
        check(merged(KERNEL, of("probe", DatabasePart(counted=(counted("probe_note", "notes"),)))), metadata)


def test_a_table_without_tenant_id_must_be_declared_as_global() -> None:
    grown = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(grown)
    assert check(DECLARED, grown) is DECLARED
    Table("probe_list", grown, Column("id", Integer, primary_key=True))
    with pytest.raises(ManifestError, match=r"the table probe_list has no tenant_id: make its model TenantOwned"):
        check(DECLARED, grown)


def test_every_table_has_a_tenant_id_or_is_declared_as_global() -> None:
    without_tenant = {
        name for name, table in metadata.tables.items() if not tenant_column(name, set(table.columns.keys()))
    }
    assert without_tenant | {"alembic_version", "schema_revision"} == DECLARED.global_tables


@pytest.fixture(scope="module")
async def with_fourth_app(settings: Settings) -> AsyncIterator[tuple[Settings, Declarations]]:
    """Migrate a database to an installation with one more app, which has its own role."""
    probe = AppRole(f"insula_probe_{secrets.token_hex(4)}")
    mine = DatabasePart(
        owner="probe",
        roles=(DeclaredRole(role=probe, actors=("user", "robot"), tenantless=("probe.ping",)),),
        actor_kinds=("robot",),
        tables=(may(probe, "tenant", "tenant", "SELECT"), may(probe, "all", "invitation", "SELECT tenant_id, id")),
    )
    silent = AppRole(f"insula_silent_{secrets.token_hex(4)}")
    declared = merged(KERNEL, *PARTS, mine, DatabasePart(owner="silent", roles=(DeclaredRole(role=silent),)))
    async with migrated_database(settings) as own:
        migrate(own, declared)
        yield own, declared
    await administer(settings, f"DROP ROLE {probe}", f"DROP ROLE {silent}")


async def test_an_older_database_gets_the_rights_of_another_app(
    with_fourth_app: tuple[Settings, Declarations],
) -> None:
    own, declared = with_fourth_app
    found: dict[str, list[str]] = {}

    def look(connection: Connection) -> None:
        found.update(mine=check_catalogue(connection, declared), without=check_catalogue(connection, DECLARED))

    as_owner(own, look)
    assert found["mine"] == []
    assert f"invitation: policy {declared.app_roles[-2]}_select is not as declared" in found["without"]


async def test_an_apps_role_records_only_events_of_its_actors(with_fourth_app: tuple[Settings, Declarations]) -> None:
    own, declared = with_fourth_app
    probe, silent = declared.app_roles[-2:]
    connection = await asyncpg.connect(role_url(own, probe))
    event = (
        "INSERT INTO audit_event (tenant_id, id, occurred_at, actor_kind, action, object_type, object_id, request_id, "
        "address) VALUES ($1, $2, now(), $3, 'x', 'x', '1', '', '')"
    )
    chain = new_id()
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(chain))
        await connection.execute(event, chain, new_id(), "user")
        await connection.execute(event, chain, new_id(), "robot")
        for kind in ("staff", "robto"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"records no act of {kind}"):
                async with connection.transaction():
                    await connection.execute(event, chain, new_id(), kind)
    await connection.close()
    connection = await asyncpg.connect(role_url(own, silent))
    await connection.execute("SELECT set_config('app.tenant_id', $1, false)", str(chain))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="records no act of user"):
        await connection.execute(event, chain, new_id(), "user")
    await connection.close()


def acting(*actors: str, kinds: tuple[str, ...] = ()) -> DatabasePart:
    return DatabasePart(owner="probe", roles=(DeclaredRole(role=PROBE, actors=actors),), actor_kinds=kinds)


def test_the_kinds_of_actors_begin_with_the_kernels() -> None:
    kernels = ("user", "staff", "api_key", "oauth_client", "system")
    assert merged(KERNEL).actor_kinds == kernels
    declared = merged(KERNEL, acting("robot", "user", kinds=("robot", "user")))
    assert declared.actor_kinds == (*kernels, "robot")
    assert declared.actors[PROBE] == ("robot", "user")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            acting("usre"),
            "probe: insula_probe records acts of 'usre', which is not a kind of actors; did you mean user",
        ),
        (acting("robot"), r"which is not a kind of actors; there are user, .*add it to actor_kinds="),
        (acting(kinds=("a robot",)), "'a robot' is not a valid kind of actors: use lower-case letters"),
    ],
    ids=["misspelt", "declared by nobody", "no name"],
)
def test_an_undeclared_kind_of_actors_is_an_error(part: DatabasePart, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        merged(KERNEL, part)


async def test_another_apps_role_enqueues_without_a_tenant_only_declared_tasks(
    with_fourth_app: tuple[Settings, Declarations],
) -> None:
    own, declared = with_fourth_app
    connection = await asyncpg.connect(role_url(own, declared.app_roles[-2]))
    job = "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, priority, args) VALUES ('default', $1, 0, '{}')"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"the task probe\.pong needs a tenant"):
        await connection.execute(job, "probe.pong")
    assert await connection.execute(job, "probe.ping") == "INSERT 0 1"
    await connection.close()


async def test_a_web_process_logs_in_as_another_apps_role(with_fourth_app: tuple[Settings, Declarations]) -> None:
    own, declared = with_fourth_app
    database = await Database.open(own, declared.web_roles)
    assert await database.unavailable_roles() == {}
    await database.close()
