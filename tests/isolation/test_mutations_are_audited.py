"""Calls every route that changes something as its rightful caller, and checks that the audit log records it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import pytest

from insula.audit import PLATFORM, AuditAction
from insula.core.ids import UserId
from insula.http.routing.guards import PersonalGuard, RoleGuard
from tests.isolation.matrix import Stage
from tests.isolation.matrix.callers import rightful_role
from tests.isolation.matrix.cells import cells_of
from tests.isolation.matrix.controls import controls_of
from tests.isolation.matrix.holders import held_role_of
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.isolation.matrix.world import World

UNRECORDED: Final[Mapping[str, str]] = {}
"""Guarded routes that change nothing despite their method, and why."""

ROUTES: Final = live_routes()
MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NAMES: Final = [
    name
    for name, route in ROUTES.items()
    if route.guard is not None and route.method in MUTATING and name not in UNRECORDED
]
ACTIONS: Final = frozenset(str(action) for enum in AuditAction.__subclasses__() for action in enum)
Readback = Callable[..., Awaitable[list[dict[str, Any]]]]


def caller(route: LiveRoute, world: World) -> tuple[str, object]:
    """Return the actor that the log must name for the rightful caller."""
    guard = route.guard
    if isinstance(guard, RoleGuard):
        role = rightful_role(route)
        person = world.holders[held_role_of(route).label][role]
        actor = guard.principal_type(UserId(person.id), person.session, role, person.email).actor
        return actor.kind, actor.id
    name = "guest" if isinstance(guard, PersonalGuard) else "owner"
    return "user", world.b.people[name].id


@pytest.mark.parametrize("name", NAMES)
async def test_a_change_is_recorded_with_actor_and_address(name: str, stage: Stage, readback: Readback) -> None:
    route = ROUTES[name]
    (world,) = await stage.worlds(route, 1)
    request = await controls_of(cells_of(route, "short"))[0].request(stage, world)
    answer = await stage.send(request)
    assert answer.ok, f"{name}: the rightful caller got {answer.status} {answer.text}"
    recorded = await readback(
        "select * from audit_event where request_id = :request_id", request_id=answer.header("x-request-id")
    )
    assert recorded, (
        f"{name} recorded nothing: let its service call insula.audit.record, or give the reason in UNRECORDED"
    )
    for event in recorded:
        assert event["action"] in ACTIONS
        assert (event["actor_kind"], event["actor_id"]) == caller(route, world)
        assert event["address"] == request.address
        own = isinstance(route.guard, PersonalGuard) or event["action"] == "tenant.created"
        assert event["tenant_id"] in {world.b.id, PLATFORM} or own


def test_each_unrecorded_route_exists_and_has_a_reason() -> None:
    assert [name for name, reason in UNRECORDED.items() if name not in ROUTES or not reason] == []
