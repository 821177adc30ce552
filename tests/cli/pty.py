"""A program in a terminal of its own, which is 100 columns wide."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.dev.directories import wait_until

COLUMNS = 100
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """The terminal and the program in it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._written = b""

    @property
    def raw(self) -> str:
        """Everything that was written until now, with the control sequences."""
        with suppress(BlockingIOError, OSError):  # nothing new, or the program has ended
            while part := os.read(self._master, 65_536):
                self._written += part
        return self._written.decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        """The lines that were written, without colours and without what was overwritten."""
        text = self.raw.replace("\r\n", "\n")
        return [_CONTROL.sub("", line.rpartition("\r")[2]) for line in text.split("\n")]

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Return when a line contains ``text``."""
        try:
            wait_until(lambda: any(text in line for line in self.lines), seconds)
        except TimeoutError:
            raise TimeoutError("\n".join([f"no line has {text!r}:", *self.lines])) from None

    def press(self, key: bytes) -> None:
        """Type ``key``."""
        os.write(self._master, key)


@contextmanager
def on_screen(command: Sequence[str | Path], environment: Mapping[str, str], directory: Path) -> Iterator[Screen]:
    """Run ``command`` in a new terminal; kill it at the end if it still runs."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    os.set_blocking(master, False)
    process = subprocess.Popen(  # noqa: S603  our own program
        ["/usr/bin/setsid", "--ctty", "--wait", *command],
        cwd=directory,
        env={"TERM": "xterm-256color", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    try:
        yield Screen(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
