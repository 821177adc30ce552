"""Attacks every route with API keys: another tenant's, one that lacks the action, one where only people may."""

import httpx
import pytest

from insula.http.access import PersonalGuard, StaffGuard, TenantGuard
from insula.ids import new_id
from tenants.key_actions import KEY_ACTIONS
from tests.isolation.answers import same_answer
from tests.isolation.world import ROUTES, Readback, World, body_of, fingerprint, guarded, path_of
from tests.support.factories import Factories, MadeKey


async def call(world: World, name: str, key: MadeKey, ids: dict[str, str], **headers: str) -> httpx.Response:
    route = ROUTES[name]
    return await world.client.request(
        route.method, path_of(route, ids), json=body_of(route, ids), headers={**key.headers, **headers}
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("name", guarded(TenantGuard))
async def test_a_key_gets_nothing_of_another_tenant(
    name: str, world: World, make: Factories, readback: Readback
) -> None:
    foreign = await make.api_key(world.a, *KEY_ACTIONS)
    before = await fingerprint(readback, world.b)
    for hint in (world.b.slug, str(world.b.id), "nobody"):
        conflicting = await call(world, name, foreign, world.ids, **{"X-Tenant": hint})
        assert refusal(conflicting) == (403, "tenant_conflict")
    host = f"{world.b.slug}.{world.sign_in.kernel.settings.base_domain}"
    assert refusal(await call(world, name, foreign, world.ids, Host=host)) == (403, "tenant_conflict")

    answer = await call(world, name, foreign, world.ids)

    route, nowhere = ROUTES[name], dict.fromkeys(world.ids, str(new_id()))
    if route.guard is not None and str(route.guard.action) not in KEY_ACTIONS:
        assert refusal(answer) == (403, "forbidden")
    elif path_of(route, world.ids) != path_of(route, nowhere):
        assert answer.status_code == 404
        assert same_answer(answer, await call(world, name, foreign, nowhere))
    assert world.canary not in answer.text + repr(answer.headers.multi_items())
    assert await fingerprint(readback, world.b) == before


@pytest.mark.parametrize("name", guarded(TenantGuard))
async def test_a_key_does_what_it_was_made_for_and_nothing_else(
    name: str, world: World, make: Factories, readback: Readback
) -> None:
    guard = ROUTES[name].guard
    assert guard is not None
    action = str(guard.action)
    lacking = await make.api_key(world.b, *(KEY_ACTIONS - {action}))
    having = await make.api_key(world.b, action)
    before = await fingerprint(readback, world.b)
    assert refusal(await call(world, name, lacking, world.ids)) == (403, "forbidden")
    assert await fingerprint(readback, world.b) == before

    answer = await call(world, name, having, world.ids)

    if action in KEY_ACTIONS:
        assert answer.is_success, f"{name}: a key with {action} got {answer.text}; is it for people alone (FOR_PEOPLE)?"
    else:
        assert answer.status_code < 500, f"{name}: a key that should never have been given {action} got {answer.text}"


@pytest.mark.parametrize("name", guarded(PersonalGuard))
async def test_a_key_is_no_person(name: str, world: World, make: Factories) -> None:
    key = await make.api_key(world.a, *KEY_ACTIONS)
    assert refusal(await call(world, name, key, world.ids)) == (403, "forbidden")
    assert (await world.client.get("/api/v1/projects", headers=key.headers)).status_code == 200


@pytest.mark.parametrize("name", guarded(StaffGuard))
async def test_a_key_is_no_staff(name: str, world: World, make: Factories) -> None:
    key = await make.api_key(world.a, *KEY_ACTIONS)
    assert refusal(await call(world, name, key, world.ids)) == (401, "unauthenticated")
    assert (await world.client.get("/api/v1/projects", headers=key.headers)).status_code == 200
