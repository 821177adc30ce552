"""A real supervisor of web processes that fail: ``python -m tests.cli.supervised DIRECTORY WORKERS START_SECONDS``."""

import os
import signal
import sys
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import typer

from insula.cli.failing import report_errors
from insula.cli.supervisor import Restarts, Supervisor, bound
from insula.core.logging import configure
from tests.support.fragile_web import DIRECTORY

QUICK: Final = Restarts(first_pause=0.05, longest_pause=0.2, steady_seconds=0.5)


def main(directory: str, workers: int, start_seconds: float) -> None:
    """Run until a signal arrives or the supervisor gives up; print when a process serves."""
    with report_errors(), ExitStack() as stack:
        configure("json", "INFO")
        supervisor = Supervisor(
            stack.enter_context(bound("127.0.0.1", 0)),
            {**os.environ, DIRECTORY: directory},
            1.0,
            restarts=Restarts(
                QUICK.first_pause, QUICK.longest_pause, QUICK.steady_seconds, start_seconds=start_seconds
            ),
            web=("tests.support.fragile_web",),
        )
        stack.enter_context(supervisor.serving(workers))
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        if (Path(directory) / "collecting").exists():
            weakref.finalize(supervisor.restarts, signal.raise_signal, signal.SIGTERM)
            supervisor.restarts = QUICK  # the last reference to the others goes, so the callback runs
        supervisor.watch()


if __name__ == "__main__":
    typer.run(main)
