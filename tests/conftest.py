"""Gives every test run its own migrated databases and Valkey indexes, and blocks connections to other machines."""

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, socket
from typing import Protocol

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core import collector
from insula.core.settings import Settings
from tests.support import processes
from tests.support.apps import is_of_an_installation
from tests.support.cluster import RUNNING, Servers, TestServers, superuser_url
from tests.support.fronts import authority

pytest_plugins = [
    "tests.support.dns",
    "tests.support.factories",
    "tests.support.app",
    "tests.support.mail",
    "tests.support.staff",
]

SERVERS = pytest.StashKey[TestServers]()
Row = dict[str, object]

_LONG = tuple(
    f"tests/{folder}/"
    for folder in (
        "architecture",
        "cli",
        "db",
        "dev",
        "example",
        "faults",
        "fuzz",
        "isolation",
        "limits",
        "mail",
        "site",
        "story",
    )
)
"""The folders with slow modules, which start processes, wait, or send many requests. The others take seconds."""


class XdistNode(Protocol):
    """The part of xdist's worker controller that is used here; it ships no types."""

    config: pytest.Config
    workerinput: dict[str, object]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres-bin", type=Path, help="Run on the PostgreSQL whose programs are there.")
    parser.addoption("--screenshots", type=Path, help="Save a picture of every page in this folder.")


def pytest_configure(config: pytest.Config) -> None:
    running = os.environ.get(RUNNING)
    for name in [name for name in os.environ if is_of_an_installation(name)]:
        del os.environ[name]
    config.stash[SERVERS] = TestServers(
        Servers(**json.loads(running)) if running else None, config.getoption("--postgres-bin")
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].stop()
    processes.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without garbage collection, and exclude the collected objects from later ones."""
    with collector.paused():
        yield
    collector.freeze_startup_objects()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow modules, so that at the end no worker is still busy with one while the others are done."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: XdistNode) -> None:
    """Give an xdist worker the file with its servers; runs in the controller, which alone starts servers."""
    file = node.config.stash[SERVERS].request_clone(str(node.workerinput["workerid"]))
    node.workerinput["insula_servers"] = str(file)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the servers of xdist's workers while these collect the tests."""
    session.config.stash[SERVERS].create_requested_clones()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    """Point at a database and a Valkey index that no other worker uses."""
    file: str | None = getattr(request.config, "workerinput", {}).get("insula_servers")
    servers = Servers.awaited_from(Path(file)) if file is not None else request.config.stash[SERVERS].clone("main")
    return servers.settings()


@pytest.fixture(scope="session")
def readback(settings: Settings) -> Callable[..., Awaitable[list[Row]]]:
    """Run a statement as the superuser, who bypasses row-level security, over a new connection."""
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)

    async def run(statement: str, **parameters: object) -> list[Row]:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement), parameters)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    return run


@pytest.fixture(scope="session", autouse=True)
def _loggers_keep_no_configuration() -> Iterator[None]:
    """Prevent loggers from keeping the configuration of their first use: ``capture_logs`` would miss their lines."""
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", lambda **how: configure(**how | {"cache_logger_on_first_use": False}))
        structlog.configure()  # modules of tests that build an app have configured them already
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust a single certificate authority: each HTTP client reads all, and reading the usual 140 takes 18 ms."""
    known = authority(tmp_path_factory.mktemp("authority"), "localhost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(known.certificate))
        yield


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> object:
    """Refuse connections to other machines."""
    connect = socket.connect

    def guarded(self: socket, address: tuple[str, int] | str) -> None:
        if self.family in (AF_INET, AF_INET6) and not _is_loopback(str(address[0])):
            raise RuntimeError(f"tests may connect only to this machine, not to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "connect", guarded)
        yield


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ip_address(host).is_loopback
