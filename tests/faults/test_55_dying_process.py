"""Fault 55: one of two web processes is killed repeatedly as soon as it starts: the other continues to serve."""

import os
import signal
import subprocess
from pathlib import Path

import httpx

from insula.cli.environment import to_environment
from insula.core.settings import Settings
from tests.cli.test_run import answers
from tests.dev.directories import alive, descendants, wait_until
from tests.support.app import free_port
from tests.support.processes import INSULA, OUR_CODE

DEATHS = 3


def test_a_process_serves_while_another_dies_repeatedly(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    command: list[str | Path] = [INSULA, "serve", "--port", str(port), "--workers", "2"]
    environment = {"PATH": "/usr/bin:/bin", **OUR_CODE, **to_environment(settings)}
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log) as process:  # noqa: S603  our own program
        try:
            wait_until(lambda: answers(port, process), seconds=60)
            wait_until(lambda: len(family(process)) == 2)
            healthy, dying = sorted(family(process))
            for _ in range(DEATHS):
                os.kill(dying, signal.SIGKILL)
                wait_until(lambda: family(process) - {healthy, dying} != set())  # noqa: B023  of this turn
                assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
                [dying] = family(process) - {healthy, dying}
            assert process.poll() is None
            assert healthy in family(process)
            wait_until(lambda: "process serves again" in (tmp_path / "log").read_text(), seconds=60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 128 + signal.SIGTERM
        finally:
            process.kill()
    ended = [line for line in (tmp_path / "log").read_text().splitlines() if "process ended" in line]
    assert len(ended) == DEATHS
    assert all("web " in line and "was killed by SIGKILL" in line for line in ended)


def family(process: subprocess.Popen[bytes]) -> set[int]:
    return alive(descendants(process.pid))
