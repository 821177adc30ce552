"""Failing web processes: each is restarted independently, and the supervisor gives up only if none serves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.supervised import QUICK
from tests.dev.directories import alive, descendants, wait_until

ROOT = Path(__file__).parents[2]
LogLine = dict[str, object]


@contextmanager
def supervised(
    directory: Path, *files: str, workers: int = 2, start_seconds: float = 30
) -> Iterator[subprocess.Popen[str]]:
    for file in files:
        (directory / file).touch()
    command = [sys.executable, "-m", "tests.cli.supervised", str(directory), str(workers), str(start_seconds)]
    with (directory / "out").open("w") as out, (directory / "err").open("w") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, text=True, cwd=ROOT)  # noqa: S603  our own module
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def starts(directory: Path) -> list[int]:
    file = directory / "starts"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def log(directory: Path) -> list[LogLine]:
    return [json.loads(line) for line in (directory / "out").read_text().splitlines() if line.startswith("{")]


def ends(directory: Path) -> list[LogLine]:
    return [line for line in log(directory) if line["event"] == "process ended"]


def serves(directory: Path) -> bool:
    return "serving" in (directory / "out").read_text().splitlines()


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(10)


def test_a_process_that_fails_to_start_is_retried_while_the_others_serve(tmp_path: Path) -> None:
    with supervised(tmp_path) as process:
        wait_until(lambda: len(ends(tmp_path)) > 2 * QUICK.tries)
        assert serves(tmp_path)
        [healthy] = alive(set(starts(tmp_path))) - {starts(tmp_path)[-1]}
        [name] = {line["name"] for line in ends(tmp_path)}
        assert {line["reason"] for line in ends(tmp_path)} == {"ended with status 3 while it started"}
        assert [line["again_in_seconds"] for line in ends(tmp_path)][:4] == [0.05, 0.1, 0.2, 0.2]

        (tmp_path / "mended").touch()
        wait_until(lambda: log(tmp_path)[-1]["event"] == "process serves again")
        assert log(tmp_path)[-1]["name"] == name
        assert healthy in alive(descendants(process.pid))
        assert len(alive(descendants(process.pid))) == 2
        assert stopped(process) == 128 + signal.SIGTERM


def test_the_supervisor_gives_up_with_reasons_if_no_process_starts(tmp_path: Path) -> None:
    with supervised(tmp_path, "doomed") as process:
        assert process.wait(30) == 1
    assert len(starts(tmp_path)) in range(2 * QUICK.tries, 2 * QUICK.tries + 2)
    [line] = (tmp_path / "err").read_text().splitlines()
    assert line.startswith("insula: no web process can be started: web 1 ended with status 3 while it started, ")
    assert "; web 2 ended with status 3 while it started, " in line
    assert not serves(tmp_path)


def test_a_process_that_never_serves_is_killed_and_restarted(tmp_path: Path) -> None:
    with supervised(tmp_path, "hanging", start_seconds=2) as process:
        wait_until(lambda: ends(tmp_path) != [])
        assert {line["reason"] for line in ends(tmp_path)} == {"did not serve within 2 s"}
        assert serves(tmp_path)
        (tmp_path / "mended").touch()
        wait_until(lambda: log(tmp_path)[-1]["event"] == "process serves again")
        assert stopped(process) == 128 + signal.SIGTERM


def test_a_killed_process_is_restarted_each_time(tmp_path: Path) -> None:
    with supervised(tmp_path, "mended", workers=1) as process:
        wait_until(lambda: serves(tmp_path))
        for _ in range(2 * QUICK.tries):
            count = len(starts(tmp_path))
            os.kill(starts(tmp_path)[-1], signal.SIGKILL)
            wait_until(lambda: len(starts(tmp_path)) == count + 1)  # noqa: B023  of this turn
        assert process.poll() is None
        assert ends(tmp_path)[0]["reason"] == "was killed by SIGKILL"
        assert stopped(process) == 128 + signal.SIGTERM


def test_a_signal_that_the_interpreter_handles_in_a_callback_is_not_lost(tmp_path: Path) -> None:
    """Python drops an exception of a handler that runs inside a callback of the garbage collector."""
    with supervised(tmp_path, "mended", "collecting", workers=1) as process:
        wait_until(lambda: serves(tmp_path))
        family = descendants(process.pid)
        assert stopped(process) == 128 + signal.SIGTERM
        assert alive(family) == set()
        assert (tmp_path / "err").read_text() == ""
