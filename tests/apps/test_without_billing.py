"""An installation without billing creates tenants, and serves, stores and runs nothing of billing."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from insula.apps import Installation
from insula.asgi import create_app
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.migrate.run import migrate
from insula.db.schema.base import Base
from insula.dev.seed import seed
from insula.worker import tasks
from tests.apps.without_billing import INSTALLATION
from tests.probe.books.models import Book
from tests.probe.racks.models import Rack
from tests.support.app import Live, SignIn, environment_of
from tests.support.apps import INSTALLATION as WHOLE
from tests.support.cluster import superuser_url
from tests.support.databases import empty_database
from tests.support.documented import documents_of
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.processes import INSULA, completed
from tests.support.staff import Caller, code_of

REFERENCE = "tests.apps.without_billing:INSTALLATION"
_SERVED = """
import json, sys
from insula.asgi import create_app
from insula.worker.tasks import handlers_of
from insula.apps.settings import read
settings, installation = read()
create_app(settings, installation), handlers_of(installation)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"tenants", "admin", "billing"})))
"""


def run(settings: Settings, *command: str) -> str:
    """Run a program for the installation, as an operator does, and return its output."""
    named = environment_of(settings) | {"INSULA_INSTALLATION": REFERENCE}
    environment = {name: value for name, value in named.items() if not name.startswith("INSULA_BILLING_")}
    done = completed(command, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables_of(package: str, base: type[Base] = Base) -> Iterator[str]:
    for model in base.__subclasses__():
        if hasattr(model, "__table__") and model.__module__.startswith(f"{package}."):
            yield str(model.__tablename__)
        yield from tables_of(package, model)


@pytest.fixture(scope="module")
async def migrated(settings: Settings) -> AsyncIterator[Settings]:
    """Migrate and seed a database for this installation."""
    async with empty_database(settings) as migrated:
        migrate(migrated, INSTALLATION.database)
        await asyncio.to_thread(seed, migrated, INSTALLATION)
        yield migrated


@pytest.fixture(scope="module")
async def engine(migrated: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(superuser_url(migrated), pool_size=1)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
def make(engine: AsyncEngine) -> Factories:
    return Factories(engine)


@pytest.fixture(scope="module")
async def live(migrated: Settings) -> AsyncIterator[Live]:
    app = create_app(migrated, INSTALLATION)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        yield Live(app, state["kernel"], documents_of(app))


@pytest.fixture
async def client(live: Live, migrated: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(live, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=migrated.public_url) as client:
        yield client
    assert live.undocumented == []


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user()


async def rows(engine: AsyncEngine, statement: str, **parameters: object) -> list[tuple[object, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement), parameters)]


def tenant_for(owner: UserRow, plan: str) -> dict[str, object]:
    return {"slug": f"s-{new_id().hex}", "name": "Made", "owner_id": str(owner.id), "plan": plan}


async def test_a_new_tenant_has_the_entitlements_of_the_installation(
    client: httpx.AsyncClient, user: UserRow, sign_in: SignIn, engine: AsyncEngine
) -> None:
    body = {"slug": f"s-{new_id().hex}", "name": "Mine"}

    made = await client.post("/api/v1/tenants", json=body, headers=await sign_in(user))

    assert (made.status_code, made.json()["plan"]) == (201, "free")
    assert await rows(engine, "select role from membership where user_id = :id", id=user.id) == [("owner",)]
    granted = await rows(engine, "select key, value from entitlement where tenant_id = :id", id=made.json()["id"])
    assert {str(key): value for key, value in granted} == INSTALLATION.granted
    tenant = TenantRow(id=UUID(made.json()["id"]), slug=body["slug"], name="Mine")
    headers = await sign_in(user, tenant)
    answers = [await client.post("/api/v1/racks", json={"name": name}, headers=headers) for name in ("One", "Two")]
    assert answers[0].status_code == 201
    assert code_of(answers[1]) == (409, "quota_exceeded")


async def test_staff_create_tenants_on_the_free_plan_only(
    superuser: Caller, user: UserRow, engine: AsyncEngine
) -> None:
    refused = tenant_for(user, "pro")

    assert (await superuser.send("POST", "/tenants", tenant_for(user, "free"))).status_code == 201
    assert code_of(await superuser.send("POST", "/tenants", refused)) == (404, "plan_unknown")
    assert await rows(engine, "select slug from tenant where slug = :slug", slug=refused["slug"]) == []


async def test_staff_see_the_counts_of_a_tenant(superuser: Caller, user: UserRow, make: Factories) -> None:
    empty = (await superuser.send("POST", "/tenants", tenant_for(user, "free"))).json()
    seeded = (await superuser.get("/tenants", search="acme")).json()["items"][0]

    rack = Rack(tenant_id=UUID(seeded["id"]), name="Poetry")
    await make.insert(rack)
    await make.insert(*(Book(tenant_id=rack.tenant_id, rack_id=rack.id, title=title) for title in ("Odes", "Epodes")))

    found = [(await superuser.get(f"/tenants/{tenant['id']}")).json() for tenant in (empty, seeded)]

    counted = INSTALLATION.database.counted.values()
    assert [found[0][name] for name in ("members", *counted)] == [1, *(0 for _ in counted)]
    assert (found[1]["racks"], found[1]["books"]) == (1, 2)


async def test_nothing_of_billing_is_served(superuser: Caller, client: httpx.AsyncClient) -> None:
    tenant = (await superuser.get("/tenants", search="acme")).json()["items"][0]
    paths = ("/billing/v1/plans", "/billing/openapi.json", "/billing/docs")
    staffs = (f"/tenants/{tenant['id']}/overrides", "/webhook-events")

    assert [(await client.get(path)).status_code for path in paths] == [404] * len(paths)
    assert [code_of(await superuser.get(path)) for path in staffs] == [(404, "not_found")] * len(staffs)
    assert "billing" not in (await client.get("/")).text
    assert (await client.get("/admin/openapi.json")).status_code == 200


async def test_the_database_has_no_table_of_billing(engine: AsyncEngine) -> None:
    there = {name for (name,) in await rows(engine, "select relname from pg_class where relkind = 'r'")}

    assert set(tables_of("tenants")) <= there
    assert set(tables_of("billing"))
    assert there.isdisjoint(tables_of("billing"))


def test_insula_doctor_finds_the_database_as_declared(migrated: Settings) -> None:
    assert "isolation: the database is as the code declares it" in run(migrated, str(INSULA), "doctor")


def test_the_worker_runs_no_job_of_billing() -> None:
    def of_billing(installation: Installation) -> list[str]:
        named = [*tasks.handlers_of(installation), *(due.task for due in tasks.periodic_of(installation))]
        return [name for name in named if name.startswith("billing.")]

    assert of_billing(WHOLE)
    assert of_billing(INSTALLATION) == []


def test_no_process_imports_billing(migrated: Settings) -> None:
    assert json.loads(run(migrated, sys.executable, "-c", _SERVED)) == ["admin", "tenants"]
    assert "billing.app" in sys.modules  # as in a process that serves the whole product
