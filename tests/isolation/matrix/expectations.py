"""The answer that each cell must get. The checks are in the app's order; the first that applies decides."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from insula.http.middleware.request_checks import ANY_HOST_PATHS
from tests.isolation.matrix import payloads
from tests.isolation.matrix.callers import Refusal
from tests.isolation.matrix.cells import Cell
from tests.isolation.matrix.wire import Answer

CONFLICT: Final = Refusal(403, "tenant_conflict")
_DUPLICATE: Final = Refusal(400, "duplicate_header")
_MOVED: Final = Refusal(421, "host_moved")
_INVALID: Final = Refusal(422, "invalid_request")
_NOT_FOUND: Final = Refusal(404, "not_found")


@dataclass(frozen=True)
class Expectation:
    """One of ``refusals``, or success if ``succeeds``. ``alike``: the answer must equal that for an unknown id."""

    refusals: tuple[Refusal, ...] = ()
    succeeds: bool = False
    alike: bool = False
    any_refusal: bool = False

    def met_by(self, answer: Answer) -> bool:
        """Return whether the answer is an expected one."""
        if answer.ok:
            return self.succeeds
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return False
        return self.any_refusal or Refusal(answer.status, answer.code) in self.refusals

    def __str__(self) -> str:
        wanted = [f"{status} {code}" for status, code in self.refusals]
        wanted += ["a refusal"] if self.any_refusal else []
        return " or ".join([*wanted, *(["success"] if self.succeeds else [])])

    def or_else(self, *refusals: Refusal) -> "Expectation":
        return replace(self, refusals=(*self.refusals, *refusals))


def expected(cell: Cell) -> Expectation:
    """Return the answer that the cell must get."""
    if cell.selector.names is None:
        return Expectation((_DUPLICATE,))
    if cell.selector.moved and cell.route.template not in ANY_HOST_PATHS:
        return Expectation((_MOVED,) if cell.route.method not in {"GET", "MOUNT"} else (Refusal(308, ""),))
    known = _PUBLIC if cell.route.guard is None else _guarded(cell)
    # Another spelling of the path is the same path, or no path.
    return known.or_else(_NOT_FOUND) if cell.payload in {payloads.LETTER, payloads.SLASH} else known


_PUBLIC: Final = Expectation(succeeds=True, any_refusal=True)
"""Anyone may call: refusals depend on the secrets in the request, and the oracles check what is revealed."""


def _guarded(cell: Cell) -> Expectation:
    refusal, names = cell.caller.refusal, cell.selector.names or frozenset()
    if refusal is not None and refusal.status == HTTPStatus.UNAUTHORIZED:
        return Expectation((refusal,))
    if names - {cell.caller.side}:
        return Expectation((CONFLICT,))
    if refusal is not None:
        return Expectation((refusal,))
    if cell.payload == payloads.SORTED or (cell.payload == payloads.EXTRA and cell.route.body is not None):
        return Expectation((_INVALID,))
    reached = Expectation(succeeds=True)
    if cell.position.path:
        reached = Expectation((_NOT_FOUND,), alike=True)
    elif cell.position.body:
        reached = Expectation(any_refusal=True, alike=True)
    if cell.payload == payloads.SQL:
        return replace(reached, any_refusal=True)
    return reached.or_else(_INVALID) if cell.payload == payloads.EXTRA else reached
