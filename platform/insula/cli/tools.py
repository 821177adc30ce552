"""PostgreSQL's own programs, from the wheel or from the PATH, told the login by the environment alone."""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from insula.cli.failing import CommandFailed
from insula.db.address import Address
from insula.embedded import EmbeddedError, Software


def run_tool(name: str, address: Address, arguments: Sequence[str | Path]) -> None:
    """Run ``name`` on the database at ``address``; its own last word becomes ours if it fails."""
    done = subprocess.run(  # noqa: S603  PostgreSQL's own program, no shell
        [_find(name, encrypted=address.must_encrypt), *arguments],
        env={**address.environment, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise CommandFailed(next((line for line in said if "error" in line), said[-1]))


def _find(name: str, *, encrypted: bool) -> str:
    program: str | None = None
    if not encrypted:  # the wheel's programs are built without TLS
        with suppress(EmbeddedError):
            program = str(Software.installed().postgres_bin / name)
    program = program or shutil.which(name)
    if program is None and encrypted:
        raise CommandFailed(f"DATABASE_URL asks for encryption, which needs a {name} of PostgreSQL's own: install one")
    if program is None:
        raise CommandFailed(f"{name} is not installed: it comes with PostgreSQL, or with insula[embedded]")
    return program
