"""The machine and the versions of a run."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.load import WRK
from insula.core import clock

_PACKAGES: Final = (
    "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "sqlmodel", "sqlalchemy", "asyncpg", "casbin",
    "slowapi", "pyjwt",
)  # fmt: skip


def machine() -> Mapping[str, str]:
    """Return the machine's processor, cores, memory and kernel."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "processor": processor,
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 1e6:.0f} GB",
        "kernel": platform.release(),
        "date": clock.now().date().isoformat(),
        "commit": _output("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


async def versions(database_url: str) -> Mapping[str, str]:
    """Return the versions of the programs and libraries involved."""
    connection = await asyncpg.connect(database_url)
    try:
        server: str = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    packages = {name: version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        "postgresql": server,
        **({"wrk": _output(str(WRK), "-v").removeprefix("wrk ")} if WRK.exists() else {}),
        **packages,
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed programs
    words = done.stdout.split("Copyright")[0].split()
    return " ".join(words) or "?"
