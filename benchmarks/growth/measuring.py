"""The measurements of each size: the first request of a tenant, later requests, and the memory after many tenants."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.growth.people import OPERATIONS, Person, write
from benchmarks.growth.serving import Client, Server, serving
from benchmarks.growth.size import Size
from benchmarks.growth.testbed import Testbed
from benchmarks.load import Burst, Target, burst
from benchmarks.servers import Cores
from insula.core.settings import Settings

_WARM_UP_ROUNDS: Final = 5
_COLD_EACH: Final = 100
"""The largest number of tenants that send a first request to one process."""
_ALONE: Final = 400
_SAMPLES: Final = 8


@dataclass(frozen=True)
class Subject:
    """A database of one size, and its callers."""

    size: Size
    settings: Settings
    people: Sequence[Person]
    """All callers; the first ``Bench.people`` of them send repeated requests."""


@dataclass
class Results:
    """The results by size and operation, in the order of the rounds."""

    cold_ms: defaultdict[tuple[Size, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    bursts: defaultdict[tuple[Size, str], list[Burst]] = field(default_factory=lambda: defaultdict(list))
    alone_ms: defaultdict[tuple[Size, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    start_seconds: defaultdict[Size, list[float]] = field(default_factory=lambda: defaultdict(list))
    start_mb: defaultdict[Size, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory_mb: dict[Size, list[tuple[int, float]]] = field(default_factory=dict)
    """The process's memory after each number of people."""


@dataclass(frozen=True)
class Bench:
    """The parameters: the databases, the number of callers who repeat requests, the seconds of a burst, the cores."""

    testbed: Testbed
    subjects: Sequence[Subject]
    people: int
    seconds: float
    cores: Cores
    results: Results = field(default_factory=Results)

    def measure_cold(self, subject: Subject, number: int) -> None:
        """Start a process, warm up its connections with one tenant, and time the first request of each other tenant."""
        first, *others = subject.people
        of_each = {person.place.tenant: person for person in others if person.place.tenant != first.place.tenant}
        size, chosen = subject.size, _rotated(list(of_each.values()), number * _COLD_EACH)[:_COLD_EACH]
        with self._serving(subject) as server:
            self.results.start_seconds[size].append(server.seconds)
            self.results.start_mb[size].append(server.megabytes)
            with closing(Client(server)) as client:
                for operation in OPERATIONS * _WARM_UP_ROUNDS:
                    client.send(first.request_for(operation))
                for place, person in enumerate(chosen):
                    operation = OPERATIONS[(place + number) % len(OPERATIONS)]
                    self.results.cold_ms[size, operation].append(client.send(person.request_for(operation)))

    def measure_warm(self, rounds: int) -> None:
        """Run servers of all sizes at once; load them in turn, in reverse order in every second round."""
        with ExitStack() as stack:
            servers = {subject.size: stack.enter_context(self._serving(subject)) for subject in self.subjects}
            targets = self._targets(servers)
            for subject in self.subjects:
                for operation in OPERATIONS:
                    self._warm_up(subject, servers[subject.size], targets[subject.size, operation], operation)
            for number in range(rounds):
                order = list(targets.items())
                for (size, operation), target in order if number % 2 == 0 else reversed(order):
                    measured = burst(target, self.seconds)
                    self.results.bursts[size, operation].append(measured)
                    progress = f"{number + 1}/{rounds} {operation:5} {size.name:34}{measured.rate:8.0f} req/s"
                    print(f"  {progress}", flush=True)
                for subject in self.subjects:
                    self._ask_alone(subject, number, servers[subject.size])

    def measure_memory(self, subject: Subject) -> None:
        """Send one request for each person, one after the other, and measure the process's memory in between."""
        every = max(1, len(subject.people) // _SAMPLES)
        with self._serving(subject) as server, closing(Client(server)) as client:
            held = [(0, server.megabytes)]
            for count, person in enumerate(subject.people, start=1):
                client.send(person.request_for(OPERATIONS[count % len(OPERATIONS)]))
                if count % every == 0:
                    held.append((count, server.megabytes))
        self.results.memory_mb[subject.size] = held

    def _serving(self, subject: Subject) -> AbstractContextManager[Server]:
        return serving(subject.settings, self._log(subject), self.cores.application)

    def _log(self, subject: Subject) -> Path:
        return self.testbed.directory / f"{subject.size.key}.log"

    def _targets(self, servers: Mapping[Size, Server]) -> dict[tuple[Size, str], Target]:
        found = {}
        for operation in OPERATIONS:
            for subject in self.subjects:
                path = self.testbed.directory / f"{subject.size.key}.{operation}"
                write(subject.people[: self.people], operation, path)
                server = servers[subject.size]
                found[subject.size, operation] = Target(
                    subject.size.name,
                    server.url,
                    path,
                    httpx.codes.OK,
                    (server.pid,),
                    self.testbed.postmaster,
                    self._log(subject),
                )
        return found

    def _warm_up(self, subject: Subject, server: Server, target: Target, operation: str) -> None:
        """Send one request for each person, then many at once, so that every connection has prepared the statement."""
        with closing(Client(server)) as client:
            for person in subject.people[: self.people]:
                client.send(person.request_for(operation))
        burst(target, self.seconds)

    def _ask_alone(self, subject: Subject, number: int, server: Server) -> None:
        """Time requests of known people one after the other: the latency without load, database included."""
        people = _rotated(subject.people[: self.people], number * _ALONE)
        with closing(Client(server)) as client:
            for operation in OPERATIONS:
                times = [client.send(people[turn % len(people)].request_for(operation)) for turn in range(_ALONE)]
                self.results.alone_ms[subject.size, operation].append(median(times))


def _rotated(people: Sequence[Person], by: int) -> list[Person]:
    start = by % len(people) if people else 0
    return [*people[start:], *people[:start]]
