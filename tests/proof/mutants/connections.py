"""Limits that keep one client's connections from displacing the others': each one removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_SERVER: Final = "platform/insula/http/server/protocol.py"
_CROWD: Final = "platform/insula/http/server/crowd.py"
_READERS: Final = "platform/insula/http/server/readers.py"
_GIVING_WAY: Final = tests("http/test_crowd.py")
_PATIENCE: Final = tests("http/test_readers.py")

CONNECTIONS: Final = (
    Edit(
        "connections: one address may hold any number",
        _CROWD,
        "if newcomer.home is not None and mine > self._most_of_one:",
        "if False:",
        _GIVING_WAY,
    ),
    Edit("connections: any number", _CROWD, "elif count > self._most:", "elif False:", _GIVING_WAY),
    Edit("connections: running requests are dropped", _CROWD, "(claim < Claim.WORK and ", "(", _GIVING_WAY),
    Edit("connections: an address with many displaces one with few", _CROWD, " and holds >= mine", "", _GIVING_WAY),
    Edit(
        "connections: the address with most connections keeps them",
        _CROWD,
        "sorted(groups, reverse=True)",
        "sorted(groups)",
        _GIVING_WAY,
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
        _CROWD,
        "if address is None or any(address in network for network in self._proxies):",
        "if address is None:",
        _GIVING_WAY,
    ),
    Edit("readers: any reading rate", _READERS, "return self._left > 0", "return True", _PATIENCE),
    Edit("readers: saved time has no maximum", _READERS, ", self._most)", ", float('inf'))", _PATIENCE),
    Edit("readers: only our own buffer counts", _SERVER, "if taken is None else taken", "", fault("56_crowds")),
)
