"""A server as ``make run`` starts it, with the demo tenants."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.dev.directories import environment, wait_until
from tests.support.app import free_port
from tests.support.processes import INSULA, ROOT

_SECONDS: Final = 90  # the machine runs other tests too


@contextmanager
def served(log: Path) -> Iterator[str]:
    """Run ``insula run`` with new data until the end of the block; yield its address. It prints to ``log``."""
    folder = Path(tempfile.mkdtemp(prefix="insula-clients-"))
    folder.chmod(0o755)  # the database server's account must reach its data
    port, variables = free_port(), environment(folder / "data")
    command = [str(INSULA), "run", "--port", str(port), "--parent", str(os.getpid())]  # ends if we are killed
    try:
        with (
            log.open("wb") as output,
            subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=output) as process,  # noqa: S603  # ours
        ):
            try:
                wait_until(lambda: _answers(port, process), _SECONDS)
                yield f"http://localhost:{port}"
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the server ended with {process.returncode}")
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
