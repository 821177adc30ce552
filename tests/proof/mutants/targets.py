"""Suites that must kill mutants of the source: the attack on one route, or the tests of one fault."""

from typing import Final

from tests.proof.suites import Attacks, Tests

READ: Final = Attacks(("GET /api/v1/racks/{rack_id}",))
CREATE: Final = Attacks(("POST /api/v1/racks",))
UPDATE: Final = Attacks(("PATCH /api/v1/racks/{rack_id}",))
MY_OWN: Final = Attacks(("GET /api/v1/me",))
BY_STAFF: Final = Attacks(("POST /admin/v1/tenants/{tenant_id}/suspend",))


def fault(name: str) -> Tests:
    """Return the tests of one fault, by its number and name, as in ``29_staff``."""
    return Tests((f"tests/faults/test_{name}.py",))


def tests(*nodes: str) -> Tests:
    """Return these tests, by file or node id below ``tests``."""
    return Tests(tuple(f"tests/{node}" for node in nodes))
