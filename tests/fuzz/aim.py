"""Changes generated requests to reach existing rows: with real ids, and sometimes a tenant header or a foreign id."""

import json
import random
from dataclasses import dataclass
from typing import Final

from tests.fuzz.bodies import Bodies
from tests.fuzz.cast import Actor, Cast
from tests.fuzz.documents import AnyCase, Operation
from tests.fuzz.things import FuzzTenant, Record

_FOREIGN: Final = 0.2
_KNOWN: Final = 0.75
_KEYED: Final = 0.3
_CONDITIONAL: Final = 0.2
_FIRST_VERSION: Final = 0.9
_NAMES_TENANT: Final = 0.1
_WRONG_TENANT: Final = 0.03


@dataclass(frozen=True)
class Aim:
    """The tenant and the record that a request targets, if any."""

    home: FuzzTenant | None = None
    record: Record | None = None


class Aimer:
    """Changes cases in place."""

    def __init__(self, people: Cast, bodies: Bodies, chance: random.Random) -> None:
        self._people = people
        self._bodies = bodies
        self._chance = chance

    def aim(self, operation: Operation, case: AnyCase, actor: Actor, *, ids: bool = True) -> Aim:
        """Give ``case`` a target; without ``ids`` it keeps the ids that a sequence gave it."""
        self._name_tenant(case, actor)
        self._bodies.aim(operation, case, actor)
        aimed = ids and self._chance.random() < _KNOWN
        return self.address(operation, case, actor, set(case.path_parameters)) if aimed else Aim()

    def address(self, operation: Operation, case: AnyCase, actor: Actor, names: set[str]) -> Aim:
        """Put real ids into the path of ``case`` for the parameters with these ``names``."""
        home = actor.home
        if home is not None and self._chance.random() < _FOREIGN:
            home = self._people.other(home)
        if not names:
            return Aim()
        record = self._people.records_for(operation, actor, home, names)
        if record is not None:
            case.path_parameters = case.path_parameters | {name: record[name] for name in names}
        return Aim(home, record)

    def _name_tenant(self, case: AnyCase, actor: Actor) -> None:
        """Keep few of the generated headers: most of their values are refused before the route runs."""
        lot = self._chance.random()
        names_tenant = actor.home is not None and lot < _NAMES_TENANT
        _replace(case, "X-Tenant", self._tenant_named(actor.home, lot) if names_tenant else None)
        if lot > _KEYED:
            _replace(case, "Idempotency-Key", None)
        if lot > _CONDITIONAL:
            _replace(case, "if-match", '"1"' if lot > _FIRST_VERSION else None)

    def _tenant_named(self, home: FuzzTenant | None, lot: float) -> str | None:
        if home is None:
            return None
        named = self._people.other(home) if lot < _WRONG_TENANT else home
        return self._chance.choice((named.tenant.slug, str(named.tenant.id)))


def _replace(case: AnyCase, name: str, value: str | None) -> None:
    if value is not None:
        case.headers[name] = value
    elif name in case.headers:
        del case.headers[name]


def id_in(content: bytes, location: str | None) -> str | None:
    """Return the id of the created row from the answer."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("id"), str):
        return str(body["id"])
    return location.rsplit("/", 1)[-1] if location else None
