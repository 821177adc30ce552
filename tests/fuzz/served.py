"""The fuzzed server: a real uvicorn; its resolver returns the TXT records of the domains that the cast prepared."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import requests
from fastapi import FastAPI

from insula.asgi import create_app
from insula.core.settings import Settings
from tests.support.app import environment_of, free_port, wait_until

_SECONDS: Final = 120  # on a busy machine
PROOF: Final = "proved-by-the-fuzz-run"
"""The token of the domains that can be verified."""


class AlwaysVerified:
    """A resolver without a name server: each name has the same record."""

    async def texts(self, name: str) -> frozenset[str]:  # noqa: ARG002 - the resolver's signature
        """Return the proof."""
        return frozenset({PROOF})


def create() -> FastAPI:
    """Return the whole application with the resolver above, for ``uvicorn --factory``."""
    app = create_app()
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(root: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with inner(root) as state:
            known = dict(state or {})
            yield {**known, "kernel": replace(known["kernel"], resolver=AlwaysVerified())}

    app.router.lifespan_context = lifespan
    return app


@contextmanager
def served(settings: Settings, log: Path) -> Iterator[str]:
    """Run the server until the end of the block; yield its address. It logs errors to ``log``.

    Loopback is a trusted proxy, so each request has its own address. Otherwise the limits on logins would refuse most
    of them.
    """
    port = free_port()
    options = ["--port", str(port), "--no-access-log", "--no-proxy-headers", "--log-level", "error"]
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.fuzz.served:create", *options]
    more = {"INSULA_HTTP_TRUSTED_PROXIES": "127.0.0.1", "INSULA_LOG_LEVEL": "ERROR"}
    url = f"http://127.0.0.1:{port}"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment_of(settings) | more, stdout=output, stderr=output) as process,  # noqa: S603 - ours
    ):
        try:
            wait_until(lambda: _answers(url, process), _SECONDS)
            yield url
        finally:
            process.terminate()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the server ended with {process.returncode}")
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
