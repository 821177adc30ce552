"""A database of one size. All ids and relations are computed from numbers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

MEMBERS: Final = 10
PROJECTS: Final = 2
BURST: Final = 10
"""Items that a tenant writes before the next tenant writes, so that a tenant's rows are scattered, as in reality."""
_PREFIX: Final = "019a{kind:04x}-0000-7000-8000-"


class Kind(IntEnum):
    """The kind of row that an id is for; the id contains it."""

    TENANT = 1
    USER = 2
    MEMBERSHIP = 3
    PROJECT = 4
    ITEM = 5
    SESSION = 6
    ROLE = 7


def id_of(kind: Kind, number: int) -> UUID:
    """Return the id of row ``number``; ids are in order, like those of ``new_id``."""
    return UUID(f"{_PREFIX.format(kind=kind)}{number:012x}")


def id_in_sql(kind: Kind, number: str) -> str:
    """Return the same as an SQL expression."""
    return f"('{_PREFIX.format(kind=kind)}' || lpad(to_hex({number}), 12, '0'))::uuid"


@dataclass(frozen=True, slots=True)
class Place:
    """A member and an item of one tenant."""

    tenant: int
    user: int
    project_id: UUID
    item_id: UUID

    @property
    def read(self) -> str:
        """The path of the item."""
        return f"/api/v1/projects/{self.project_id}/items/{self.item_id}"

    @property
    def list(self) -> str:
        """The path of 20 items of its project."""
        return f"/api/v1/projects/{self.project_id}/items?limit=20"


@dataclass(frozen=True, slots=True)
class Size:
    """The number of tenants, and the items and custom roles of each."""

    tenants: int
    items: int
    custom_roles: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers for which the computations below are wrong."""
        if self.tenants <= 1 or self.items % (BURST * PROJECTS):
            raise ValueError(f"at least two tenants, and items in {BURST * PROJECTS}s, not {self}")

    @property
    def name(self) -> str:
        """Its name in the table."""
        roles = {0: "", 1: ", 1 custom role each"}.get(self.custom_roles, f", {self.custom_roles} custom roles each")
        return f"{self.tenants:,} tenants{roles}"

    @property
    def key(self) -> str:
        """Its name in files and databases."""
        return f"growth_{self.tenants}_{self.items}_{self.custom_roles}"

    @property
    def bursts(self) -> int:
        """How many bursts each tenant writes."""
        return self.items // BURST

    @property
    def memberships(self) -> int:
        """The number of memberships; each user has two, in neighbouring tenants."""
        return self.tenants * MEMBERS

    @property
    def users(self) -> int:
        """The number of users."""
        return self.memberships // 2

    def place(self, membership: int, item: int) -> Place:
        """Return this member with item number ``item`` of their tenant."""
        tenant = membership % self.tenants
        burst, within = divmod(item % self.items, BURST)
        number = (burst * self.tenants + tenant) * BURST + within
        project = id_of(Kind.PROJECT, tenant * PROJECTS + burst % PROJECTS)
        return Place(tenant, membership // 2, project, id_of(Kind.ITEM, number))
