"""The root's lifespan: opens and warms the kernel that requests use, and closes its parts in reverse order.

While it runs, each process also repeats small tasks in the background. They must be safe if all processes run them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

import structlog
from fastapi import FastAPI

from insula.core.collector import freeze_startup_objects
from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.declarations import Declarations
from insula.http.kernel import Kernel, LifespanState, Product
from insula.http.metrics import RequestMetrics
from insula.http.open_connections import OpenConnections
from insula.identity import (
    AccountEmails,
    Accounts,
    BrowserSessions,
    KeyRing,
    OwnAccount,
    Passwords,
    Sessions,
    TokenIssuer,
    TokenVerifier,
)
from insula.identity.credentials.api_key_uses import KeyUses
from insula.identity.credentials.id_tokens import IdTokens
from insula.identity.oauth.authorizations import Authorizations
from insula.limits import Limits, connect
from insula.tenancy import Directory, DnsResolver, Listener

Background = Callable[[Kernel], AbstractAsyncContextManager[None]]
_log = structlog.get_logger(__name__)


def lifespan_of(
    settings: Settings, product: Product, declared: Declarations, metrics: RequestMetrics, *background: Background
) -> Callable[[FastAPI], AbstractAsyncContextManager[LifespanState]]:
    """Return the root's lifespan. Its state, ``kernel``, reaches the mounted apps in the scope of each request.

    Each ``background`` runs in parallel to requests, while the kernel is open.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[LifespanState]:
        async with AsyncExitStack() as stack:
            lag = LagMeter(metrics.observe_lag)
            kernel = await _open(settings, product, declared, lag, stack)
            for work in background:
                await stack.enter_async_context(work(kernel))
            freeze_startup_objects()
            lag.start()  # after the work of starting up, which it must not measure
            stack.callback(lag.stop)
            yield {"kernel": kernel}

    return lifespan


async def _open(
    settings: Settings, product: Product, declared: Declarations, lag: LagMeter, stack: AsyncExitStack
) -> Kernel:
    database = await Database.open(settings, declared.web_roles)
    stack.push_async_callback(database.close)
    redis = connect(settings.redis_url)
    stack.push_async_callback(redis.aclose)
    limits = Limits.build(redis)
    stack.push_async_callback(limits.close)
    await limits.check_redis()  # so that the state of Redis is known before the first request
    key_uses = KeyUses(database)
    stack.push_async_callback(key_uses.flush)
    keys = KeyRing(settings, database)
    stack.push_async_callback(keys.close)
    passwords, emails = Passwords(), AccountEmails(settings)
    directory = Directory(settings, database)
    stack.push_async_callback(directory.close)
    connections = OpenConnections()
    listener = Listener(settings, directory, keys, connections, on_silence=database.close_idle)
    await listener.start()
    stack.push_async_callback(listener.stop)
    await keys.load()
    await database.warm()
    return Kernel(
        settings=settings,
        database=database,
        branches=declared.branches,
        keys=keys,
        verifier=TokenVerifier(settings, keys),
        issuer=TokenIssuer(settings, keys),
        authenticator=Sessions(settings, database, passwords),
        id_tokens=IdTokens(settings, keys),
        browser_sessions=BrowserSessions(settings, database, passwords),
        authorizations=Authorizations(settings, database),
        accounts=Accounts(database, passwords, emails),
        own_account=OwnAccount(database, passwords, emails),
        key_uses=key_uses,
        directory=directory,
        resolver=DnsResolver(settings.dns.endpoints),
        policy=product.policy,
        new_tenants=product.new_tenants,
        entitlements=product.entitlements,
        limits=limits,
        connections=connections,
        lag=lag,
        apps=product.apps,
    )


def every(
    seconds: float, work: Callable[[Kernel], Awaitable[object]]
) -> Callable[[Kernel], AbstractAsyncContextManager[None]]:
    """Return a background that runs ``work`` every ``seconds``; a failure is logged, and the next run tries again."""

    @asynccontextmanager
    async def running(kernel: Kernel) -> AsyncIterator[None]:
        task = asyncio.create_task(_repeat(seconds, work, kernel))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return running


async def _repeat(seconds: float, work: Callable[[Kernel], Awaitable[object]], kernel: Kernel) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work(kernel)
        except Exception as error:  # noqa: BLE001 - logged, and the next run tries again
            _log.warning("periodic work failed", work=work.__qualname__, error=repr(error))
