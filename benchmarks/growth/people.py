"""The callers: members of many tenants, each with an access token."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.growth.size import MEMBERS, Kind, Place, Size, id_of
from benchmarks.operations import request
from insula.core.ids import TenantId, UserId
from insula.core.settings import Settings, audience
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, IDENTITY
from insula.identity import KeyRing, TokenIssuer

OPERATIONS: Final = ("read", "list")
_REQUESTS_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a tenant, an item to look at, and a token."""

    place: Place
    token: str

    def request_for(self, operation: str) -> str:
        """Return the request as text."""
        return request("GET", self.place.read if operation == "read" else self.place.list, self.token)


async def sign_in(settings: Settings, size: Size, count: int) -> list[Person]:
    """Return ``count`` members, or as many as exist, of as many tenants as possible, in a random order."""
    chance = random.Random(20261123)  # noqa: S311  # the same in each run
    tenants = chance.sample(range(size.tenants), min(count, size.tenants))
    first = {tenant: chance.randrange(MEMBERS) for tenant in tenants}
    chosen = [
        tenant + size.tenants * ((first[tenant] + turn) % MEMBERS) for turn in range(MEMBERS) for tenant in tenants
    ][:count]
    database = await Database.open(settings, [IDENTITY, GATE])
    issuer, api = TokenIssuer(settings, KeyRing(settings, database)), audience(settings, "/api")
    people = []
    try:
        for membership in chosen:
            place = size.place(membership, chance.randrange(size.items))
            token = await issuer.issue(
                user_id=UserId(id_of(Kind.USER, place.user)),
                session_id=id_of(Kind.SESSION, place.user),
                audience=api,
                tenant_id=TenantId(id_of(Kind.TENANT, place.tenant)),
            )
            people.append(Person(place, token))
            await asyncio.sleep(0)
    finally:
        await database.close()
    return people


def write(people: Sequence[Person], operation: str, path: Path) -> Path:
    """Write requests of all people to a file for wrk, in another order in each pass."""
    chance = random.Random(operation)  # noqa: S311  # the same in each run
    lines = [
        person.request_for(operation) for _ in range(_REQUESTS_EACH) for person in chance.sample(people, len(people))
    ]
    path.write_text("\0".join(lines))
    return path
