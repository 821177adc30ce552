"""Calls every route that a quota can refuse as its rightful caller: at least one enforces each declared quota."""

from collections.abc import Mapping
from typing import Final

import pytest
from sqlalchemy import text

from insula.access.entitlements import CountedQuota, SmallQuota
from insula.asgi import create_app
from insula.core.settings import Settings
from insula.http.responses.problems import MEDIA_TYPE
from insula.scope.quotas import QuotaExceeded
from tests.isolation.matrix import Stage
from tests.isolation.matrix.cells import cells_of
from tests.isolation.matrix.controls import controls_of
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.isolation.matrix.wire import Answer
from tests.probe.installation import REFERENCE
from tests.support.apps import INSTALLATION
from tests.support.documented import Answers, documents_of

BINDING: Final = [
    quota.key for quota in INSTALLATION.entitlements.quotas if isinstance(quota, CountedQuota | SmallQuota)
]
ROUTES: Final = live_routes()
_GRANT: Final = text("""
    INSERT INTO entitlement (tenant_id, key, value, updated_at)
    SELECT :tenant_id, key, value, now()
    FROM unnest(CAST(:keys AS text[]), CAST(:values AS bigint[])) AS granted (key, value)
    ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value
""")


def refusable(documents: Mapping[str, Answers]) -> list[LiveRoute]:
    """Return the routes that a quota can refuse, by their OpenAPI documents."""
    return [
        route
        for name, route in ROUTES.items()
        if QuotaExceeded.code
        in documents.get(name, {}).get("409", {}).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    ]


async def answer_with(stage: Stage, route: LiveRoute, granted: Mapping[str, int]) -> Answer:
    """Return the rightful caller's answer in a new tenant with these entitlements."""
    (world,) = await stage.worlds(route, 1)
    values = {"tenant_id": world.b.id, "keys": list(granted), "values": list(granted.values())}
    async with stage.engine.begin() as connection:
        await connection.execute(_GRANT, values)
    return await stage.send(await controls_of(cells_of(route, "short"))[0].request(stage, world))


@pytest.mark.parametrize("key", BINDING)
async def test_a_quota_refuses_more_than_it_grants(key: str, stage: Stage) -> None:
    plenty = dict.fromkeys(BINDING, 10**6)
    refused = []
    for route in refusable(documents_of(create_app(Settings(environment="local", installation=REFERENCE)))):
        answer = await answer_with(stage, route, {**plenty, key: 0})
        if not answer.ok:
            assert f'"{QuotaExceeded.code}"' in answer.text, f"{route.name}: {answer.status} {answer.text}"
            assert f"grants 0 {key}" in answer.text
            assert (await answer_with(stage, route, plenty)).ok
            refused.append(route.name)
    assert refused, f"no route is refused for {key}: its service calls check_quota(...) or lock_quota(...)"
