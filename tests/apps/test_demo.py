"""``insula seed``: the kernel creates tenants and users, each resource its own rows, in the order of declaration."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import App, Demo, Installation, Resource, enter_tenant
from insula.core.settings import Settings
from insula.dev.seed import DOCS_CLIENT, seed
from tests.support.apps import INSTALLATION
from tests.support.databases import database_without_tenants
from tests.support.demo import KERNEL, counts, found


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    with database_without_tenants(settings) as own:
        yield own


def of(*apps: App) -> Installation:
    return replace(INSTALLATION, apps=apps, granted={})


def test_an_installation_without_apps_has_tenants_and_people(empty: Settings) -> None:
    seed(empty, of())
    assert counts(empty) == KERNEL


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


def test_the_docs_pages_have_a_public_client_which_stays_as_it_is(empty: Settings) -> None:
    for origin in ("http://localhost:8000", "http://localhost:8001"):
        seed(empty.model_copy(update={"public_url": origin}), of())
    [client] = found(empty, "SELECT id, kind, grants, redirect_uris, secret_hash FROM first_party_client")

    assert client == (
        DOCS_CLIENT,
        "public",
        ["authorization_code"],
        ["http://localhost:8000/docs/oauth2-redirect"],
        None,
    )


def test_a_resource_adds_members_of_its_own(empty: Settings) -> None:
    def hire(connection: Connection, demo: Demo) -> None:
        for tenant in demo.tenants:
            enter_tenant(connection, tenant.id)
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
