"""Turns its process into a server that dies with its parent. Run as a script with ``-I``; imports none of our modules.

The order matters: ``setuid`` clears the death signal, so it is set after dropping privileges; and the parent may have
died before that, so ``getppid`` is compared last.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, signal_number: int) -> None:
    """Have the kernel send ``signal_number`` when ``parent`` dies; exit at once if it is dead already."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def main(parent: str, signal_number: str, uid: str, gid: str, *command: str) -> None:
    """Drop to ``uid``:``gid`` (unless empty), tie this process to ``parent``, and exec ``command``."""
    if uid:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    os.umask(0o077)
    die_with(int(parent), int(signal_number))
    os.execv(command[0], command)  # noqa: S606  a fixed binary, no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
