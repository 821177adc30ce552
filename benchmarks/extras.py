"""Further measurements: the tax, latency below capacity, memory, and more than one worker."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from benchmarks.load import Burst, Target, burst
from benchmarks.proc import connections_to, resident_mb
from benchmarks.run import Results, Workers, targets_of, warm
from benchmarks.servers import INSULA, Cores, Running, running, workers_of
from benchmarks.testbed import Testbed

SHARE_OF_CAPACITY: Final = 0.7
PACED_CONNECTIONS: Final = 64
PACED_SECONDS: Final = 4.0
TURNS: Final[Mapping[str, int]] = {"read": 48, "create": 20, "patch": 20}
TURN_SECONDS: Final = 1.0
_PACED: Final = ("insula", "twin")
_TAX_PAIR: Final = ("insula", "twin_in_insula")


def measure_tax(targets: Mapping[str, Mapping[str, Target]], results: Results) -> None:
    """Load the product and ``twin_in_insula`` in many short turns, to measure the CPU cost of tenancy.

    This tax is a small difference between two large figures, which vary by more than that from second to second: many
    neighbouring pairs show it, few long ones do not.
    """
    for operation, turns in TURNS.items():
        both = targets.get(operation, {})
        if all(name in both for name in _TAX_PAIR):
            _take_turns(operation, both, turns, results)


def _take_turns(operation: str, both: Mapping[str, Target], turns: int, results: Results) -> None:
    for name in _TAX_PAIR:
        warm(both[name], TURN_SECONDS)
    for number in range(turns):
        for name in _TAX_PAIR if number % 2 == 0 else reversed(_TAX_PAIR):
            results.alternating[name, operation].append(burst(both[name], TURN_SECONDS))
    for name in _TAX_PAIR:
        cpu = median(one.app_cpu_us for one in results.alternating[name, operation])
        print(f"  {turns} turns {operation:7}{name:16}{cpu:8.0f} us", flush=True)


def measure_paced(reads: Mapping[str, Target], rounds: int, results: Results) -> None:
    """Measure latency at 70 % of each contestant's capacity, measured just before, since the machine's speed varies."""
    if not all(name in reads for name in _PACED):
        return
    for number in range(rounds):
        for name in _PACED if number % 2 == 0 else reversed(_PACED):
            capacity = burst(reads[name], PACED_SECONDS).rate
            measured = burst(
                reads[name], PACED_SECONDS, connections=PACED_CONNECTIONS, rate=SHARE_OF_CAPACITY * capacity
            )
            results.paced[name].append(measured)
            print(
                f"  {number + 1}/{rounds} paced  {name:16}{measured.rate:8.0f} req/s  p99 {measured.p99_ms:.1f} ms",
                flush=True,
            )


def measure_memory(servers: Sequence[Running], results: Results) -> None:
    """Record the servers' memory after the load."""
    for server in servers:
        results.memory_mb[server.contestant.name] = resident_mb(workers_of(server))


def measure_workers(testbed: Testbed, cores: Cores, rounds: int, seconds: float, results: Results) -> None:
    """Read from one web process and from two, on all cores, and count their connections."""
    everywhere = cores.application | cores.others
    results.cores = len(everywhere)
    with running(testbed, [INSULA], everywhere) as one, running(testbed, [INSULA], everywhere, 2) as two:
        servers = {1: one[0], 2: two[0]}
        targets = {
            count: targets_of(testbed, [server], ["read"])["read"]["insula"] for count, server in servers.items()
        }
        bursts: dict[int, list[Burst]] = {count: [] for count in servers}
        for target in targets.values():
            warm(target, seconds)
        for number in range(rounds):
            for count, target in targets.items():
                bursts[count].append(found := burst(target, seconds))
                print(f"  {number + 1}/{rounds} read   {count} workers       {found.rate:8.0f} req/s", flush=True)
        for count, server in servers.items():
            results.workers[count] = _workers(testbed, server, bursts[count])


def _workers(testbed: Testbed, server: Running, bursts: Sequence[Burst]) -> Workers:
    port, processes = urlsplit(testbed.settings.database_url).port or 0, workers_of(server)
    held = [connections_to(port, pid) for pid in processes]
    return Workers(bursts, sum(held), len(processes) * testbed.settings.database.budget, resident_mb(processes))
