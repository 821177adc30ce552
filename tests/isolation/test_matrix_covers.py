"""The matrix covers every route with each factor at least once, and reports values that it cannot derive."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import httpx
import pytest
from pydantic import BaseModel

from insula.access import Policy
from insula.callers import Admitted, Allowance, Identity, Members, personal_allowance
from insula.http.routing.guards import Guard, RequestContext
from insula.limits import LimitClass
from insula.scope import PersonalScope, Principal, UserPrincipal
from tests.callers import desk
from tests.callers.desk import AgentGuard
from tests.isolation.matrix import Stage, attack
from tests.isolation.matrix.callers import callers_of
from tests.isolation.matrix.cells import Cell, cells_of
from tests.isolation.matrix.payloads import payloads_of
from tests.isolation.matrix.positions import positions_of
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.isolation.matrix.selectors import SELECTORS
from tests.probe.racks.permissions import Action
from tests.support.apps import MOUNTS

ROUTES = live_routes()
ONE = ROUTES["PATCH /api/v1/racks/{rack_id}"]


class Unexampled(BaseModel):
    name: str


class AnyoneGuard(Guard[UserPrincipal, PersonalScope]):
    """A guard that an app derived from the base class."""

    admits: ClassVar[Admitted] = (Members,)

    def narrow(self, identity: Identity[Principal]) -> UserPrincipal:
        assert isinstance(identity.principal, UserPrincipal)
        return identity.principal

    def allowance(self, caller: UserPrincipal, limit_class: LimitClass) -> Allowance:
        return personal_allowance(caller.user_id, 60, limit_class)

    def authorise(self, caller: UserPrincipal, policy: Policy) -> None:
        """Accept everyone."""

    def scope(self, caller: UserPrincipal, request: RequestContext) -> PersonalScope:
        return PersonalScope(caller, request.unit, request.request_id, request.address, request.policy, request.reopen)


def factors_in(cells: tuple[Cell, ...]) -> set[tuple[str, str]]:
    """Return the values of each factor that occur in the cells."""
    factors = ("caller", "position", "selector")
    found = {(factor, getattr(cell, factor).name) for cell in cells for factor in factors}
    return found | {("payload", cell.payload) for cell in cells}


def factors_of(route: LiveRoute) -> set[tuple[str, str]]:
    named: Mapping[str, list[str]] = {
        "caller": [caller.name for caller in callers_of(route)],
        "position": [position.name for position in positions_of(route)],
        "selector": list(SELECTORS),
        "payload": list(payloads_of(route)),
    }
    return {(factor, name) for factor, names in named.items() for name in names}


class TestEveryRoute:
    def test_is_guarded_or_declared_public(self) -> None:
        assert [name for name, route in ROUTES.items() if route.guard is None and not route.public] == []

    def test_is_not_both(self) -> None:
        assert [name for name, route in ROUTES.items() if route.public and route.guard is not None] == []

    @pytest.mark.parametrize("app", MOUNTS.values())
    async def test_in_a_document_is_in_the_matrix(self, app: str, client: httpx.AsyncClient) -> None:
        document = (await client.get(f"{app}/openapi.json")).json()
        operations = {f"{method.upper()} {app}{path}" for path, item in document["paths"].items() for method in item}
        assert operations
        assert operations <= set(ROUTES)

    def test_outside_the_documents_is_in_the_matrix_too(self) -> None:
        assert {"GET /metrics", "GET /mailbox/{name}", "GET /api/docs", "MOUNT /static"} <= set(ROUTES)

    @pytest.mark.parametrize("name", ROUTES)
    def test_has_every_factor_in_the_short_matrix(self, name: str) -> None:
        route = ROUTES[name]
        short, full = cells_of(route, "short"), cells_of(route, "full")
        assert factors_in(short) == factors_in(full) == factors_of(route)
        assert len(short) <= len(full)


class TestMissing:
    async def test_an_id_that_cannot_be_derived_is_reported(self, stage: Stage) -> None:
        unknown = replace(ONE, template="/v1/things/{thing}")
        report = await attack(stage, [unknown], "short")
        assert report.failures == (f"{unknown.name}: say in AttackHints(ids=...) which table's id {{thing}} is",)
        assert not report.sound
        assert (await attack(stage, [ONE], "short")).sound

    async def test_an_example_of_the_body_is_reported(self, stage: Stage) -> None:
        unexampled = replace(ONE, body=Unexampled)
        report = await attack(stage, [unexampled], "short")
        assert report.failures == (f"{ONE.name}: its body's schema has no example to attack with",)
        assert not report.sound

    async def test_a_handler_of_a_socket_is_reported(self, stage: Stage) -> None:
        report = await attack(stage, [replace(ONE, method="WEBSOCKET")], "short")
        assert not report.sound

    async def test_a_guard_is_reported(self, stage: Stage) -> None:
        report = await attack(stage, [replace(ONE, guard=None)], "short")
        assert report.failures == (f"{ONE.name}: neither guarded nor declared public",)

    async def test_callers_for_an_unknown_kind_of_guard_are_reported(self, stage: Stage) -> None:
        """Otherwise it would count as a public route, and every answer as a leak."""
        report = await attack(stage, [replace(ONE, guard=AnyoneGuard(Action.READ)), ONE], "short")
        (failure,) = report.failures
        assert failure.startswith(f"{ONE.name}: its guard AnyoneGuard is no TenantGuard, PersonalGuard or RoleGuard")
        assert (report.routes, report.routes_attacked, report.leaks) == (2, 1, ())
        assert not report.sound

    async def test_the_table_of_a_kind_of_caller_is_reported(self, stage: Stage) -> None:
        report = await attack(stage, [replace(ONE, guard=AgentGuard(desk.Action.TICKET_READ))], "short")
        (failure,) = report.failures
        assert failure.startswith(f"{ONE.name}: its guard AgentGuard is for nobody of the app tenants: derive them")
        assert not report.sound

    async def test_a_successful_control_is_reported(self, stage: Stage) -> None:
        """Refusing a request for something that does not exist proves nothing."""
        nowhere = replace(ONE, template="/v1/projekts/{rack_id}")
        report = await attack(stage, [nowhere], "short")
        assert report.controls_passed < report.controls
        assert not report.sound
