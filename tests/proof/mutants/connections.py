"""What keeps one client's connections from costing the others theirs."""

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
    Edit("connections: work is taken", _CROWD, "(claim < Claim.WORK and ", "(", _GIVING_WAY),
    Edit("connections: the many take from the few", _CROWD, " and holds >= mine", "", _GIVING_WAY),
    Edit(
        "connections: whoever holds most stays", _CROWD, "sorted(groups, reverse=True)", "sorted(groups)", _GIVING_WAY
    ),
    Edit(
        "connections: a half-sent body is work", _SERVER, "Stage.BODY if self._lacks_body else ", "", fault("56_crowds")
    ),
    Edit(
        "connections: a proxy is one client",
        _CROWD,
        "if address is None or any(address in network for network in self._proxies):",
        "if address is None:",
        _GIVING_WAY,
    ),
    Edit("readers: any pace", _READERS, "return self._left > 0", "return True", _PATIENCE),
    Edit("readers: patience is saved up without end", _READERS, ", self._most)", ", float('inf'))", _PATIENCE),
    Edit("readers: only our own buffer counts", _SERVER, "if taken is None else taken", "", fault("56_crowds")),
)
