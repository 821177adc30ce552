"""A temporary copy of the project: git's files, this checkout's `.venv`, and a commit to compare with."""

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from tests.support.project import ROOT

_GIT: Final = ("git", "-c", "user.name=adopt", "-c", "user.email=adopt@insula.example")
_STAMPED: Final = ("pyproject.toml", "uv.lock")
"""Make installs again if one of these files is newer than its stamp in `.venv`."""

_CACHES: Final = (".mypy_cache", ".import_linter_cache")
_LAST_LINES: Final = 60


class StepFailed(Exception):
    """A command failed. The message holds its last lines."""


class Change(NamedTuple):
    """The numbers of added and removed lines of a file."""

    file: str
    added: int
    removed: int


@dataclass(frozen=True)
class Copy:
    """One copy of the project, in a directory of its own."""

    root: Path

    @classmethod
    def make(cls, root: Path, *, without: Sequence[str] = ()) -> "Copy":
        """Copy the files that git tracks or would track, except those in the folders ``without``."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            source, target = ROOT / name, root / name
            if source.is_file() and not name.startswith(tuple(f"{folder}/" for folder in without)):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        for cache in _CACHES:
            if (ROOT / cache).is_dir():  # the checkers' caches are valid in the copy: times and contents are equal
                shutil.copytree(ROOT / cache, root / cache, copy_function=shutil.copy2)
        (root / ".venv").symlink_to(ROOT / ".venv")
        made = cls(root)
        made._git("init", "--quiet")
        (root / ".git" / "info" / "exclude").write_text(".venv\n")
        made._git("add", "--all")
        made._git("commit", "--quiet", "--message", "The project")
        return made

    def changes(self) -> Sequence[Change]:
        """Return the files that differ from the project's."""
        self._git("add", "--all")
        lines = self._git("diff", "--cached", "--numstat", "--no-renames", "HEAD").splitlines()
        found = (line.split("\t") for line in lines)
        return [Change(file, _count(added), _count(removed)) for added, removed, file in found]

    def run(self, command: Sequence[str], **environment: str) -> float:
        """Run a command on the copy's code; return its seconds. Raises StepFailed."""
        for name in _STAMPED:
            stamp = (ROOT / name).stat()
            os.utime(self.root / name, (stamp.st_atime, stamp.st_mtime))
        begun = monotonic()
        with subprocess.Popen(  # noqa: S603 - our own tools on our own copy
            command,
            cwd=self.root,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            last = deque(_lines(process), maxlen=_LAST_LINES)
        if process.returncode != 0:
            raise StepFailed(f"{' '.join(command)}\nended with {process.returncode}; its last lines:\n{''.join(last)}")
        return monotonic() - begun

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which Python finds the copy before the project that `.venv` was made for."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**inherited, "PYTHONPATH": os.pathsep.join([str(self.root / "platform"), str(self.root)])}

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - fixed words, in our own copy
            [*_GIT, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout


def _count(lines: str) -> int:
    """Return a number of lines from git's output; a binary file counts as one line."""
    return 1 if lines == "-" else int(lines)


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    if process.stdout is not None:
        yield from process.stdout
