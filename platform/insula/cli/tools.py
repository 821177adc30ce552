"""PostgreSQL's own programs, from the wheel or from the PATH, told the login by the environment alone."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from insula.cli.failing import CommandFailed
from insula.embedded import EmbeddedError, Software


def run_tool(name: str, url: str, arguments: Sequence[str | Path]) -> None:
    """Run ``name`` on the database of ``url``; its own last word becomes ours if it fails."""
    done = subprocess.run(  # noqa: S603  PostgreSQL's own program, no shell
        [_find(name), *arguments],
        env=_login(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise CommandFailed(next((line for line in said if "error" in line), said[-1]))


def _find(name: str) -> str:
    try:
        program: str | None = str(Software.installed().postgres_bin / name)
    except EmbeddedError:
        program = shutil.which(name)
    if program is None:
        raise CommandFailed(f"{name} is not installed: it comes with PostgreSQL, or with insula[embedded]")
    return program


def _login(url: str) -> dict[str, str]:
    parts = make_url(url)
    login = {
        "PGHOST": parts.host or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username or "",
        "PGPASSWORD": str(parts.password or ""),
        "PGDATABASE": parts.database or "",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    return {**login, **({"PGSSLMODE": str(parts.query["sslmode"])} if "sslmode" in parts.query else {})}
