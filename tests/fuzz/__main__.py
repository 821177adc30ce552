"""``make fuzz``: thousands of requests, valid, invalid, in sequences and hand-written, against a real server.

    python -m tests.fuzz [--cases N] [--seed N] [--lanes N] [--planted-every N] [--json FILE]

Exits with 0 if no answer was a server error, violated its document, or contained a word of another tenant.
"""

import argparse
import json
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from tests.fuzz.lane import Share, run
from tests.fuzz.served import served
from tests.fuzz.tally import Tally
from tests.fuzz.wire import send_malformed_requests
from tests.support.cluster import RUNNING, Servers, TestServers


def main() -> int:
    """Run, print the results, and return the exit code."""
    options = _parsed()
    signal.signal(signal.SIGTERM, _end)
    given = os.environ.get(RUNNING)
    servers = TestServers(Servers(**json.loads(given)) if given else None)
    begun = monotonic()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    try:
        tally = _fuzz(options, servers.clone("fuzz"))
    finally:
        servers.stop()
    seconds = monotonic() - begun
    sys.stdout.writelines(f"{line}\n" for line in tally.lines())
    sys.stdout.write(f"seed {options.seed}, {seconds:.0f} s, {tally.cases / seconds:.0f} cases/s\n")
    found = {
        **tally.figures(),
        "seed": options.seed,
        "seconds": round(seconds),
        "never_a_2xx": tally.without(success=True),
    }
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if tally.sound else 1


def _fuzz(options: argparse.Namespace, servers: Servers) -> Tally:
    tally = Tally()
    with (
        served(servers.settings(), options.json.with_suffix(".log")) as url,
        ProcessPoolExecutor(options.lanes, get_context("spawn")) as pool,
    ):
        tally.add(send_malformed_requests(url))
        each = (options.cases - tally.cases) // options.lanes + 1
        common = Share(
            servers.settings(), url, each, options.seed, 0, options.lanes, planted_every=options.planted_every
        )
        shares = [replace(common, lane=lane) for lane in range(options.lanes)]
        for done in pool.map(run, shares):
            tally.add(done)
    return tally


def _end(_number: int, _frame: object) -> None:
    raise SystemExit("ended")  # runs every `finally`, so no server keeps running


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2, help="Processes that send.")
    parser.add_argument("--planted-every", type=int, default=1, help="Send only every n-th planted case.")
    parser.add_argument("--json", type=Path, default=Path("build/fuzz.json"))
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
