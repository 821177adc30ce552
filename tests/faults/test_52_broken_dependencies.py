"""Fault 52: the worst faults of ``make faults``, briefly: two web processes and a worker behind faulty proxies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.dependencies import Pace, cases, measure
from benchmarks.faults.environment import Environment, running
from benchmarks.faults.testbed import temporary_directory

BRIEF = Pace(silent=3.5, silent_at_all=5.0, short=2.0, around=0.5)
BOUNDS = {"pool_timeout": 1.0, "statement_timeout": 2.0, "worker_statement_timeout": 2.0}
WORST = ("postgres:swallow", "valkey:freeze", "dns:swallow")
RECOVERS_WITHIN = 5.0  # the machine runs other tests too; `make faults` allows 2 seconds


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Environment]:
    with temporary_directory() as directory, running(directory, tmp_path, **BOUNDS) as env:
        yield env


async def test_no_response_is_late_during_a_fault_and_all_works_soon_after_it(env: Environment) -> None:
    output: list[str] = []
    table = await measure(env, cases(env, BRIEF, WORST), BRIEF, output.append)

    rows = {f"{row['dependency']}:{row['fault']}": row for row in table.rows}
    assert set(rows) == set(WORST)
    log = "\n".join(output)
    assert {name: (row["past_deadline"], row["wrong"]) for name, row in rows.items()} == dict.fromkeys(WORST, (0, 0)), (
        log
    )
    assert max(float(row["recovery_s"]) for row in rows.values()) < RECOVERS_WITHIN, log
    assert all(int(row["answered"]) > 0 for row in rows.values())
    refused = {name for name, row in rows.items() if row["refused"]}
    assert refused == {"postgres:swallow", "dns:swallow"}, "limits go on without Valkey"
