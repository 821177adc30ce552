"""Who asks: people and keys of two tenants, staff, strangers; each with credentials, and remade when they are lost."""

import random
from asyncio import Runner
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine

from insula.core.ids import TenantId, UserId
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, IDENTITY
from insula.identity import KeyRing, TokenIssuer
from tests.fuzz.documents import Operation
from tests.fuzz.secrets import Secrets
from tests.fuzz.things import House, Record, Things
from tests.support.apps import INSTALLATION, POLICY, audience
from tests.support.cluster import superuser_url
from tests.support.factories import Factories, UserRow

Part = Literal["owner", "admin", "viewer", "key", "person", "staff", "clerk", "stranger", "misled", "public"]
Side = Literal["a", "b"]
SIDES: Final[tuple[Side, Side]] = ("a", "b")
_TENANT_PARTS: Final[tuple[Part, ...]] = ("owner",) * 10 + ("key", "key", "admin", "viewer", "stranger", "misled")
_PERSON_PARTS: Final[tuple[Part, ...]] = ("person",) * 12 + ("stranger", "misled")
_STAFF_PARTS: Final[tuple[Part, ...]] = ("staff",) * 12 + ("clerk", "stranger", "misled")


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: as what, with which headers, and of which house."""

    part: Part
    headers: dict[str, str] = field(default_factory=dict)
    house: House | None = None
    user: UserRow | None = None

    @property
    def sees_all(self) -> bool:
        """Whether nothing is foreign to them."""
        return self.part in {"staff", "clerk"}

    @property
    def may_all(self) -> bool:
        """Whether a 403 says that they lost something."""
        return self.part in {"owner", "staff", "person"}


class Cast:
    """All who ask, and all that they ask for."""

    def __init__(
        self, runner: Runner, things: Things, issuer: TokenIssuer, settings: Settings, chance: random.Random
    ) -> None:
        self._run = runner.run
        self._things = things
        self._issuer = issuer
        self._settings = settings
        self._chance = chance
        self._houses: dict[Side, House] = {}
        self._actors: dict[tuple[Part, str, Side], Actor] = {}
        self._former: list[House] = []
        self.for_staff: list[Record] = []
        self.secrets = Secrets(runner, things, settings)

    def house(self, side: Side) -> House:
        """Return the tenant of one side."""
        if side not in self._houses:
            self._houses[side] = self._run(self._things.house())
        return self._houses[side]

    def other(self, house: House) -> House:
        """Return the tenant of the other side."""
        return self.house("b" if self.house("a") is house else "a")

    def choose(self, operation: Operation) -> Actor:
        """Return somebody who might call ``operation``; mostly somebody who may."""
        return self.actor(self._chance.choice(parts_of(operation)), operation.app, self._chance.choice(SIDES))

    def actor(self, part: Part, app: str, side: Side) -> Actor:
        """Return who plays ``part`` in ``app`` for this side."""
        role = (part, app, side)
        if role not in self._actors:
            self._actors[role] = self._run(self._new(part, app, self.house(side)))
        return self._actors[role]

    def lost(self, actor: Actor) -> None:
        """Let ``actor`` be played by somebody else from now on, and the whole house with a member of it."""
        self._actors = {role: other for role, other in self._actors.items() if other is not actor}
        if actor.part in {"owner", "key"}:
            self._leave(actor.house)

    def records_for(self, operation: Operation, actor: Actor, house: House | None, names: set[str]) -> Record | None:
        """Return a record that has these ``names``, making one where none is left."""
        if actor.sees_all or operation.app == "admin":
            return self._staffs(names)
        if house is None:
            return None
        found = house.pick(names, self._chance)
        if found is None and names <= house.makes:
            self._run(self._things.stock(house))
            found = house.pick(names, self._chance)
        return found

    def foreign(self, actor: Actor) -> Iterator[str]:
        """Yield the words that ``actor`` must not see: of everybody else's houses, today's and former ones."""
        if not actor.sees_all:
            for house in (*self._houses.values(), *self._former):
                if house is not actor.house:
                    yield house.canary

    def owner_of(self, value: str) -> House | None:
        """Return whose thing ``value`` is the id of."""
        return next((house for house in (*self._houses.values(), *self._former) if value in house.ids), None)

    def _staffs(self, names: set[str]) -> Record | None:
        fitting = [record for record in self.for_staff if names <= record.keys()]
        if not fitting:
            made = self._run(self._things.for_staff())
            self.for_staff.append(made)
            fitting = [made] if names <= made.keys() else []
        return self._chance.choice(fitting[-10:]) if fitting else None

    def _leave(self, house: House | None) -> None:
        for side, mine in list(self._houses.items()):
            if mine is house:
                del self._houses[side]
                self._former = [*self._former, mine][-20:]
                self._actors = {role: other for role, other in self._actors.items() if other.house is not mine}

    async def _new(self, part: Part, app: str, house: House) -> Actor:
        if part in {"public", "stranger"}:
            return Actor(part)
        if part in {"staff", "clerk"}:
            user = await self._things.make.staff("superuser" if part == "staff" else "auditor")
            return Actor(part, await self._token(user, app, None), None, user)
        if part == "key":
            key = await self._things.make.api_key(house.tenant, *sorted(POLICY.for_keys))
            return Actor(part, key.headers, house)
        if part == "misled":  # a good token, of another app
            user = house.owner
            return Actor(part, await self._token(user, "billing" if app != "billing" else "tenants", house), house)
        if part == "person":
            user = await self._things.person(house.canary)
            await self._things.make.membership(house.tenant, "member", user)
            return Actor(part, await self._token(user, app, None), house, user)
        user = house.owner
        if part != "owner":
            user = await self._things.make.member(house.tenant, part, await self._things.person(house.canary))
        return Actor(part, await self._token(user, app, house), house, user)

    async def _token(self, user: UserRow, app: str, house: House | None) -> dict[str, str]:
        session_id: UUID = await self._things.make.session(user)
        named = "tenants" if app == "root" else app
        token = await self._issuer.issue(
            user_id=UserId(user.id),
            session_id=session_id,
            audience=audience(self._settings, named),
            tenant_id=TenantId(house.tenant.id) if house else None,
        )
        return {"Authorization": f"Bearer {token}"}


def parts_of(operation: Operation) -> tuple[Part, ...]:
    """Return who calls ``operation``, the more often named the more often."""
    if not operation.ways:
        return ("public",)
    if operation.app == "admin":
        return _STAFF_PARTS
    return _TENANT_PARTS if "apiKey" in operation.ways else _PERSON_PARTS


@contextmanager
def cast_of(settings: Settings, chance: random.Random) -> Iterator[Cast]:
    """Open what the cast is made with."""
    engine = create_async_engine(superuser_url(settings), pool_size=1)
    with Runner() as runner:
        database = runner.run(Database.open(settings, [IDENTITY, GATE]))
        try:
            issuer = TokenIssuer(settings, KeyRing(settings, database))
            things = Things(Factories(engine), chance, frozenset(INSTALLATION.entitlements))
            yield Cast(runner, things, issuer, settings, chance)
        finally:
            runner.run(database.close())
            runner.run(engine.dispose())
