"""Limits that keep one client's connections from displacing the others': each one removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_SERVER: Final = "platform/insula/http/server/protocol.py"
_LIMITS: Final = "platform/insula/http/server/connection_limits.py"
_BUDGET: Final = "platform/insula/http/server/read_budget.py"
_LIMITS_TEST: Final = tests("http/test_connection_limits.py")
_BUDGET_TEST: Final = tests("http/test_read_budget.py")

CONNECTIONS: Final = (
    Edit(
        "connections: one address may hold any number",
        _LIMITS,
        "if newcomer.source is not None and mine > self._most_of_one:",
        "if False:",
        _LIMITS_TEST,
    ),
    Edit("connections: any number", _LIMITS, "elif count > self._most:", "elif False:", _LIMITS_TEST),
    Edit("connections: running requests are dropped", _LIMITS, "(loss < Loss.WORK and ", "(", _LIMITS_TEST),
    Edit("connections: an address with many displaces one with few", _LIMITS, " and holds >= mine", "", _LIMITS_TEST),
    Edit(
        "connections: the address with most connections keeps them",
        _LIMITS,
        "sorted(groups, reverse=True)",
        "sorted(groups)",
        _LIMITS_TEST,
    ),
    Edit(
        "connections: a half-sent body counts as a running request",
        _SERVER,
        "Stage.BODY if self._lacks_body else ",
        "",
        fault("56_crowds"),
    ),
    Edit(
        "connections: a proxy is one client",
        _LIMITS,
        "if address is None or any(address in network for network in self._proxies):",
        "if address is None:",
        _LIMITS_TEST,
    ),
    Edit("readers: any reading rate", _BUDGET, "return self._left > 0", "return True", _BUDGET_TEST),
    Edit("readers: saved time has no maximum", _BUDGET, ", self._most)", ", float('inf'))", _BUDGET_TEST),
    Edit("readers: only our own buffer counts", _SERVER, "if found is None else found", "", fault("56_crowds")),
)
