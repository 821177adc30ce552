"""``insula seed``: the kernel makes tenants and people, each resource its own rows, in the order of declaration."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import App, Demo, Installation, Resource, act_for
from insula.seed import seed
from insula.settings import Settings
from tenants.items.permissions import Action as ItemAction
from tenants.projects.demo import LEADS
from tests.support.apps import INSTALLATION
from tests.support.cluster import superuser_url
from tests.support.databases import database_without_tenants

KERNEL: Final[Mapping[str, int]] = MappingProxyType(
    {"tenant": 2, "user": 10, "credential": 10, "staff": 1, "membership": 10}
)
WHOLE: Final[Mapping[str, int]] = MappingProxyType(
    {
        **KERNEL,
        "user": 11,
        "credential": 11,
        "membership": 11,
        "custom_role": 1,
        "project": 4,
        "project_item": 7,
        "subscription": 2,
        "billing_customer": 1,
    }
)
ITEMS: Final = """
    select tenant.slug, project.name, string_agg(project_item.title, ', ' order by position) as items
    from project join tenant on tenant.id = project.tenant_id
    left join project_item on project_item.project_id = project.id
    group by tenant.slug, project.name order by tenant.slug, project.name
"""


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    with database_without_tenants(settings) as own:
        yield own


def found(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    """Return rows as the superuser, past every row-level policy."""

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(superuser_url(settings).replace("+asyncpg", ""))
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def counts(settings: Settings) -> dict[str, int]:
    """Return how many rows each table has that demo rows are made of; tables without rows are left out."""
    every = " union all ".join(f"select '{table}', count(*) from \"{table}\"" for table in WHOLE)  # noqa: S608  ours
    return {str(table): int(str(number)) for table, number in found(settings, every) if number}


def of(*apps: App) -> Installation:
    return replace(INSTALLATION, apps=apps)


def without(app: App, *modules: str) -> App:
    """Return the app without the resources whose demo rows these modules make."""
    kept = [each for each in app.resources if each.seed is None or each.seed.__module__ not in modules]
    assert len(kept) == len(app.resources) - len(modules)
    return replace(app, resources=kept)


def test_the_whole_installation_has_the_demo_rows_of_every_resource(empty: Settings) -> None:
    seed(empty, of(*(INSTALLATION.app(name) for name in ("tenants", "admin", "billing"))))  # a product may have more
    assert counts(empty) == WHOLE
    assert found(empty, ITEMS) == [
        ("acme", "Giant magnet", "Wind the coil, Hide it by the road"),
        ("acme", "Rocket skates", "Find wheels, Find rockets, Find a volunteer"),
        ("globex", "Volcano lair", None),
        ("globex", "Weather machine", "Order clouds, Name a price"),
    ]
    assert found(
        empty, "select slug, plan, plan_key from tenant join subscription on tenant_id = tenant.id order by 1"
    ) == [
        ("acme", "pro", "pro"),
        ("globex", "free", "free"),
    ]
    granted = "select t.slug, count(*) > 0 from tenant t join entitlement on tenant_id = t.id group by 1 order by 1"
    assert found(empty, granted) == [("acme", True), ("globex", True)]
    assert found(empty, "select email, role from membership where custom_role is not null") == [
        ("lead@acme.example", "lead")
    ]


def test_an_installation_without_apps_has_tenants_and_people(empty: Settings) -> None:
    seed(empty, of())
    assert counts(empty) == KERNEL


def test_an_installation_without_billing_has_the_rest(empty: Settings) -> None:
    seed(empty, of(INSTALLATION.app("tenants"), INSTALLATION.app("admin")))
    billed = {"subscription", "billing_customer"}
    assert counts(empty) == {name: rows for name, rows in WHOLE.items() if name not in billed}


def test_the_demo_role_holds_no_action_that_the_installation_lacks(empty: Settings) -> None:
    app = INSTALLATION.app("tenants")
    silent = [replace(one, permissions=None) if one.permissions is ItemAction else one for one in app.resources]
    seed(empty, of(replace(app, resources=silent), INSTALLATION.app("billing")))
    assert "item:read" in LEADS
    assert found(empty, "select permissions from custom_role") == [([name for name in LEADS if name != "item:read"],)]


def test_an_installation_without_projects_and_items_has_the_rest(empty: Settings) -> None:
    tenants = without(INSTALLATION.app("tenants"), "tenants.projects.demo", "tenants.items.demo")
    seed(empty, of(tenants, INSTALLATION.app("billing")))
    assert counts(empty) == {**KERNEL, "subscription": 2, "billing_customer": 1}


def test_seeds_run_in_the_order_of_declaration_and_get_the_new_tenants(empty: Settings) -> None:
    ran: list[tuple[str, list[str]]] = []

    def noting(name: str) -> Resource:
        return Resource(seed=lambda _connection, demo: ran.append((name, [tenant.slug for tenant in demo.tenants])))

    app = replace(INSTALLATION.app("tenants"), resources=(noting("first"), Resource(), noting("second")))
    other = replace(INSTALLATION.app("admin"), resources=(noting("third"),))
    for _ in range(2):
        seed(empty, of(app, other))
    made = ["acme", "globex"]
    assert ran == [("first", made), ("second", made), ("third", made), ("first", []), ("second", []), ("third", [])]
    assert counts(empty) == KERNEL


def test_a_resource_adds_members_of_its_own(empty: Settings) -> None:
    def hire(connection: Connection, demo: Demo) -> None:
        for tenant in demo.tenants:
            act_for(connection, tenant.id)
            demo.add_member(connection, tenant, "clerk@desk.example", "viewer")

    seed(empty, of(replace(INSTALLATION.app("tenants"), resources=(Resource(seed=hire),))))
    clerk = "select name, email_verified_at is not null from \"user\" where email = 'clerk@desk.example'"
    assert found(empty, clerk) == [("Clerk of Desk", True)]
    assert counts(empty) == {**KERNEL, "user": 11, "credential": 11, "membership": 12}


def test_a_seed_that_fails_leaves_nothing_behind(empty: Settings) -> None:
    def fail(connection: Connection, _demo: Demo) -> None:
        connection.execute(text("select 1 / 0"))

    with pytest.raises(Exception, match="division by zero"):
        seed(empty, of(replace(INSTALLATION.app("tenants"), resources=(Resource(seed=fail),))))
    assert counts(empty) == {}
    seed(empty, of())
    assert counts(empty) == KERNEL


def test_a_customer_is_made_also_of_a_tenant_that_was_there(empty: Settings) -> None:
    seed(empty, of(INSTALLATION.app("tenants")))
    seed(empty, INSTALLATION)
    assert found(empty, "select provider_customer_id from billing_customer") == [("cus_demo_globex",)]
