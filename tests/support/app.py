"""The live application: in this process over ASGI, and as real uvicorn processes."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from time import monotonic
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from insula.asgi import create_app
from insula.core.ids import TenantId, UserId
from insula.core.settings import Settings
from insula.http.kernel import Kernel
from insula.limits import Limits, close, connect
from tests.support.apps import audience
from tests.support.dns import NameServer
from tests.support.documented import Answers, Watched, documents_of
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.forkserver import Forked
from tests.support.processes import OUR_CODE, started
from tests.support.secrets import secrets_of

AppName = str
"""The name of an app of the installation."""

PASSWORD = "correct horse battery staple"
WEB = "insula.asgi:create_app"
_START_SECONDS = 60.0  # the machine runs other tests too
_PATIENT_SECONDS = 30.0


@dataclass(frozen=True)
class Live:
    """The root app with its lifespan running."""

    app: FastAPI
    kernel: Kernel
    documents: Mapping[str, Answers] = field(default_factory=dict)
    undocumented: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # httpx's ASGI transport carries no lifespan state; uvicorn copies it into each scope as here.
        mine: Scope = {**scope, "state": {"kernel": self.kernel}}
        if scope["type"] != "http":
            await self.app(mine, receive, send)
            return
        watched = Watched(send)
        await self.app(mine, receive, watched)
        if (fault := watched.fault(self.documents, mine)) is not None:
            self.undocumented.append(fault)


@pytest.fixture(scope="session")
async def live(settings: Settings, dns_server: NameServer) -> AsyncIterator[Live]:
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        yield Live(app, replace(state["kernel"], resolver=dns_server.resolver()), documents_of(app))


@pytest.fixture
async def client(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the app in this process; a 500 is a response, not an exception.

    The document of an operation must list every error that a test gets from it.
    """
    async with _client_of(live, settings) as client:
        yield client


@asynccontextmanager
async def counting_exactly(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client as ``client`` does. Its app waits long for Redis, so that counts are exact on a busy machine."""
    redis = connect(settings.redis_url)
    limits = Limits.build(redis, patience=_PATIENT_SECONDS)
    async with _client_of(replace(live, kernel=replace(live.kernel, limits=limits)), settings) as client:
        yield client
    await limits.close()
    await close(redis)


@asynccontextmanager
async def _client_of(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(live, raise_app_exceptions=False)
    live.undocumented.clear()
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client
    assert live.undocumented == []


@dataclass(frozen=True)
class SignIn:
    """Makes sessions and tokens as a login does, without a password."""

    make: Factories
    kernel: Kernel

    async def token(
        self,
        user: UserRow,
        app: AppName = "tenants",
        tenant: TenantRow | None = None,
        *,
        scopes: Collection[str] | None = None,
    ) -> str:
        """Return an access token of a new session, limited to ``scopes`` if given."""
        session_id: UUID = await self.make.session(user)
        return await self.kernel.issuer.issue(
            user_id=UserId(user.id),
            session_id=session_id,
            audience=audience(self.kernel.settings, app),
            tenant_id=TenantId(tenant.id) if tenant else None,
            scopes=scopes,
        )

    async def __call__(
        self,
        user: UserRow,
        tenant: TenantRow | None = None,
        app: AppName = "tenants",
        *,
        scopes: Collection[str] | None = None,
    ) -> dict[str, str]:
        """Return the headers of a signed-in request."""
        return {"Authorization": f"Bearer {await self.token(user, app, tenant, scopes=scopes)}"}


@pytest.fixture
def sign_in(make: Factories, live: Live) -> SignIn:
    return SignIn(make, live.kernel)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a child process these ``settings``."""
    named = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "INSULA_ENVIRONMENT": settings.environment,
        "INSULA_INSTALLATION": settings.installation,
        "INSULA_DATA_DIR": str(settings.data_dir),
        "INSULA_PUBLIC_URL": settings.public_url,
        "INSULA_BASE_DOMAIN": settings.base_domain,
        "INSULA_DATABASE_ROLES_SECRET": settings.database.roles_secret.get_secret_value(),
        "INSULA_DATABASE_BUDGET": str(settings.database.budget),
        "INSULA_DATABASE_DIRECT_URL": settings.database.direct_url,
        "INSULA_DATABASE_POOLER": str(settings.database.pooler),
        "INSULA_AUTH_KEY_ENCRYPTION_KEY": settings.auth.key_encryption_key.get_secret_value(),
        **{f"INSULA_{name.replace('.', '_').upper()}": value for name, value in secrets_of(settings).items()},
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**inherited, **OUR_CODE, **named}


@contextmanager
def serving(settings: Settings, port: int = 0, factory: str = WEB, **environment: str) -> Iterator[str]:
    """Run uvicorn with ``settings``, on a free port unless one is given; yield its address once it answers."""
    with web_process(settings, port, factory, **environment) as (address, _):
        yield address


@contextmanager
def web_process(
    settings: Settings, port: int = 0, factory: str = WEB, **environment: str
) -> Iterator[tuple[str, Forked]]:
    """Run uvicorn as ``serving`` does; yield its process too."""
    port = port or free_port()
    options = ["--factory", factory, "--port", str(port), "--no-access-log", "--no-proxy-headers"]
    options += ["--http", "insula.http.server.protocol:Connection"]
    with started("uvicorn", *options, environment=environment_of(settings) | environment) as process:
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz", process), _START_SECONDS)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


def _answers(url: str, process: Forked) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the server ended with {process.returncode}")
    try:
        return httpx.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return as soon as ``condition`` holds; fail after ``seconds``."""
    deadline = monotonic() + seconds
    pause = Event()
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        pause.wait(0.02)
