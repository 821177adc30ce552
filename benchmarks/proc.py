"""What processes cost, read from ``/proc``: nanoseconds on a core, and memory."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

_PROC = Path("/proc")
_PAGE = 4096


def family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it ended meanwhile
                continue
            children[parent].append(int(entry.name))
    return list(_descend(pid, children))


def _descend(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _descend(child, children)


def cpu_seconds(roots: Collection[int]) -> float:
    """Return the time that these processes, their threads and descendants have run on a core."""
    total = 0
    for root in roots:
        for pid in family(root):
            try:
                tasks = list((_PROC / str(pid) / "task").iterdir())
                total += sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
            except OSError:
                continue
    return total / 1e9


def resident_mb(pids: Collection[int]) -> float:
    """Return the memory that these processes hold, what they share counted in each."""
    return sum(int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE for pid in pids) / 1e6
