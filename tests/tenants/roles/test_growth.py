"""The cost of a request with 10 custom roles in each of 1,000 tenants, compared with one role in one tenant.

It takes minutes and needs a quiet machine: ``pytest -m slow -n0 -s tests/tenants/roles/test_growth.py``.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations, islice
from typing import NamedTuple

import httpx
import pytest

from insula.core import clock
from insula.core.ids import TenantId, UserId, new_id
from insula.db.models import AuthSession, CustomRole, Entitlement, Membership, Tenant, User
from insula.http.kernel import Kernel
from tests.support.app import Live
from tests.support.apps import POLICY, audience
from tests.support.factories import Factories

TENANTS, ROLES = 1_000, 10
ROUNDS, TURN = 40, 25
PATH = "/api/v1/racks"
Headers = dict[str, str]


class Cost(NamedTuple):
    """The median cost of a request in microseconds."""

    cpu: float
    wall: float


def _sets() -> Iterator[list[str]]:
    """Yield different sets of permissions, each of which may list racks."""
    always = {*POLICY.in_every_role, "rack:read"}
    others = sorted(POLICY.published.keys() - always)
    for size in range(8, len(others)):
        yield from (sorted({*always, *chosen}) for chosen in combinations(others, size))


class Callers(NamedTuple):
    """Members of the tenants: one for each custom role, and one in each tenant with a built-in role."""

    own: list[Headers]
    built_in: list[Headers]


async def _populate(make: Factories, kernel: Kernel, tenants: int, roles: int) -> Callers:
    callers = Callers([], [])
    sets = _sets()
    for _ in range(tenants):
        tenant_id = new_id()
        own = [
            CustomRole(tenant_id=tenant_id, key=f"role-{number}", name="Role", permissions=held)
            for number, held in enumerate(islice(sets, roles))
        ]
        held = [*(role.key for role in own), "viewer"]
        users = [User(email=f"{new_id()}@example.com", name="User") for _ in held]
        sessions = [AuthSession(user_id=user.id, expires_at=clock.now() + timedelta(days=1)) for user in users]
        members = [
            Membership(tenant_id=tenant_id, user_id=user.id, role=role, email=user.email, name=user.name)
            for user, role in zip(users, held, strict=True)
        ]
        plan = Entitlement(tenant_id=tenant_id, key="requests_per_minute", value=10_000_000)
        tenant = Tenant(id=tenant_id, slug=tenant_id.hex, name="Tenant", plan="pro", status="active")
        await make.insert(tenant, *users)
        await make.insert(plan, *own, *sessions)
        await make.insert(*members)
        signed_in = [await _signed_in(kernel, session, TenantId(tenant_id)) for session in sessions]
        callers.own.extend(signed_in[:-1])
        callers.built_in.append(signed_in[-1])
    return callers


async def _signed_in(kernel: Kernel, session: AuthSession, tenant_id: TenantId) -> Headers:
    token = await kernel.issuer.issue(
        user_id=UserId(session.user_id),
        session_id=session.id,
        audience=audience(kernel.settings, "tenants"),
        tenant_id=tenant_id,
    )
    return {"Authorization": f"Bearer {token}"}


async def _ask(client: httpx.AsyncClient, callers: Sequence[Headers]) -> list[Cost]:
    costs = []
    for headers in callers:
        wall, cpu = time.perf_counter(), time.process_time()
        answer = await client.get(PATH, headers=headers)
        costs.append(Cost((time.process_time() - cpu) * 1e6, (time.perf_counter() - wall) * 1e6))
        assert answer.status_code == 200, answer.text
    return costs


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))


def _decision(kernel: Kernel, sets: Sequence[frozenset[str]]) -> float:
    """Return the nanoseconds of a cached decision."""

    def once() -> float:
        begun = time.perf_counter()
        for permissions in sets:
            kernel.policy.allows("role-1", "rack:read", permissions)
        return (time.perf_counter() - begun) / len(sets) * 1e9

    return min(once() for _ in range(20))


@pytest.mark.slow
async def test_ten_thousand_roles_cost_a_request_no_more_than_one(
    live: Live, client: httpx.AsyncClient, make: Factories
) -> None:
    one = await _populate(make, live.kernel, 1, 1)
    await _ask(client, one.own * 200)
    alone = _median(await _ask(client, one.own * ROUNDS * TURN))
    many = await _populate(make, live.kernel, TENANTS, ROLES)
    sets = [frozenset(held) for held in islice(_sets(), TENANTS * ROLES)]
    for permissions in sets:
        live.kernel.policy.allows("role-1", "rack:read", permissions)
    dice = random.Random(1)  # noqa: S311  # no secret
    one_in_each = [dice.choice(many.own[first : first + ROLES]) for first in range(0, len(many.own), ROLES)]
    measured: dict[str, list[Cost]] = {}
    groups = {"the one role": one.own, "any custom role": one_in_each, "built-in roles": many.built_in}
    for callers in groups.values():
        await _ask(client, callers)  # from here on they are cached
    for _ in range(ROUNDS):  # alternating, so that other load on the machine affects all equally
        for name, callers in groups.items():
            measured.setdefault(name, []).extend(await _ask(client, dice.choices(callers, k=TURN)))
    costs = {name: _median(found) for name, found in measured.items()}
    decisions = [_decision(live.kernel, sets[:1] * 1_000), _decision(live.kernel, sets)]
    sys.stderr.write(f"\nthe one role, when there are no others: {alone}\n{costs}\na decision, ns: {decisions}\n")
    assert costs["the one role"].cpu < 1.1 * alone.cpu
    assert costs["any custom role"].cpu < 1.1 * costs["built-in roles"].cpu
