"""Counting of limits, and detecting that Redis is down: each precaution removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_REMOTE: Final = "platform/insula/limits/rates/remote.py"
_SCRIPT: Final = "platform/insula/limits/script.py"
_CIRCUIT: Final = "platform/insula/limits/circuit.py"
_SETTLING: Final = tests("limits/test_settling.py")

LEDGERS: Final = (
    Edit(
        "loans: an abandoned one stays debited",
        _REMOTE,
        "                elif tokens:\n                    self._give_back(loan)\n",
        "",
        _SETTLING,
    ),
    Edit(
        "loans: one with a lost answer stays debited",
        _REMOTE,
        "            self._give_back(loan)  # it may have been made\n",
        "",
        fault("52_late_redis"),
    ),
    Edit(
        "loans: a second settlement counts again",
        _SCRIPT,
        "if lent == '0' then return 0 end\n",
        "",
        _SETTLING,
    ),
    Edit(
        "loans: one that is already settled is lent",
        _SCRIPT,
        "if not known then tokens = ",
        "if true then tokens = ",
        _SETTLING,
    ),
    Edit(
        "circuit: the process's own lag counts as silence",
        _CIRCUIT,
        "async with lag.timeout(self._longest if self.health is Health.SLOW else self._prompt):",
        "async with asyncio.timeout(self._longest if self.health is Health.SLOW else self._prompt):",
        fault("54_late_loop"),
    ),
    Edit(
        "circuit: a server that answers PING counts as writable",
        _REMOTE,
        "await self._redis.set(_PROBE, 1, ex=WINDOW)",
        "await self._redis.ping()",
        fault("52_late_redis"),
    ),
)
