"""Install the packages of ``uv.lock``, and show what is installed, how large it is and how long it took.

The Makefile runs it with the Python of the new ``.venv``, so it imports nothing but the standard library. Arguments:
uv's program, then the groups of packages; further options are uv's.
"""

import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_MEGABYTE: Final = 1_000_000
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WANTED: Final = re.compile(r" \+ ([\w.-]+)==([\w.+!-]+)")
_DOWNLOADED: Final = re.compile(r"\s*Downloaded ([\w.-]+)")
_PYTHON_TAG: Final = re.compile(rf"-(?:py3|py2\.py3|cp{sys.version_info.major}{sys.version_info.minor}|cp3\d+-abi3)-")


class Step:
    """A line that shows a running step: rewritten in a terminal, written once where the output goes to a file."""

    def __init__(self, doing: str, done: str) -> None:
        self.doing, self.done = doing, done
        self.detail = ""
        self._begun = time.monotonic()
        self._ended = threading.Event()
        self._in_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"  # noqa: TID251  a script
        self._colours = self._in_terminal and not os.environ.get("NO_COLOR")  # noqa: TID251  a script

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the step until the block ends, then its seconds."""
        drawing = threading.Thread(target=self._draw, daemon=True)
        if self._in_terminal:
            drawing.start()
        else:
            self._write(f"{self.doing} …\n")
        try:
            yield
        finally:
            self._end(drawing)
        seconds = f"{time.monotonic() - self._begun:.1f} s"
        if self._colours:
            self._write(f"\033[32m✓\033[0m {self.done} \033[2m{seconds}\033[0m\n")
        else:
            self._write(f"✓ {self.done} {seconds}\n")

    def _end(self, drawing: threading.Thread) -> None:
        self._ended.set()
        if drawing.is_alive():
            drawing.join()

    def _draw(self) -> None:
        turn = 0
        while not self._ended.wait(0.1):
            seconds = int(time.monotonic() - self._begun)
            self._write(f"\r\033[K{_SPINNER[turn % len(_SPINNER)]} {self.doing}{self.detail} {seconds} s")
            turn += 1
        self._write("\r\033[K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def missing(command: Sequence[str]) -> dict[str, str]:
    """Return the packages that ``command``, which is ``uv sync …``, would install, with their versions."""
    done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  uv, without a shell
    return dict(_WANTED.findall(done.stderr))


def sizes(lock: str) -> dict[str, int]:
    """Return the bytes to download for each package of ``uv.lock`` on this machine."""
    found = {}
    for package in tomllib.loads(lock)["package"]:
        wheels = [one for one in package.get("wheels", ()) if _fits(one["url"].rpartition("/")[2])]
        file = wheels[0] if wheels else package.get("sdist", {})
        found[package["name"]] = file.get("size", 0)
    return found


def _fits(wheel: str) -> bool:
    """Return whether a wheel is for this machine, by its name. The size of a similar one would do as well."""
    if not _PYTHON_TAG.search(wheel):
        return False
    system = "macosx" if sys.platform == "darwin" else "manylinux"
    return wheel.endswith("-any.whl") or (system in wheel and platform.machine() in wheel)


def install(command: Sequence[str], what: str) -> None:
    """Run ``command``, which is ``uv sync …``, and show its progress. Exit with its output if it fails."""
    wanted = missing(command)
    size = {name: size for name, size in sizes((ROOT / "uv.lock").read_text("utf-8")).items() if name in wanted}
    total, arrived = sum(size.values()), 0
    lines: list[str] = []
    step = Step(f"checking the packages {what}", f"the packages {what} are complete")
    if wanted:
        packages = f"{len(wanted)} packages {what}"
        step = Step(f"installing {packages} (up to {total / _MEGABYTE:.0f} MB to download)", packages)
    with (
        step.shown(),
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process,  # noqa: S603  uv, without a shell
    ):
        for line in process.stderr or ():
            lines.append(line)
            if found := _DOWNLOADED.match(line):
                arrived += size.get(found[1], 0)
                step.detail = f", {arrived / _MEGABYTE:.0f} MB arrived,"
            elif line.startswith("Prepared"):
                step.detail = ", writing them,"
            elif line.startswith("Installed"):
                step.detail = ", compiling them,"
        if status := process.wait():
            raise SystemExit("".join(lines) + f"make: uv ended with status {status}")


def main(uv: str, *arguments: str) -> None:
    """Install the groups of packages among ``arguments``; the others are options of uv."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # after Ctrl-C the Makefile must not look for another cause
    groups = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    command = [uv, "sync", "--frozen", "--all-extras", "--no-default-groups", "--compile-bytecode", *options]
    command += [option for group in groups for option in ("--group", group)]
    install(command, f"{'for ' + ' and '.join(groups) + ' ' if groups else ''}in .venv")


if __name__ == "__main__":
    main(*sys.argv[1:])
