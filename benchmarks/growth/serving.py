"""One real server of the product, and one connection to it that times its answers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.proc import family, resident_mb
from benchmarks.servers import pinned
from insula.cli.environment import to_environment
from insula.core.settings import Settings

_PATIENCE: Final = 60.0
_POLL: Final = 0.01
_ROOT: Final = Path(__file__).parents[2]
_OK: Final = b"HTTP/1.1 200 "


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how long its start took."""

    port: int
    pid: int
    seconds: float

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def megabytes(self) -> float:
        """The memory of its one web process."""
        _, *children = family(self.pid)
        return resident_mb(children)


class Client:
    """One connection to the server. Its own cost is the same for every size, so it changes no ratio."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: str) -> float:
        """Return the milliseconds until the whole answer arrived. Raises RuntimeError for any status but 200."""
        began = time.perf_counter()
        self._socket.sendall(request.encode())
        answer = self._socket.recv(65_536)
        while not _whole(answer):
            more = self._socket.recv(65_536)
            if not more:
                break
            answer += more
        took = time.perf_counter() - began
        if not answer.startswith(_OK):
            raise RuntimeError(answer[:1000].decode(errors="replace"))
        return took * 1e3

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def inherited(*paths: Path) -> Mapping[str, str]:
    """Return the environment for a child process that finds its code at ``paths``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251  # the environment of child processes
    return {**kept, "PYTHONPATH": ":".join(str(path) for path in paths or (_ROOT / "platform", _ROOT))}


@contextmanager
def serving(settings: Settings, log: Path, cores: Collection[int]) -> Iterator[Server]:
    """Run ``insula serve`` with one web process on these cores."""
    port = _free_port()
    command = [str(Path(sys.executable).with_name("insula")), "serve", "--port", str(port)]
    environment = {**inherited(), **to_environment(settings)}
    began = time.monotonic()
    with log.open("ab") as output, pinned(cores):
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=output, stderr=output)  # noqa: S603  # our own
    try:
        _wait(port, process, log)
        yield Server(port, process.pid, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait()


def _whole(answer: bytes) -> bool:
    head, parted, body = answer.partition(b"\r\n\r\n")
    if not parted:
        return False
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(_POLL)
    raise RuntimeError(f"the server on port {port} is not ready:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
