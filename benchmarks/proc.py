"""CPU time and memory of processes, read from ``/proc``."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENDED = slice(13, 15)  # the CPU time of ended children
_OPEN = "01"  # a connection's state in /proc/net/tcp
_TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return the process and its descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except OSError:  # the process ended meanwhile
                continue
            children[parent].append(int(entry.name))
    return list(_descend(pid, children))


def set_priority(pid: int, nice: int) -> None:
    """Give the process and its descendants this priority, also if the kernel schedules by session."""
    for each in family(pid):
        os.setpriority(os.PRIO_PROCESS, each, nice)
        group = _PROC / str(each) / "autogroup"
        if group.exists():
            group.write_text(str(nice))


def _stat(pid: int) -> list[str]:
    """Return the fields after the program's name."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _descend(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _descend(child, children)


def cpu_seconds(roots: Collection[int]) -> float:
    """Return the CPU time of these processes, with their threads and descendants, also ended ones."""
    total = 0.0
    for root in roots:
        for pid in family(root):
            try:
                tasks = list((_PROC / str(pid) / "task").iterdir())
                total += sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
                total += sum(int(ticks) for ticks in _stat(pid)[_ENDED]) / _TICKS
            except OSError:
                continue
    return total


def machine_seconds() -> tuple[float, float]:
    """Return the busy and the idle time of the machine's cores."""
    user, nice, system, idle, waiting, *interrupts = (
        int(ticks) / _TICKS for ticks in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]
    )
    return user + nice + system + sum(interrupts), idle + waiting


def resident_mb(pids: Collection[int]) -> float:
    """Return the memory of these processes; shared memory counts for each."""
    return sum(int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE for pid in pids) / 1e6


def connections_to(port: int, pid: int) -> int:
    """Return how many TCP connections to ``port`` the process holds."""
    links = [str(link.readlink()) for link in (_PROC / str(pid) / "fd").iterdir() if link.is_symlink()]
    mine = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    rows = [line.split() for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]]
    return sum(row[9] in mine and int(row[2].rpartition(":")[2], 16) == port and row[3] == _OPEN for row in rows)
