"""A database of one size: whose rows it holds, and by which ids. Everything follows from numbers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

MEMBERS: Final = 10
PROJECTS: Final = 2
BURST: Final = 10
"""Items that a tenant writes in a row, before others do: its rows lie scattered, as they do in life."""
_PREFIX: Final = "019a{kind:04x}-0000-7000-8000-"


class Kind(IntEnum):
    """What an id is of: the part of it that differs."""

    TENANT = 1
    USER = 2
    MEMBERSHIP = 3
    PROJECT = 4
    ITEM = 5
    SESSION = 6
    ROLE = 7


def id_of(kind: Kind, number: int) -> UUID:
    """Return the id of the so-many'th; ids are made in order, as ``new_id`` does."""
    return UUID(f"{_PREFIX.format(kind=kind)}{number:012x}")


def id_in_sql(kind: Kind, number: str) -> str:
    """Return the same as an expression."""
    return f"('{_PREFIX.format(kind=kind)}' || lpad(to_hex({number}), 12, '0'))::uuid"


@dataclass(frozen=True, slots=True)
class Place:
    """A member of a tenant, and an item of that tenant's."""

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
    """How many tenants there are, the items of each, and how many roles each has made."""

    tenants: int
    items: int
    own_roles: int = 0

    def __post_init__(self) -> None:
        """Refuse what the numbers below do not work for."""
        if self.tenants <= 1 or self.items % (BURST * PROJECTS):
            raise ValueError(f"at least two tenants, and items in {BURST * PROJECTS}s, not {self}")

    @property
    def name(self) -> str:
        """How it is called in the table."""
        roles = {0: "", 1: ", 1 own role each"}.get(self.own_roles, f", {self.own_roles} own roles each")
        return f"{self.tenants:,} tenants{roles}"

    @property
    def key(self) -> str:
        """How it is called in files and databases."""
        return f"growth_{self.tenants}_{self.items}_{self.own_roles}"

    @property
    def bursts(self) -> int:
        """How often each tenant writes."""
        return self.items // BURST

    @property
    def memberships(self) -> int:
        """How many there are of all tenants; each user has two, in neighbouring tenants."""
        return self.tenants * MEMBERS

    @property
    def users(self) -> int:
        """How many people there are."""
        return self.memberships // 2

    def place(self, membership: int, item: int) -> Place:
        """Return the member of this number beside the so-many'th item of the tenant."""
        tenant = membership % self.tenants
        burst, within = divmod(item % self.items, BURST)
        number = (burst * self.tenants + tenant) * BURST + within
        project = id_of(Kind.PROJECT, tenant * PROJECTS + burst % PROJECTS)
        return Place(tenant, membership // 2, project, id_of(Kind.ITEM, number))
