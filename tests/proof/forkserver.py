"""Runs Python modules in processes forked from one that has already imported the libraries.

Run as a script with ``-P``, so that it imports none of our code: each run names its source tree.
"""

import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Final, Literal, NamedTuple, Self, TypedDict

LIBRARIES: Final = (
    "alembic.command",
    "argon2",
    "asyncpg",
    "casbin",
    "cryptography.x509",
    "dns.asyncresolver",
    "email_validator",
    "fastapi",
    "httpx",
    "jinja2",
    "joserfc.jwt",
    "limits",
    "procrastinate",
    "psycopg",
    "pydantic_settings",
    "pytest",
    "redis.asyncio",
    "rich.console",
    "slowapi",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "sqlmodel",
    "structlog",
    "typer",
    "uvicorn",
    "uvloop",
)


class Task(TypedDict):
    """A request to the server, as a line of JSON."""

    module: str
    arguments: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    output: str


class Ended(NamedTuple):
    """The exit code and the output of a module's process."""

    code: int
    output: str


class Forkserver:
    """The client of the server, for one run at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """Start a server for the block."""
        command = [sys.executable, "-P", "-B", __file__]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:  # noqa: S603 - this file
            try:
                yield cls(process)
            finally:
                process.kill()

    def run(
        self, module: str, arguments: Sequence[str], directory: Path, environment: Mapping[str, str], seconds: float
    ) -> Ended:
        """Run a module as ``python -m`` would. Raises subprocess.TimeoutExpired after killing its process."""
        with tempfile.NamedTemporaryFile("r", prefix="insula-run-") as output:
            task = Task(
                module=module,
                arguments=arguments,
                directory=str(directory),
                environment=environment,
                output=output.name,
            )
            self._pipe("stdin").write(json.dumps(task).encode() + b"\n")
            number = self._answer()
            ended, _, _ = select.select([self._pipe("stdout")], [], [], seconds)
            if not ended:
                os.kill(number, signal.SIGKILL)
            code = self._answer()
            if not ended:
                raise subprocess.TimeoutExpired(module, seconds)
            return Ended(code, output.read())

    def _answer(self) -> int:
        return int(self._pipe("stdout").readline())

    def _pipe(self, name: Literal["stdin", "stdout"]) -> IO[bytes]:
        pipe: IO[bytes] | None = getattr(self._process, name)
        if pipe is None:
            raise RuntimeError("started without pipes")
        return pipe


def serve() -> None:
    """Fork for each line of standard input; print the child's id, then its exit code. Returns in each child."""
    for name in LIBRARIES:
        import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        _print(child)
        _, status = os.waitpid(child, 0)
        _print(os.waitstatus_to_exitcode(status))
    os._exit(0)


def _print(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _become(task: Task) -> None:
    os.chdir(task["directory"])
    os.environ.clear()
    os.environ.update(task["environment"])
    with Path(os.devnull).open("rb") as nothing, Path(task["output"]).open("wb") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.path[:0] = task["environment"]["PYTHONPATH"].split(":")
    sys.argv = [task["module"], *task["arguments"]]
    runpy.run_module(task["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
