"""`insula run` as a user starts it: everything starts, and everything stops."""

import base64
import errno
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import typer

from insula.cli.commands.run import public_url
from insula.cli.environment import to_environment
from insula.cli.failing import CommandFailed, report_errors
from insula.cli.supervisor import bound
from insula.core.settings import Settings
from insula.dev.embedded import with_cure
from tests.dev.directories import alive, descendants, environment, wait_until
from tests.support.app import free_port
from tests.support.processes import INSULA, OUR_CODE

SERVERS = 4  # PostgreSQL, Valkey, one web process, one worker


@contextmanager
def running(directory: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command: list[str | Path] = [INSULA, "run", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603  our own program
        command, cwd=directory, env=environment(directory / "data"), stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: answers(port, process), seconds=60)
            yield process
        finally:
            process.kill()


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_everything_starts_keeps_running_and_stops(directory: Path) -> None:
    port = free_port()
    with running(directory, port) as process:
        family = descendants(process.pid)
        assert len(alive(family)) >= SERVERS
        login = {"email": "owner@acme.example", "password": "insula-demo", "tenant": "acme"}
        body = {**login, "resource": f"http://localhost:{port}/api"}
        assert httpx.post(f"http://127.0.0.1:{port}/auth/login", json=body).status_code == 200
        first = acme(directory)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert alive(family) == set()
        assert not (directory / "data" / "running.json").exists()
    with running(directory, port) as process:
        assert acme(directory) == first
        replaces_a_killed_web_process(process, port)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0  # Ctrl-C is the usual way to stop
    with running(directory, port) as process:
        family = descendants(process.pid)
        process.kill()
        wait_until(lambda: not alive(family))


def replaces_a_killed_web_process(process: subprocess.Popen[bytes], port: int) -> None:
    [web] = [pid for pid in descendants(process.pid) if b"insula.cli.web" in command_line(pid)]
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: answers(port, process))
    assert web not in descendants(process.pid)


def test_a_port_in_use_is_reported_before_anything_is_created(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(  # noqa: S603  our own program
            [INSULA, "run", "--port", str(port)],
            env=environment(directory / "data"),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    cure = "stop the other program, or choose another port, such as PORT="
    assert done.stderr == f"insula: port {port} on 127.0.0.1 is taken: {cure}{port + 1}\n"
    assert list(directory.iterdir()) == []


def test_serve_drains_and_leaves_nothing(settings: Settings) -> None:
    port = free_port()
    command: list[str | Path] = [INSULA, "serve", "--port", str(port), "--workers", "2"]
    with subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", **OUR_CODE, **to_environment(settings)}) as process:  # noqa: S603  our own program
        try:
            wait_until(lambda: answers(port, process), seconds=60)
            family = descendants(process.pid)
            assert len(family) == 2
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 128 + signal.SIGTERM
            assert alive(family) == set()
        finally:
            process.kill()


def acme(directory: Path) -> str:
    command: list[str | Path] = [
        INSULA,
        "token",
        "--email",
        "owner@acme.example",
        "--app",
        "tenants",
        "--tenant",
        "acme",
    ]
    done = subprocess.run(  # noqa: S603  our own program
        command, env=environment(directory / "data"), capture_output=True, text=True, check=True, timeout=60
    )
    return tenant_of(done.stdout.strip())


def tenant_of(token: str) -> str:
    payload = token.split(".")[1]
    tenant: str = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["tenant"]
    return tenant


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("port", "host", "reason"),
    [
        (8000, "203.0.113.1", "cannot be used (Cannot assign requested address): --host is an address of this machine"),
        (8000, "nowhere.invalid", "cannot be used ("),
    ],
)
def test_an_address_that_cannot_be_served_is_reported_with_a_cure(port: int, host: str, reason: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        bound(host, port)

    assert str(failed.value).startswith(f"port {port} on {host} {reason}")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),  # noqa: S104  compared, not bound
        ("::1", "http://localhost:8000"),
        ("192.168.1.5", "http://192.168.1.5:8000"),
        ("fd00::1", "http://[fd00::1]:8000"),
    ],
)
def test_the_public_url_names_the_address_that_is_served(host: str, url: str) -> None:
    assert public_url(host, 8000) == url
    assert Settings(environment="test", public_url=url).public_url == url


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "free some disk space"),
        ("could not create shared memory segment: No space left", "enlarge the machine's shared memory"),
        ("cannot write to /mnt/cd: Read-only file system", "let INSULA_DATA_DIR name a folder that can be written to"),
        ("PANIC: could not locate a valid checkpoint record", "see the log"),
    ],
)
def test_a_server_that_cannot_start_is_reported_with_a_cure(line: str, cure: str) -> None:
    assert with_cure(line, "see the log").startswith(f"{line}: {cure}")


def test_a_file_that_cannot_be_used_is_reported_with_a_cure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    full = OSError(errno.ENOSPC, "No space left on device", "/data/secrets.json")
    with pytest.raises(typer.Exit), report_errors():
        raise full

    assert capsys.readouterr().err == (
        "insula: cannot use /data/secrets.json: No space left on device:"
        " free some disk space, or let INSULA_DATA_DIR name a folder on another disk\n"
    )
