"""Fault 52: while PostgreSQL is silent, waiters for the same read share its outcome, and signing keys stay cached."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest

from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.pools import Database
from insula.identity import KeyRing, TokenIssuer, TokenVerifier
from insula.tenancy import Directory
from insula.tenancy.cache import Loaded, LookupCache
from tests.support.apps import DECLARED, audience
from tests.support.faulty import Fault, Faulty, faulty
from tests.support.waiting import until

POOL_TIMEOUT, STATEMENT, GRACE = 0.3, 0.3, 1.0
ONE_LOOKUP = POOL_TIMEOUT + GRACE + STATEMENT + GRACE + 1.0


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


@pytest.fixture
def through(settings: Settings, proxy: Faulty) -> Settings:
    limits = {"pool_timeout": POOL_TIMEOUT, "statement_timeout": STATEMENT}
    changed = {
        "database_url": proxy.url(settings.database_url),
        "database": settings.database.model_copy(update=limits),
    }
    return settings.model_copy(update=changed)


@pytest.fixture
async def database(through: Settings, proxy: Faulty) -> AsyncIterator[Database]:
    database = await Database.open(through, DECLARED.web_roles)
    yield database
    proxy.heal()
    await database.close()


async def token_of(keys: KeyRing, settings: Settings) -> str:
    issuer = TokenIssuer(settings, keys)
    return await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=audience(settings, "tenants"))


async def test_lookups_of_unknown_keys_and_names_time_out_together(
    database: Database, through: Settings, proxy: Faulty
) -> None:
    directory = Directory(through, database)
    proxy.strike(Fault.SWALLOW)
    began = monotonic()

    looks = [directory.api_key(TenantId(new_id()), new_id()) for _ in range(30)]
    names = [directory.tenant_for_name(f"stranger-{number}") for number in range(30)]
    outcomes = await asyncio.gather(*looks, *names, return_exceptions=True)

    assert monotonic() - began < ONE_LOOKUP
    assert all(isinstance(outcome, UNREACHABLE) for outcome in outcomes)
    proxy.heal()
    assert await directory.api_key(TenantId(new_id()), new_id()) is None
    await directory.close()


async def test_a_failed_lookup_fails_for_all_its_waiters() -> None:
    looks, reads, away = LookupCache[str, int](size=10, ttl=60.0, patience=60.0), 0, asyncio.Event()

    async def fail() -> Loaded[int]:
        nonlocal reads
        reads += 1
        await away.wait()
        raise ConnectionError

    async def find() -> Loaded[int]:
        return Loaded(7, frozenset())

    waiting = [asyncio.create_task(looks.find(f"stranger-{number}", (), fail)) for number in range(5)]
    await until(lambda: reads == 1)
    away.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(outcome, UNREACHABLE) for outcome in outcomes)
    assert reads == 1
    assert await looks.find("stranger-1", (), find) == 7, "a later call starts a new lookup"
    await looks.close()


async def test_cached_keys_verify_tokens_while_they_cannot_be_reloaded(
    database: Database, through: Settings, settings: Settings, proxy: Faulty
) -> None:
    keys = KeyRing(through, database)
    keys.listener_alive = True
    verifier = TokenVerifier(settings, keys)
    token = await token_of(keys, settings)
    await verifier.verify(token, audience(settings, "tenants"))

    proxy.strike(Fault.SWALLOW)
    keys.flush()  # as when the listener is lost
    began = monotonic()
    found = await asyncio.gather(*(verifier.verify(token, audience(settings, "tenants")) for _ in range(50)))

    assert len(found) == 50
    assert monotonic() - began < ONE_LOOKUP
    assert await keys.jwks(), "cached keys are used soon after a failed reload"
    await keys.close()


async def test_a_distrusted_key_is_refused_within_a_second_without_a_notification(
    database: Database, through: Settings, settings: Settings
) -> None:
    keys = KeyRing(through, database)  # it has no listener
    verifier = TokenVerifier(settings, keys)
    token = await token_of(keys, settings)
    await verifier.verify(token, audience(settings, "tenants"))

    await KeyRing(settings, database).rotate(distrust=True)

    async def refused() -> bool:
        try:
            await verifier.verify(token, audience(settings, "tenants"))
        except Unauthenticated:
            return True
        return False

    await until(refused, seconds=1.5)
    await verifier.verify(await token_of(KeyRing(settings, database), settings), audience(settings, "tenants"))
