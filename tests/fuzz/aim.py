"""Makes of a generated request one that reaches something: real ids, and now and then a hint or a foreign id."""

import json
import random
from dataclasses import dataclass
from typing import Final

from tests.fuzz.bodies import Bodies
from tests.fuzz.cast import Actor, Cast
from tests.fuzz.documents import AnyCase, Operation
from tests.fuzz.things import House, Record

_FOREIGN: Final = 0.2
_KNOWN: Final = 0.75
_KEYED: Final = 0.3
_CONDITIONAL: Final = 0.2
_FIRST_VERSION: Final = 0.9
_HINTED: Final = 0.1
_HINTED_WRONG: Final = 0.03


@dataclass(frozen=True)
class Aim:
    """Whose thing a request is aimed at, if at anybody's, and by which record."""

    house: House | None = None
    record: Record | None = None


class Aimer:
    """Changes cases in place."""

    def __init__(self, people: Cast, bodies: Bodies, chance: random.Random) -> None:
        self._people = people
        self._bodies = bodies
        self._chance = chance

    def aim(self, operation: Operation, case: AnyCase, actor: Actor, *, ids: bool = True) -> Aim:
        """Aim ``case``; without ``ids`` those that it has stay, as a sequence chose them."""
        self._hint(case, actor)
        self._bodies.aim(operation, case, actor)
        aimed = ids and self._chance.random() < _KNOWN
        return self.address(operation, case, actor, set(case.path_parameters)) if aimed else Aim()

    def address(self, operation: Operation, case: AnyCase, actor: Actor, names: set[str]) -> Aim:
        """Put real ids into the path of ``case``, in place of the parameters with these ``names``."""
        house = actor.house
        if house is not None and self._chance.random() < _FOREIGN:
            house = self._people.other(house)
        if not names:
            return Aim()
        record = self._people.records_for(operation, actor, house, names)
        if record is not None:
            case.path_parameters = case.path_parameters | {name: record[name] for name in names}
        return Aim(house, record)

    def _hint(self, case: AnyCase, actor: Actor) -> None:
        """Leave few of the generated headers: most of what they say is refused before anything is looked at."""
        lot = self._chance.random()
        hinted = actor.house is not None and lot < _HINTED
        _replace(case, "X-Tenant", self._tenant_named(actor.house, lot) if hinted else None)
        if lot > _KEYED:
            _replace(case, "Idempotency-Key", None)
        if lot > _CONDITIONAL:
            _replace(case, "if-match", '"1"' if lot > _FIRST_VERSION else None)

    def _tenant_named(self, house: House | None, lot: float) -> str | None:
        if house is None:
            return None
        named = self._people.other(house) if lot < _HINTED_WRONG else house
        return self._chance.choice((named.tenant.slug, str(named.tenant.id)))


def _replace(case: AnyCase, name: str, value: str | None) -> None:
    if value is not None:
        case.headers[name] = value
    elif name in case.headers:
        del case.headers[name]


def id_in(content: bytes, location: str | None) -> str | None:
    """Return the id of what was made, as the answer tells it."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("id"), str):
        return str(body["id"])
    return location.rsplit("/", 1)[-1] if location else None
