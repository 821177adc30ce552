"""Calls every route that changes something as its rightful caller, and looks for what the audit log says of it."""

from collections.abc import Mapping
from typing import Final

import pytest

from insula.audit import PLATFORM
from insula.http.access import PersonalGuard, StaffGuard, TenantGuard
from tests.isolation.world import ROUTES, Readback, World, body_of, guarded, path_of

UNRECORDED: Final[Mapping[str, str]] = {}
"""Guarded routes that by their method change something but do not, and why."""

MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KINDS: Final = {TenantGuard: "user", PersonalGuard: "user", StaffGuard: "staff"}
NAMES: Final = [
    name for kind in KINDS for name in guarded(kind) if ROUTES[name].method in MUTATING and name not in UNRECORDED
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_change_is_recorded_with_who_and_whence(name: str, world: World, readback: Readback) -> None:
    route = ROUTES[name]
    caller, headers = await world.rightful(route)
    path = path_of(route, world.ids)
    answer = await world.client.request(route.method, path, json=body_of(route, world.ids), headers=headers)
    assert answer.is_success, f"{name}: the rightful caller got {answer.status_code} {answer.text}"
    recorded = await readback(
        "select * from audit_event where request_id = :request_id", request_id=answer.headers["x-request-id"]
    )
    assert recorded, f"{name} recorded nothing: its service calls insula.audit.record, or UNRECORDED says why not"
    for event in recorded:
        assert (event["actor_kind"], event["actor_id"]) == (KINDS[type(route.guard)], caller.id)
        assert event["address"] == "127.0.0.1"
        own = isinstance(route.guard, PersonalGuard) or event["action"] == "tenant.created"
        assert event["tenant_id"] in {world.b.id, PLATFORM} or own


def test_what_is_not_recorded_is_there_and_says_why() -> None:
    assert [name for name, reason in UNRECORDED.items() if name not in ROUTES or not reason] == []
