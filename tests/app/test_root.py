"""The root's own routes, on the live app."""

import httpx


async def test_healthz_answers_without_looking_at_anything(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_readyz_says_that_database_migrations_and_redis_are_well(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}},
    )
