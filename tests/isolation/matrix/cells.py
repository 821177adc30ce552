"""The cells of one route: caller, position of the foreign id, tenant that the request names, payload."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tests.isolation.matrix import payloads, selectors
from tests.isolation.matrix.callers import Caller, callers_of
from tests.isolation.matrix.payloads import Payload, payloads_of
from tests.isolation.matrix.positions import Position, positions_of
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.selectors import SELECTORS, Selector

Depth = Literal["short", "full"]


@dataclass(frozen=True)
class Cell:
    route: LiveRoute
    caller: Caller
    position: Position
    selector: Selector
    payload: Payload

    @property
    def name(self) -> str:
        """The cell's name in reports."""
        return f"{self.route.name} | {self.caller.name} | {self.position.name} | {self.selector.name} | {self.payload}"


def cells_of(route: LiveRoute, depth: Depth) -> tuple[Cell, ...]:
    """Return the route's cells: the whole product, or a few that use each factor at least once."""
    return tuple(dict.fromkeys(_full(route) if depth == "full" else _short(route)))


def _full(route: LiveRoute) -> Iterator[Cell]:
    """Yield callers x positions x selectors with the plain payload, and callers x positions x payloads without one.

    Selectors and payloads need no combinations: the app checks a selector before it reads the payload.
    """
    for caller, position in product(callers_of(route), positions_of(route)):
        if not _applies(caller, position):
            continue
        for selector in _selectors(position):
            yield Cell(route, caller, position, selector, payloads.PLAIN)
        if not position.after_control:
            for payload in payloads_of(route):
                yield Cell(route, caller, position, selectors.NONE, payload)


def _short(route: LiveRoute) -> Iterator[Cell]:
    """Yield each caller, each position and each payload once, and each selector with the strongest callers."""
    callers, positions = callers_of(route), positions_of(route)
    strongest = [caller for caller in callers if caller.refusal is None] or list(callers[:1])
    tried = {caller.name: caller for caller in (strongest[0], strongest[-1 if route.guard is not None else 0])}
    for caller in callers:
        yield Cell(route, caller, positions[0], selectors.NONE, payloads.PLAIN)
    for position in positions:
        for caller in callers:
            if _applies(caller, position) and (position.after_control or caller.name in tried):
                yield Cell(route, caller, position, selectors.NONE, payloads.PLAIN)
    for selector, caller in product(_selectors(positions[0]), tried.values()):
        yield Cell(route, caller, positions[0], selector, payloads.PLAIN)
    for payload in payloads_of(route):
        yield Cell(route, strongest[0], positions[0], selectors.NONE, payload)


def _applies(caller: Caller, position: Position) -> bool:
    """Return whether the caller can reach the position: only accepted callers claim an idempotency key."""
    return not position.after_control or caller.refusal is None


def _selectors(position: Position) -> tuple[Selector, ...]:
    if position.after_control:
        return (selectors.NONE,)
    return tuple(SELECTORS.values())
