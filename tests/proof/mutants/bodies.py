"""Request bodies: authentication before reading, size limits, and the cost of parsing; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_ROUTE: Final = "platform/insula/http/routing/route.py"
_LIMITS: Final = "platform/insula/http/request/body_limits.py"
_JSON: Final = "platform/insula/http/request/json.py"
_FIRST: Final = tests("faults/test_57_refused_before_the_body.py")
_STRICT: Final = tests("http/test_json.py")

BODIES: Final = (
    Edit(
        "bodies: read before authentication",
        _ROUTE,
        "            await route.guard.admit(request)",
        "            pass",
        _FIRST,
    ),
    Edit(
        "bodies: any declared size",
        _LIMITS,
        "if len(length) > len(str(largest)) or int(length) > largest:",
        "if False:",
        _FIRST,
    ),
    Edit(
        "bodies: any undeclared size",
        _LIMITS,
        "if self._left < 0:",
        "if False:",
        _FIRST,
    ),
    Edit(
        "json: any number of members",
        _JSON,
        "if len(pairs) > MAX_MEMBERS:",
        "if False:",
        _STRICT,
    ),
    Edit(
        "json: any number of values",
        _JSON,
        "if depth > MAX_DEPTH or values > MAX_VALUES:",
        "if False:",
        _STRICT,
    ),
)
