"""The servers of one run: PostgreSQL, a Valkey that can be broken, and web processes like those of ``insula serve``."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.app import serving
from tests.support.factories import Factories
from tests.support.mortal import mortal_postgres


@dataclass(frozen=True)
class Testbed:
    """The running servers."""

    settings: Settings
    valkey: ValkeyServer
    addresses: Sequence[str]

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
        """Give a client for each process."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60))
                for address in self.addresses
            ]

    async def key(self, per_minute: int) -> Mapping[str, str]:
        """Return the headers of a new tenant's API key."""
        url = make_url(self.settings.database_url).set(drivername="postgresql+asyncpg")
        make = Factories(create_async_engine(url, poolclass=NullPool))
        tenant = await make.tenant(entitlements={"requests_per_minute": per_minute, "racks": 10})
        return (await make.api_key(tenant, "rack:read", "rack:create", "book:create")).headers


@contextmanager
def start_testbed(processes: int) -> Iterator[Testbed]:
    """Start new servers in a temporary directory."""
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        valkey = stack.enter_context(valkey_server(directory))
        postgres = stack.enter_context(mortal_postgres(directory / "data", valkey.url))
        quiet = {"INSULA_LOG_LEVEL": "ERROR"}
        addresses = [stack.enter_context(serving(postgres.settings, 0, **quiet)) for _ in range(processes)]
        yield Testbed(postgres.settings, valkey, addresses)
        valkey.thaw()


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Give a temporary directory that servers of another account can reach."""
    directory = Path(tempfile.mkdtemp(prefix="insula-bench-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
