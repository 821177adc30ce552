"""The callers: members and keys of two tenants, staff and strangers; each is replaced when it loses its access."""

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
from tests.fuzz.things import FuzzTenant, Record, Things
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
    """A caller: their part, their headers and their tenant."""

    part: Part
    headers: dict[str, str] = field(default_factory=dict)
    home: FuzzTenant | None = None
    user: UserRow | None = None

    @property
    def sees_all(self) -> bool:
        """Whether they may see every tenant."""
        return self.part in {"staff", "clerk"}

    @property
    def may_all(self) -> bool:
        """Whether a 403 means that they lost access."""
        return self.part in {"owner", "staff", "person"}


class Cast:
    """All callers, and the rows that they request."""

    def __init__(
        self, runner: Runner, things: Things, issuer: TokenIssuer, settings: Settings, chance: random.Random
    ) -> None:
        self._run = runner.run
        self._things = things
        self._issuer = issuer
        self._settings = settings
        self._chance = chance
        self._homes: dict[Side, FuzzTenant] = {}
        self._actors: dict[tuple[Part, str, Side], Actor] = {}
        self._former: list[FuzzTenant] = []
        self.for_staff: list[Record] = []
        self.secrets = Secrets(runner, things, settings)

    def home(self, side: Side) -> FuzzTenant:
        """Return the tenant of one side."""
        if side not in self._homes:
            self._homes[side] = self._run(self._things.home())
        return self._homes[side]

    def other(self, home: FuzzTenant) -> FuzzTenant:
        """Return the tenant of the other side."""
        return self.home("b" if self.home("a") is home else "a")

    def choose(self, operation: Operation) -> Actor:
        """Return a caller for ``operation``, mostly one who is allowed to call it."""
        return self.actor(self._chance.choice(parts_of(operation)), operation.app, self._chance.choice(SIDES))

    def actor(self, part: Part, app: str, side: Side) -> Actor:
        """Return the caller for this part, app and side."""
        role = (part, app, side)
        if role not in self._actors:
            self._actors[role] = self._run(self._new(part, app, self.home(side)))
        return self._actors[role]

    def lost(self, actor: Actor) -> None:
        """Replace ``actor`` from now on; a member is replaced with their whole tenant."""
        self._actors = {role: other for role, other in self._actors.items() if other is not actor}
        if actor.part in {"owner", "key"}:
            self._leave(actor.home)

    def records_for(
        self, operation: Operation, actor: Actor, home: FuzzTenant | None, names: set[str]
    ) -> Record | None:
        """Return a record that has these ``names``; make one if none is left."""
        if actor.sees_all or operation.app == "admin":
            return self._staffs(names)
        if home is None:
            return None
        found = home.pick(names, self._chance)
        if found is None and names <= home.makes:
            self._run(self._things.stock(home))
            found = home.pick(names, self._chance)
        return found

    def foreign(self, actor: Actor) -> Iterator[str]:
        """Yield the words that ``actor`` must not see: those of all other tenants, current and replaced ones."""
        if not actor.sees_all:
            for home in (*self._homes.values(), *self._former):
                if home is not actor.home:
                    yield home.canary

    def owner_of(self, value: str) -> FuzzTenant | None:
        """Return the tenant that owns the row with the id ``value``."""
        return next((home for home in (*self._homes.values(), *self._former) if value in home.ids), None)

    def _staffs(self, names: set[str]) -> Record | None:
        fitting = [record for record in self.for_staff if names <= record.keys()]
        if not fitting:
            made = self._run(self._things.for_staff())
            self.for_staff.append(made)
            fitting = [made] if names <= made.keys() else []
        return self._chance.choice(fitting[-10:]) if fitting else None

    def _leave(self, home: FuzzTenant | None) -> None:
        for side, mine in list(self._homes.items()):
            if mine is home:
                del self._homes[side]
                self._former = [*self._former, mine][-20:]
                self._actors = {role: other for role, other in self._actors.items() if other.home is not mine}

    async def _new(self, part: Part, app: str, home: FuzzTenant) -> Actor:
        if part in {"public", "stranger"}:
            return Actor(part)
        if part in {"staff", "clerk"}:
            user = await self._things.make.staff("superuser" if part == "staff" else "auditor")
            return Actor(part, await self._token(user, app, None), None, user)
        if part == "key":
            key = await self._things.make.api_key(home.tenant, *sorted(POLICY.for_keys))
            return Actor(part, key.headers, home)
        if part == "misled":  # a valid token of another app
            user = home.owner
            return Actor(part, await self._token(user, "billing" if app != "billing" else "tenants", home), home)
        if part == "person":
            user = await self._things.person(home.canary)
            await self._things.make.membership(home.tenant, "member", user)
            return Actor(part, await self._token(user, app, None), home, user)
        user = home.owner
        if part != "owner":
            user = await self._things.make.member(home.tenant, part, await self._things.person(home.canary))
        return Actor(part, await self._token(user, app, home), home, user)

    async def _token(self, user: UserRow, app: str, home: FuzzTenant | None) -> dict[str, str]:
        session_id: UUID = await self._things.make.session(user)
        named = "tenants" if app == "root" else app
        token = await self._issuer.issue(
            user_id=UserId(user.id),
            session_id=session_id,
            audience=audience(self._settings, named),
            tenant_id=TenantId(home.tenant.id) if home else None,
        )
        return {"Authorization": f"Bearer {token}"}


def parts_of(operation: Operation) -> tuple[Part, ...]:
    """Return the parts that call ``operation``; repeated ones are chosen more often."""
    if not operation.schemes:
        return ("public",)
    if operation.app == "admin":
        return _STAFF_PARTS
    return _TENANT_PARTS if "apiKey" in operation.schemes else _PERSON_PARTS


@contextmanager
def cast_of(settings: Settings, chance: random.Random) -> Iterator[Cast]:
    """Open the resources of the cast."""
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
