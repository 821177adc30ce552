"""The matrix derives attacks by an app's own kind of caller from the app's declarations alone."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from fastapi import FastAPI

from insula.access import Policy
from insula.callers import Identity
from insula.core.ids import UserId
from insula.core.settings import Settings
from insula.identity import Claims
from insula.scope import Principal
from tests.callers import desk
from tests.isolation.matrix import Stage, attack, callers, holders, routes
from tests.isolation.matrix.routes import LiveRoute, routes_of
from tests.support import apps
from tests.support.apps import INSTALLATION

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
GRANTS = {**INSTALLATION.grants, **desk.GRANTS}
READ, CREATE = "GET /desk/v1/tickets", "POST /desk/v1/tickets"


@pytest.fixture
async def desk_stage(
    stage: Stage, settings: Settings, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Stage, Sequence[LiveRoute]]]:
    """Give a stage that also serves the desk app, and the desk's routes."""
    context = desk.context_of_desk(settings)
    app = desk.build(context)
    monkeypatch.setitem(apps.MOUNTS, "desk", "/desk")
    monkeypatch.setitem(apps.PUBLIC, "desk", frozenset())
    monkeypatch.setitem(routes.APPS, "/desk", "desk")
    monkeypatch.setitem(holders.DECLARED, "desk", context.callers.declared)
    monkeypatch.setattr(callers, "GRANTS", GRANTS)
    await readback('CREATE TABLE desk_agent (user_id uuid PRIMARY KEY REFERENCES "user", role text NOT NULL)')
    await readback(f"GRANT SELECT ON desk_agent TO {desk.ROLE}")
    root = stage.app
    assert isinstance(root, FastAPI)
    root.mount("/desk", app)
    policy = Policy(GRANTS, INSTALLATION.published, INSTALLATION.roles | {*desk.AgentRole})
    kernel = replace(stage.kernel, policy=policy, apps={**stage.kernel.apps, "desk": context})
    yield replace(stage, kernel=kernel), list(routes_of(app, "/desk"))
    root.router.routes.pop()
    await readback("DROP TABLE desk_agent")


async def test_every_route_of_the_app_is_attacked(desk_stage: tuple[Stage, Sequence[LiveRoute]]) -> None:
    stage, found = desk_stage
    assert {route.name for route in found} == {READ, CREATE}

    report = await attack(stage, found, "full")

    assert report.findings == ()
    assert report.sound
    assert report.routes_attacked == len(found)


async def test_the_apps_tokens_are_tried_in_every_app(desk_stage: tuple[Stage, Sequence[LiveRoute]]) -> None:
    _, found = desk_stage
    at_desk = {caller.name for route in found for caller in callers.callers_of(route)}
    assert {f"desk_lead with a {app.name} token" for app in INSTALLATION.apps} <= at_desk
    assert {f"owner of A, token for {app.name}" for app in INSTALLATION.apps} <= at_desk
    assert {"desk_clerk of desk_agent", "superuser of staff, token for desk_agent"} <= at_desk
    live = routes.live_routes()
    in_a_tenant = {caller.name for caller in callers.callers_of(live["GET /api/v1/racks"])}
    assert {"token for desk", "desk_lead of desk_agent", "desk_lead, no tenant"} <= in_a_tenant
    by_staff = {caller.name for caller in callers.callers_of(live["GET /admin/v1/tenants"])}
    assert {"superuser with a desk token", "desk_lead of desk_agent, token for staff"} <= by_staff


async def test_an_unchecked_agent_role_is_reported(
    desk_stage: tuple[Stage, Sequence[LiveRoute]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, found = desk_stage

    async def agent(_self: desk.DeskAgents, claims: Claims, *_sources: object) -> Identity[Principal]:
        lead = desk.AgentPrincipal(UserId(claims.user_id), claims.session_id, desk.AgentRole.LEAD, "any@example.org")
        return Identity(lead)

    monkeypatch.setattr(desk.DeskAgents, "identity_of", agent)
    report = await attack(stage, found, "short")

    assert not report.sound
    for caller in ("owner of A, token for desk_agent", "superuser of staff, token for desk_agent"):
        assert any(caller in line and READ in line for line in report.failures), caller
    assert any("desk_clerk of desk_agent" in line and CREATE in line for line in report.failures)
