"""Two web processes and a worker, with a proxy in front of each dependency that can break it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis.asyncio import Redis

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity.accounts.emails import WELCOME
from insula.mail import send_mail
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.app import environment_of, free_port, wait_until
from tests.support.dns import ADDRESS, NameServer, serving_names
from tests.support.faulty import Faulty, faulty
from tests.support.faulty_names import FaultyNames, faulty_names
from tests.support.mail import Sink
from tests.support.mortal import MortalPostgres, mortal_postgres

PROCESSES: Final = 2
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0
_MANY: Final = httpx.Limits(max_connections=None, max_keepalive_connections=50, keepalive_expiry=1.0)


@dataclass
class TimedSink(Sink):
    """An SMTP server that records the recipients."""

    reached: set[str] = field(default_factory=set)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take a message."""
        answer = await super().handle_DATA(server, session, envelope)
        self.reached.update(envelope.rcpt_tos)
        return answer


class Processes:
    """The web processes and the worker; their output goes to ``logs``."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment, self._logs = environment, logs
        self._ports = [free_port() for _ in range(PROCESSES)]
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def addresses(self) -> list[str]:
        """The addresses of the web processes; a restart keeps them."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def start(self) -> None:
        """Start all, and return when each web process answers."""
        for number, port in enumerate(self._ports):
            options = ["--port", str(port), "--no-access-log", "--no-proxy-headers"]
            options += ["--http", "insula.http.server.protocol:Connection"]
            self._spawn(f"web-{number}", "uvicorn", "--factory", "insula.asgi:create_app", *options)
        self._spawn("worker", "insula.worker")
        wait_until(lambda: all(map(_answers, self.addresses)), _START_SECONDS)

    def stop(self) -> None:
        """Terminate all processes, and kill those that do not end."""
        for process in self._running:
            process.terminate()
        deadline = monotonic() + _STOP_SECONDS
        for process in self._running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _spawn(self, name: str, module: str, *arguments: str) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(  # noqa: S603  ours
                    [sys.executable, "-m", module, *arguments],
                    env=dict(self._environment),
                    stdout=log,
                    stderr=log,
                )
            )


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").is_success
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Environment:
    """The running servers, a proxy in front of each, and the processes, which know only the proxies."""

    settings: Settings
    """Settings whose addresses bypass the proxies."""
    postgres: MortalPostgres
    valkey: ValkeyServer
    sink: TimedSink
    names: NameServer
    postgres_proxy: Faulty
    valkey_proxy: Faulty
    smtp_proxy: Faulty
    names_proxy: FaultyNames
    processes: Processes

    def heal(self) -> None:
        """End every fault."""
        self.postgres.thaw()
        self.valkey.thaw()
        for proxy in (self.postgres_proxy, self.valkey_proxy, self.smtp_proxy, self.names_proxy):
            proxy.heal()

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
        """Give a client for each web process."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60, limits=_MANY))
                for address in self.processes.addresses
            ]

    @asynccontextmanager
    async def mail_probe(self) -> AsyncIterator["MailProbe"]:
        """Give a probe that queues emails."""
        database = await Database.open(self.settings, [IDENTITY])
        try:
            yield MailProbe(database, self.sink)
        finally:
            await database.close()

    async def loans(self) -> int:
        """Return how often Valkey ran a script: each run counts a limit."""
        async with Redis.from_url(self.valkey.url) as valkey:
            stats: Mapping[str, Mapping[str, int]] = await valkey.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


@dataclass(frozen=True, slots=True)
class MailProbe:
    """Queues emails, bypassing the proxies, and checks that they arrive."""

    database: Database
    sink: TimedSink

    async def arrives(self, seconds: float) -> bool:
        """Queue an email and return whether the worker delivers it in time."""
        address = f"probe-{new_id().hex}@example.com"
        async with self.database.unit(IDENTITY) as unit:
            await send_mail(
                unit,
                tenant_id=None,
                to=address,
                template=WELCOME,
                context={"name": "Probe"},
                message_key=f"welcome:{address}",
            )
        return await _becomes(lambda: address in self.sink.reached, seconds)


async def _becomes(condition: Callable[[], bool], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  it happens in another process
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


@contextmanager
def running(directory: Path, logs: Path, **bounds: float) -> Iterator[Environment]:
    """Start new servers and processes in ``directory``. They end with the block, even if a fault still lasts.

    ``bounds`` are settings of the database, such as ``pool_timeout``.
    """
    with ExitStack() as stack:
        valkey = stack.enter_context(valkey_server(directory))
        postgres = stack.enter_context(mortal_postgres(directory / "data", valkey.url))
        names = stack.enter_context(serving_names())
        sink = TimedSink(free_port())
        controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
        controller.start()
        stack.callback(controller.stop)
        postgres_proxy = stack.enter_context(faulty(postgres.settings.database_url))
        valkey_proxy = stack.enter_context(faulty(valkey.url))
        smtp_proxy = stack.enter_context(faulty(f"smtp://127.0.0.1:{sink.port}"))
        names_proxy = stack.enter_context(faulty_names(ADDRESS, names.port))
        through = {
            "DATABASE_URL": postgres_proxy.url(postgres.settings.database_url),
            "REDIS_URL": valkey_proxy.url(valkey.url),
            "INSULA_MAIL_HOST": "127.0.0.1",
            "INSULA_MAIL_PORT": str(smtp_proxy.port),
            "INSULA_MAIL_STARTTLS": "false",
            "INSULA_DNS_SERVERS": f"{ADDRESS}:{names_proxy.port}",
            "INSULA_HTTP_TRUSTED_PROXIES": "127.0.0.1",
            "INSULA_AUTH_ACCESS_TOKEN_SECONDS": "3600",
            "INSULA_LOG_LEVEL": "WARNING",
        }
        bounded = {f"INSULA_DATABASE_{name}".upper(): str(seconds) for name, seconds in bounds.items()}
        processes = Processes(environment_of(postgres.settings) | through | bounded, logs)
        database = postgres.settings.database.model_copy(update=bounds)
        env = Environment(
            postgres.settings.model_copy(update={"database": database}),
            postgres,
            valkey,
            sink,
            names,
            postgres_proxy,
            valkey_proxy,
            smtp_proxy,
            names_proxy,
            processes,
        )
        stack.callback(env.heal)
        stack.callback(processes.stop)
        processes.start()
        yield env
