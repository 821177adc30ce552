"""Measures the contestants in turn, round after round; every second round is in reverse order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from benchmarks.load import Burst, LoadFailed, Target, burst
from benchmarks.operations import OPERATIONS, Operation, write
from benchmarks.servers import Running
from benchmarks.testbed import Testbed

LEAD_IN = 1.0
"""Seconds of load before each measured burst, to renew leases that expired during the others' turns."""
_WARM_REQUESTS = 4_000
_WARM_BURSTS = 5
Key = tuple[str, str]
"""A contestant and an operation."""


@dataclass(frozen=True, slots=True)
class Workers:
    """What a number of web processes did in each round, and their connections."""

    bursts: Sequence[Burst]
    connections: int
    budget: int
    memory_mb: float

    @property
    def rate(self) -> float:
        """Requests per second: the median over the rounds."""
        return median(one.rate for one in self.bursts)

    @property
    def app_cpu_us(self) -> float:
        """The application's CPU time of a request: the median over the rounds."""
        return median(one.app_cpu_us for one in self.bursts)


@dataclass
class Results:
    """The measurements: one burst for each round, in order."""

    bursts: defaultdict[Key, list[Burst]] = field(default_factory=lambda: defaultdict(list))
    paced: defaultdict[str, list[Burst]] = field(default_factory=lambda: defaultdict(list))
    """Reads at 70 % of each contestant's own capacity."""
    alternating: defaultdict[Key, list[Burst]] = field(default_factory=lambda: defaultdict(list))
    """Many short turns, to measure the cost of tenancy."""
    memory_mb: dict[str, float] = field(default_factory=dict)
    workers: dict[int, Workers] = field(default_factory=dict)
    cores: int = 0
    """The cores that the web processes, the database and the load generator shared when workers were compared."""

    def of(self, contestant: str, operation: str) -> Sequence[Burst]:
        """Return the bursts of one contestant and operation; none if it was not measured."""
        return self.bursts.get((contestant, operation), [])

    def in_turns(self, contestant: str, operation: str) -> Sequence[Burst]:
        """Return the bursts of the many short turns; none if there were no turns."""
        return self.alternating.get((contestant, operation), [])


def targets_of(testbed: Testbed, servers: Sequence[Running], only: Sequence[str]) -> Mapping[str, Mapping[str, Target]]:
    """Return the contestants of each operation, after checking their answers."""
    found: dict[str, dict[str, Target]] = {}
    for operation in (OPERATIONS[name] for name in only):
        for server in servers:
            if operation.name in server.contestant.operations:
                target = _target(testbed, server, operation)
                check(target)
                found.setdefault(operation.name, {})[server.contestant.name] = target
    return found


def measure(
    targets: Mapping[str, Mapping[str, Target]], rounds: int, seconds: float, warm_up: float, results: Results
) -> None:
    """Warm up each contestant, then load each one for this time in each round."""
    for contestants in targets.values():
        for target in contestants.values():
            warm(target, warm_up)
    for number in range(rounds):
        for operation, contestants in targets.items():
            order = list(contestants.items())
            for name, target in order if number % 2 == 0 else reversed(order):
                burst(target, LEAD_IN)
                measured = burst(target, seconds)
                check(target)  # wrk distinguishes good and bad answers, but not a 404 from a 503
                results.bursts[name, operation].append(measured)
                print(f"  {number + 1}/{rounds} {operation:11}{name:16}{measured.rate:8.0f} req/s", flush=True)


def warm(target: Target, seconds: float) -> None:
    """Load until each token was used, within a time limit."""
    seen = 0
    for _ in range(_WARM_BURSTS):
        seen += burst(target, seconds).requests
        if seen >= _WARM_REQUESTS:
            return


def _target(testbed: Testbed, server: Running, operation: Operation) -> Target:
    style = "template" if server.contestant.name == "template" else "product"
    path = testbed.directory / f"{operation.name}.{style}"
    if not path.exists():
        write(operation, testbed.dataset.with_template_tokens() if style == "template" else testbed.dataset, path)
    name, application, database = server.contestant.name, server.processes, testbed.postmaster
    return Target(name, server.url, path, operation.status, application, database, server.log)


def check(target: Target) -> None:
    """Send the file's first request twice; the second answer must have the operation's status. Raises LoadFailed."""
    method, path, headers, body = _parse(target.requests)
    with httpx.Client(headers=headers) as client:
        client.request(method, target.url + path, content=body)
        answer = client.request(method, target.url + path, content=body)
    if answer.status_code != target.status:
        details = f"{answer.text[:500]}\n{target.log.read_text()[-3000:]}"
        raise LoadFailed(f"{target.name} answers {answer.status_code} to {method} {path}: {details}")


def _parse(path: Path) -> tuple[str, str, dict[str, str], str]:
    with path.open(newline="") as file:
        first = file.read(65_536).split("\0", 1)[0].replace("\1", "0" * 32)
    head, _, body = first.partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    method, target, _ = line.split(" ")
    headers = dict(item.split(": ", 1) for item in fields)
    del headers["Accept"]
    return method, target, headers, body
