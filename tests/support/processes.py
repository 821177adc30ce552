"""Processes of this project, forked from one that has imported it: importing takes a second, and tests start hundreds.

With other modules (another installation, or a copy of the tree) they are forked from one with only the libraries.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from insula.cli.environment import to_environment
from insula.core.settings import Settings
from tests.probe.installation import PRODUCT, REFERENCE, VARIABLE
from tests.support.forkserver import Forked, Forkserver
from tests.support.libraries import LIBRARIES

ROOT: Final = Path(__file__).parents[2]
OUR_CODE: Final[Mapping[str, str]] = {
    "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
    VARIABLE: PRODUCT,
}
"""The environment in which a program imports this checkout: the installed package may be of another one."""

INSULA: Final = Path(sys.executable).with_name("insula")
"""The program, as it is installed."""

_IMPORTED: Final = {**OUR_CODE, "INSULA_INSTALLATION": REFERENCE}
"""The variables that determine the imported modules and their contents."""
_LIBRARIES: Final = (*LIBRARIES, "importlinter.cli")
_COMMANDS: Final = sorted(path.stem for path in (ROOT / "platform/insula/cli/commands").glob("[a-z]*.py"))
_MODULES: Final = (
    "insula.asgi",
    "insula.cli.installed",
    *(f"insula.cli.commands.{name}" for name in _COMMANDS),
    "insula.worker.process",
    REFERENCE.partition(":")[0],
)


def started(module: str, *arguments: str, environment: Mapping[str, str]) -> Forked:
    """Start ``python -m module``. The caller must end it and wait for it."""
    return _forkserver(environment).start([sys.executable, "-m", module, *arguments], environment)


def completed(
    command: Sequence[str], environment: Mapping[str, str], directory: Path = ROOT, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m MODULE``, ``python -c CODE`` or a script of Python, with arguments, to its end."""
    return _forkserver(environment).run(command, environment, str(directory), seconds)


def insula(settings: Settings, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program with ``settings`` in its environment."""
    return completed([str(INSULA), *arguments], _environment(settings, changes))


def insula_in(directory: Path, settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program in ``directory``, whose ``.env`` it reads."""
    return completed([str(INSULA), *arguments], _environment(settings, {}), directory)


def insula_anew(settings: Settings, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a fresh interpreter, like a shell, without preloaded modules."""
    return subprocess.run(  # noqa: S603  our own program
        [INSULA, *arguments],
        env=_environment(settings, changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _environment(settings: Settings, changes: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", **OUR_CODE, **to_environment(settings), **changes}


def _forkserver(environment: Mapping[str, str]) -> Forkserver:
    return _of_modules() if _IMPORTED.items() <= environment.items() else _of_libraries()


@cache
def _of_modules() -> Forkserver:
    return Forkserver((*_LIBRARIES, *_MODULES), {"PATH": os.environ["PATH"], **_IMPORTED})


@cache
def _of_libraries() -> Forkserver:
    return Forkserver(_LIBRARIES, {"PATH": os.environ["PATH"]})


def close() -> None:
    """End the servers that were started."""
    for server in (_of_modules, _of_libraries):
        if server.cache_info().currsize:
            server().close()
            server.cache_clear()
