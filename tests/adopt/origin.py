"""Check where the project's modules were imported from: `python -m tests.adopt.origin`, and a plugin for pytest.

A copy runs on the `.venv` of the project that it was copied from, in which that project is installed. So each process
that tests a copy checks that all of its modules are the copy's.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from insula.apps import load


def modules_of(root: Path) -> Mapping[str, Path]:
    """Return the files of loaded modules that have the name of a package in ``root``."""
    folders = [*root.glob("*"), *(root / "platform").glob("*")]
    packages = {folder.name for folder in folders if folder.is_dir()} - {"platform"}  # a module of Python's, too
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return {name: Path(file).resolve() for name, file in files.items() if file and name.partition(".")[0] in packages}


def check(root: Path) -> int:
    """Return the number of loaded modules. Raises ImportError if one is not from ``root``."""
    found = modules_of(root.resolve())
    if stray := sorted(str(file) for file in found.values() if not file.is_relative_to(root.resolve())):
        raise ImportError(f"{len(stray)} of {len(found)} modules are not from {root}, such as {stray[0]}")
    return len(found)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run, in the controller and in each worker, if a module was imported from another place."""
    check(session.config.rootpath)


if __name__ == "__main__":
    load()
    sys.stdout.write(f"{check(Path.cwd())} modules, all from {Path.cwd()}\n")
