"""The setup of the attacks: the live app in this process, its database, and its captured log."""

import io
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from unittest.mock import patch

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.types import ASGIApp
from structlog._config import BoundLoggerLazyProxy

from insula.core import clock
from insula.core.ids import TenantId, UserId
from insula.core.logging import AccessLog, configure
from insula.core.settings import Settings
from insula.dev.asgi import create_app
from insula.http.kernel import Kernel
from insula.http.middleware import edge
from insula.identity import hash_password
from insula.tenancy import CHALLENGE
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.rows import Rows, insert
from tests.isolation.matrix.tenant import AttackTenant, Key, Person
from tests.isolation.matrix.wire import Answer, Request, send, shake_hands
from tests.isolation.matrix.world import OTHER_PASSWORD, World, new_world
from tests.support.app import PASSWORD
from tests.support.apps import audience
from tests.support.cluster import superuser_url
from tests.support.dns import NameServer, serving_names
from tests.support.tokens import Forge


class LogTap(io.TextIOBase):
    """Replaces standard output: keeps what the app writes until it is taken."""

    def __init__(self) -> None:
        self._written: list[str] = []

    def write(self, text: str) -> int:
        """Keep ``text``."""
        self._written.append(text)
        return len(text)

    def take(self) -> str:
        """Return what was written since the last call."""
        text = "".join(self._written)
        self._written.clear()
        return text


class TappedLog(AccessLog):
    """Writes each line to the tap at once: buffered lines would go to a later standard output."""

    def __init__(self, tap: LogTap, level: str) -> None:
        super().__init__(level)
        self._tap = tap

    def write(self, level: Literal["info", "debug"], fields: dict[str, object]) -> None:
        """Write one line."""
        with redirect_stdout(self._tap):
            super().write(level, fields)
            self.flush()


@dataclass
class Stage:
    app: ASGIApp
    kernel: Kernel
    settings: Settings
    engine: AsyncEngine
    """The superuser's, which bypasses every policy and a pooler."""
    names: NameServer
    log: LogTap
    hashes: Mapping[str, str]
    attempts: int = 0

    async def worlds(self, route: LiveRoute, count: int) -> list[World]:
        """Return ``count`` fresh worlds, made together with one statement for each table."""
        rows: Rows = {}
        worlds = [new_world(rows, route, self.hashes) for _ in range(count)]
        tenants = [tenant for world in worlds for tenant in (world.a, world.b)]
        async with self.engine.begin() as connection:
            await insert(connection, rows, tenants)
        for tenant in tenants:
            self.names.publish(f"{CHALLENGE}.{tenant.pending_host}", tenant.challenge)
        return worlds

    async def send(self, request: Request) -> Answer:
        """Return the app's answer, in this process."""
        self.attempts += 1
        state = {"kernel": self.kernel}
        if request.method == "WEBSOCKET":
            return await shake_hands(self.app, request, state)
        return await send(self.app, request, state)

    def listen(self) -> None:
        """Write the log to the tap, even if another test redirected it."""
        with redirect_stdout(self.log):
            configure(self.settings.log_format, self.settings.log_level)
        _forget_loggers()

    def here(self) -> str:
        """Return an address of this machine, a different one each time."""
        return f"127.{secrets.randbelow(255)}.{secrets.randbelow(255)}.{1 + secrets.randbelow(254)}"

    async def token(
        self,
        world: World,
        person: Person,
        app: str,
        tenant: AttackTenant | None,
        *,
        session: str = "session",
        scopes: frozenset[str] | None = None,
    ) -> str:
        """Return an access token as a login would issue it; ``session`` names one of the person's sessions."""
        key = (person.id, app, tenant and tenant.id, session, scopes)
        if key not in world.tokens:
            world.tokens[key] = await self.kernel.issuer.issue(
                user_id=UserId(person.id),
                session_id=getattr(person, session),
                audience=audience(self.settings, app),
                tenant_id=TenantId(tenant.id) if tenant else None,
                scopes=scopes,
            )
        return world.tokens[key]

    async def machine_token(self, machine: Key, app: str, tenant: AttackTenant) -> str:
        """Return an access token of an OAuth client for itself, as the token endpoint would issue it."""
        return await self.kernel.issuer.issue_to_machine(
            client_id=machine.id,
            tenant_id=TenantId(tenant.id),
            audience=audience(self.settings, app),
            scopes=machine.actions,
        )

    async def token_until(self, expires_at: float, person: Person, app: str, tenant: AttackTenant) -> str:
        """Return a token of the person's session that expires then."""
        forge = await Forge.of(self.settings, self.kernel.keys)
        claims: dict[str, object] = {"sub": str(person.id), "sid": str(person.session), "exp": expires_at}
        return forge.sign(forge.claims(**claims, aud=audience(self.settings, app), tenant=str(tenant.id)))

    async def token_of_another_client(self, person: Person, app: str, tenant: AttackTenant | None) -> str:
        """Return a token without a scope claim that was issued to a third-party client."""
        forge = await Forge.of(self.settings, self.kernel.keys)
        claims: dict[str, object] = {"sub": str(person.id), "sid": str(person.session), "client_id": "another"}
        claims |= {"aud": audience(self.settings, app)}
        return forge.sign(forge.claims(**claims, **({"tenant": str(tenant.id)} if tenant else {})))

    async def expired_token(self, person: Person, app: str, tenant: AttackTenant | None) -> str:
        """Return a token that was valid an hour ago."""
        forge = await Forge.of(self.settings, self.kernel.keys)
        then = int(clock.timestamp()) - 3600
        claims: dict[str, object] = {"iat": then, "nbf": then, "exp": then + 600, "sub": str(person.id)}
        claims |= {"sid": str(person.session), "aud": audience(self.settings, app)}
        return forge.sign(forge.claims(**claims, **({"tenant": str(tenant.id)} if tenant else {})))

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> "AsyncIterator[Stage]":
        """Run the app with ``settings`` during the block."""
        settings = settings.model_copy(update={"log_format": "json", "log_level": "INFO"})
        engine = create_async_engine(superuser_url(settings), pool_size=2)
        hashes = {password: await hash_password(password) for password in (PASSWORD, OTHER_PASSWORD)}
        log = LogTap()
        with serving_names() as names, _fresh_loggers():
            with redirect_stdout(log), patch.object(edge, "AccessLog", partial(TappedLog, log)):
                app = create_app(settings)
                app.middleware_stack = app.build_middleware_stack()
            async with app.router.lifespan_context(app) as state:
                kernel: Kernel = replace(dict(state or {})["kernel"], resolver=names.resolver())
                yield cls(app, kernel, settings, engine, names, log, hashes)
        await engine.dispose()


@contextmanager
def _fresh_loggers() -> Iterator[None]:
    """Let all loggers be reconfigured, also those already used, and restore the configuration afterwards."""
    before = structlog.get_config()
    _forget_loggers()
    yield
    structlog.configure(**before)
    _forget_loggers()


def _forget_loggers() -> None:
    # A structlog logger keeps the configuration of its first use.
    for module in list(sys.modules.values()):
        held = vars(module).get("_log")
        if isinstance(held, BoundLoggerLazyProxy):
            vars(held).pop("bind", None)
