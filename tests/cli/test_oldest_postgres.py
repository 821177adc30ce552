"""`make postgres15` uses the oldest available PostgreSQL, and prints its version."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "oldest_postgres.sh"


def program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def oldest(directory: Path, *, installed: list[int], packaged: list[int]) -> subprocess.CompletedProcess[str]:
    """Run the script on a fake Debian with these installed and packaged versions."""
    for version in installed:
        program(
            directory / "installed" / str(version) / "bin" / "postgres", f"echo 'postgres (PostgreSQL) {version}.1'"
        )
    known = "|".join(f"postgresql-{version}" for version in packaged) or "none"
    program(
        directory / "bin" / "apt-cache",
        f'case "$2" in {known}) echo "  Candidate: 1";; *) echo "  Candidate: (none)";; esac',
    )
    environment = {"PATH": f"{directory / 'bin'}:/usr/bin:/bin", "INSTALLED_POSTGRES": str(directory / "installed")}
    return subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own script


@pytest.mark.parametrize(
    ("installed", "packaged", "used", "messages"),
    [
        ([15, 17], [15], 15, ["PostgreSQL) 15.1"]),
        (
            [17],
            [17],
            17,
            ["PostgreSQL) 17.1", "this Debian has no PostgreSQL 15, the oldest supported version"],
        ),
        ([17], [15, 17], None, ["PostgreSQL 15 is missing; as root: make system-deps"]),
        ([17], [16, 17], None, ["PostgreSQL 16 is missing; as root: make system-deps"]),
        ([], [17], None, ["PostgreSQL 17 is missing; as root: make system-deps"]),
        ([], [], None, ["this Debian has no PostgreSQL 15 to 17"]),
    ],
)
def test_the_script_uses_the_oldest_available_version_and_names_it(
    tmp_path: Path, installed: list[int], packaged: list[int], used: int | None, messages: list[str]
) -> None:
    done = oldest(tmp_path, installed=installed, packaged=packaged)

    expected = "" if used is None else f"{tmp_path / 'installed' / str(used) / 'bin'}\n"
    assert (done.returncode, done.stdout) == (int(used is None), expected)
    assert [line for line in messages if line not in done.stderr] == []
    assert done.stderr.count("\n") == len(messages)
