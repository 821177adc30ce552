"""The docs pages' sign-in as a demo user: only under ``insula run``, and only for pages of this machine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import pytest
from fastapi import FastAPI

from insula import asgi
from insula.core.settings import HttpSettings, Settings
from insula.dev.asgi import NotForProduction, create_app
from insula.dev.seed import STAFF, seed
from insula.dev.signing_in import SIGN_IN_SCRIPTS, DemoUser
from tests.isolation.matrix.routes import live_routes
from tests.support.app import Live
from tests.support.apps import APPS_FOR_MEMBERS, INSTALLATION, MOUNTS
from tests.support.databases import administer, database_without_tenants
from tests.support.visitors import problem

HERE: Final = "http://localhost:8000"
THIS_MACHINE: Final = "127.0.0.1"
DECLARED: Final = "app.example.com"
"""A public name of the installation, besides those of this machine."""


@pytest.fixture(scope="module")
def seeded(settings: Settings) -> Iterator[Settings]:
    with database_without_tenants(settings) as own:
        seed(own, INSTALLATION)
        http = HttpSettings(allowed_hosts=(DECLARED, THIS_MACHINE, "[::1]"), trusted_proxies=("127.0.0.2",))
        yield own.model_copy(update={"environment": "local", "http": http})


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[Live]:
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        yield Live(app, state["kernel"])


@pytest.fixture(scope="module")
async def live_here(seeded: Settings) -> AsyncIterator[Live]:
    async with running(create_app(seeded)) as live:
        yield live


def visitor(live: Live, peer: str = THIS_MACHINE) -> httpx.AsyncClient:
    """Return a client whose connections come from ``peer``."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(live, client=(peer, 50_000)), base_url=HERE)


async def users_of(client: httpx.AsyncClient, app: str) -> list[DemoUser]:
    answer = await client.get("/insula-dev/users", params={"app": app})
    assert answer.status_code == 200
    return [DemoUser.model_validate(user) for user in answer.json()]


async def sign_in(client: httpx.AsyncClient, **changes: str | None) -> httpx.Response:
    """Sign in as the first member of the first app for members; None removes a header."""
    headers = {"origin": str(client.base_url).rstrip("/"), **changes}
    body = {"app": APPS_FOR_MEMBERS[0], "email": "owner@acme.example", "tenant": "acme"}
    return await client.post(
        "/insula-dev/sign-in", json=body, headers={name: value for name, value in headers.items() if value is not None}
    )


@pytest.mark.parametrize("app", [app.name for app in INSTALLATION.apps])
async def test_every_demo_user_of_an_app_gets_a_token_for_it_in_the_chosen_tenant(live_here: Live, app: str) -> None:
    client = visitor(live_here)
    path = next(
        f"{route.mount}{route.template}"
        for route in live_routes().values()
        if route.app == app and route.guard is not None and route.method == "GET" and "{" not in route.template
    )
    users = await users_of(client, app)
    assert bool(users) == (app in APPS_FOR_MEMBERS or STAFF in [user.email for user in users])

    for user in users:
        for named in [{"tenant": tenant} for tenant in user.tenants] or [{}]:
            body = {"app": app, "email": user.email, **named}
            answer = await client.post("/insula-dev/sign-in", json=body, headers={"origin": HERE})
            assert answer.status_code == 200, answer.text
            token = answer.json()["access_token"]
            used = await client.get(path, headers={"authorization": f"Bearer {token}"})
            assert used.status_code in {200, 403}  # a role may lack the first route's action


async def test_a_stranger_to_the_demo_or_to_the_tenant_is_refused(live_here: Live) -> None:
    client = visitor(live_here)
    owner = {"app": APPS_FOR_MEMBERS[0], "email": "owner@acme.example", "tenant": "acme"}
    assert (await client.post("/insula-dev/sign-in", json=owner, headers={"origin": HERE})).status_code == 200

    for change, status in (
        ({"email": "ada@example.com"}, 404),
        ({"email": STAFF}, 404),
        ({"app": "root"}, 404),
        ({"tenant": "globex"}, 403),
    ):
        answer = await client.post("/insula-dev/sign-in", json=owner | change, headers={"origin": HERE})
        assert answer.status_code == status, change


class TestPeer:
    @pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
    async def test_this_machine_may_sign_in(self, live_here: Live, peer: str) -> None:
        assert (await sign_in(visitor(live_here, peer))).status_code == 200

    @pytest.mark.parametrize("peer", ["10.0.0.9", "192.168.1.20", "203.0.113.5", "fe80::1", "::ffff:10.0.0.9", "unix"])
    async def test_another_machine_may_neither_sign_in_nor_list_users(self, live_here: Live, peer: str) -> None:
        client = visitor(live_here, peer)
        assert problem(await sign_in(client)) == (403, "forbidden")
        listed = await client.get("/insula-dev/users", params={"app": APPS_FOR_MEMBERS[0]})
        assert problem(listed) == (403, "forbidden")

    @pytest.mark.parametrize("peer", [THIS_MACHINE, "127.0.0.2"], ids=["undeclared proxy", "trusted proxy"])
    async def test_a_request_through_a_proxy_is_refused_wherever_it_says_that_it_comes_from(
        self, live_here: Live, peer: str
    ) -> None:
        client = visitor(live_here, peer)
        assert (await sign_in(client)).status_code == 200
        for header, value in (("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1"), ("forwarded", "for=::1")):
            assert problem(await sign_in(client, **{header: value})) == (403, "forbidden"), header


class TestHost:
    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
    async def test_this_machines_own_names_are_known(self, live_here: Live, host: str) -> None:
        client = visitor(live_here)
        assert (await sign_in(client, host=host, origin=f"http://{host}")).status_code == 200

    @pytest.mark.parametrize("host", [DECLARED, "acme.localhost:8000"])
    async def test_a_host_that_only_serves_the_api_is_refused(self, live_here: Live, host: str) -> None:
        client = visitor(live_here)
        assert (await client.get("/docs", headers={"host": host})).status_code == 200
        assert problem(await sign_in(client, host=host, origin=f"http://{host}")) == (403, "forbidden")
        listed = await client.get("/insula-dev/users", params={"app": APPS_FOR_MEMBERS[0]}, headers={"host": host})
        assert problem(listed) == (403, "forbidden")

    async def test_a_foreign_host_is_refused(self, live_here: Live) -> None:
        answer = await sign_in(visitor(live_here), host="rebound.example", origin="http://rebound.example")
        assert problem(answer) == (421, "unknown_host")


class TestOrigin:
    async def test_a_page_of_the_same_origin_may_sign_in(self, live_here: Live) -> None:
        assert (await sign_in(visitor(live_here), origin=HERE)).status_code == 200

    @pytest.mark.parametrize(
        "origin",
        [
            None,
            "null",
            "",
            "https://evil.example",
            "http://localhost:9000",
            "http://localhost",
            "https://localhost:8000",
            "http://127.0.0.1:8000",
            f"{HERE}.evil.example",
        ],
    )
    async def test_another_page_may_not(self, live_here: Live, origin: str | None) -> None:
        assert problem(await sign_in(visitor(live_here), origin=origin)) == (403, "forbidden")


@pytest.mark.parametrize("environment", ["local", "test", "production"])
async def test_the_application_that_is_served_in_production_has_no_such_route(
    seeded: Settings, environment: str
) -> None:
    page = f"{MOUNTS[APPS_FOR_MEMBERS[0]]}/docs"
    async with running(asgi.create_app(seeded.model_copy(update={"environment": environment}))) as live:
        client = visitor(live)
        assert problem(await sign_in(client)) == (404, "not_found")
        listed = await client.get("/insula-dev/users", params={"app": APPS_FOR_MEMBERS[0]})
        assert problem(listed) == (404, "not_found")
        assert (await client.get(SIGN_IN_SCRIPTS[0])).status_code == 404
        assert "insula-dev" not in (await client.get(page)).text


async def test_the_application_of_insula_run_has_it(live_here: Live) -> None:
    client = visitor(live_here)
    assert SIGN_IN_SCRIPTS[0] in (await client.get(f"{MOUNTS[APPS_FOR_MEMBERS[0]]}/docs")).text
    assert (await client.get(SIGN_IN_SCRIPTS[0])).status_code == 200


def test_it_refuses_the_settings_of_production(seeded: Settings) -> None:
    assert create_app(seeded)
    with pytest.raises(NotForProduction, match=r"insula\.asgi"):
        create_app(seeded.model_copy(update={"environment": "production"}))


async def test_a_demo_user_with_another_password_is_told_so(seeded: Settings, live_here: Live) -> None:
    client = visitor(live_here)
    viewer = {"app": APPS_FOR_MEMBERS[0], "email": "viewer@acme.example", "tenant": "acme"}
    assert (await client.post("/insula-dev/sign-in", json=viewer, headers={"origin": HERE})).status_code == 200

    whose = """(SELECT id FROM "user" WHERE email = 'viewer@acme.example')"""
    await administer(seeded, f"UPDATE credential SET password_hash = 'changed' WHERE user_id = {whose}")  # noqa: S608  ours
    answer = await client.post("/insula-dev/sign-in", json=viewer, headers={"origin": HERE})

    assert problem(answer) == (403, "forbidden")
    assert answer.json()["detail"] == "viewer@acme.example can no longer sign in with the demo password"
