"""PostgreSQL's programs, from the wheel or from the PATH. They get the login only through the environment."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from insula.cli.failing import CommandFailed
from insula.db.engine.address import Address
from insula.db.engine.deadlines import LIBPQ_KEEPALIVE, LIBPQ_WATCHED
from insula.dev.embedded import EmbeddedError, Software

_PATH: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
_SETTING: Final = re.compile(rb"SET (\w+) = ")


def run_tool(name: str, address: Address, arguments: Sequence[str | Path]) -> None:
    """Run ``name`` on the database at ``address``. If it fails, raise CommandFailed with its error line."""
    done = subprocess.run(  # noqa: S603  PostgreSQL's own program, no shell
        [_find(name, encrypted=address.must_encrypt), _connecting(LIBPQ_WATCHED), *arguments],
        env={**address.environment, **_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(_error_line(done.stderr))


def load_dump(address: Address, file: Path, known: Collection[str]) -> None:
    """Load an archive of pg_dump in one transaction: completely or, if anything fails, not at all.

    Leaves out settings in the dump that are not ``known``: newer tools write some that an older server lacks. Raises
    CommandFailed.
    """
    with tempfile.TemporaryFile() as restored, tempfile.TemporaryFile() as loaded:
        reading = [_find("pg_restore", encrypted=False), "--exit-on-error", "--file=-", str(file)]
        writing = [_find("psql", encrypted=address.must_encrypt), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        # No user timeout: a busy server may pause before it reads on.
        writing.append(_connecting(LIBPQ_KEEPALIVE))
        with (
            subprocess.Popen(reading, env=_PATH, stdout=subprocess.PIPE, stderr=restored) as source,  # noqa: S603  PostgreSQL's own program, no shell
            subprocess.Popen(  # noqa: S603  likewise
                writing,
                env={**address.environment, **_PATH},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=loaded,
            ) as target,
        ):
            if source.stdout is None or target.stdin is None:
                raise RuntimeError("the programs are connected by pipes")
            with suppress(BrokenPipeError):  # psql has ended and printed why
                _copy_script(source.stdout, target.stdin, known)
                if source.wait() == 0:
                    target.stdin.write(b"COMMIT;\n")  # without it the transaction is rolled back when psql ends
            source.stdout.close()
            with suppress(BrokenPipeError):
                target.stdin.close()
        for done, output in ((target, loaded), (source, restored)):
            if done.returncode != 0:
                output.seek(0)
                raise CommandFailed(_error_line(output.read().decode(errors="replace")))


def _copy_script(source: IO[bytes], target: IO[bytes], known: Collection[str]) -> None:
    """Copy a script without the unknown settings at its beginning, of which row_security is the last."""
    target.write(b"BEGIN;\n")
    for line in source:
        setting = _SETTING.match(line)
        if setting is None or setting[1].decode() in known:
            target.write(line)
        if setting is not None and setting[1] == b"row_security":
            break
    shutil.copyfileobj(source, target)


def _connecting(options: Mapping[str, int]) -> str:
    """Return the argument with libpq's options; all others are in the environment."""
    return "--dbname=" + " ".join(f"{name}={value}" for name, value in options.items())


def _error_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()] or ["it printed nothing"]
    return next((line for line in lines if "error" in line.lower()), lines[-1])


def _find(name: str, *, encrypted: bool) -> str:
    program: str | None = None
    if not encrypted:  # the wheel's programs are built without TLS
        with suppress(EmbeddedError):
            program = str(Software.installed().postgres_bin / name)
    program = program or shutil.which(name)
    if program is None and encrypted:
        raise CommandFailed(f"DATABASE_URL requires encryption, which needs PostgreSQL's own {name}: install it")
    if program is None:
        raise CommandFailed(f"{name} is not installed: it comes with PostgreSQL, or with insula[embedded]")
    return program
