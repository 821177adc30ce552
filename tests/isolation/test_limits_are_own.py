"""One tenant's requests do not count against another tenant's limits."""

from httpx import AsyncClient

from tests.support.app import SignIn
from tests.support.factories import Factories


async def test_a_tenant_that_used_up_its_limit_does_not_limit_another(
    client: AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    limit = {"requests_per_minute": 5, "racks": 3}
    a, b = await make.tenant(entitlements=limit), await make.tenant(entitlements=limit)
    person = await make.member(a, role="owner")
    await make.member(b, role="owner", user=person)
    in_a, in_b = await sign_in(person, a), await sign_in(person, b)

    async def status_of(headers: dict[str, str]) -> int:
        return (await client.get("/api/v1/racks", headers=headers)).status_code

    assert [await status_of(in_a) for _ in range(6)] == [200] * 5 + [429]
    assert [await status_of(in_b) for _ in range(6)] == [200] * 5 + [429]
