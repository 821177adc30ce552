"""Permissions: declared by the resources that they guard, granted to built-in roles, combined into custom roles."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Self

from insula.access.roles import EVERYBODY, OWNERS, Role
from insula.core.errors import ManifestError

Permissions = frozenset[str]


class GrantedTo(Enum):
    """The kinds of callers to whom a permission can be granted."""

    PEOPLE_AND_KEYS = auto()
    PEOPLE = auto()
    """Not to API keys: it grants access to others, or concerns a person's own account or membership."""


class Permission(StrEnum):
    """A permission that a route requires: its code, its meaning in words, and the built-in roles that have it.

    A resource declares its permissions and names them in its manifest::

        class Action(Permission):
            READ = "project:read", "See projects", VIEWERS
            LEAVE = "member:leave", "Leave the tenant", EVERYBODY, GrantedTo.PEOPLE

    A personal permission is only a code: every signed-in user has it, and no role grants it.
    """

    meaning: str
    roles: AbstractSet[StrEnum]
    granted_to: GrantedTo

    def __new__(
        cls,
        code: str,
        meaning: str = "",
        roles: AbstractSet[StrEnum] = frozenset(),
        granted_to: GrantedTo = GrantedTo.PEOPLE_AND_KEYS,
    ) -> Self:
        """Make a member whose value is its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.roles = roles
        member.granted_to = granted_to
        return member

    @property
    def assignable(self) -> bool:
        """Whether a custom role can have it: a tenant role has it, and not only the owner."""
        return not self.roles.isdisjoint(Role) and self.roles != OWNERS


class Undescribed(ManifestError):
    """A permission has no description."""


class DeclaredTwice(ManifestError):
    """Two permissions have the same code, so a role that has one would have the other."""


def grants_of(permissions: Iterable[Permission]) -> Mapping[str, frozenset[Permission]]:
    """Return the ``permissions`` of each built-in role, by the role's name. Raises DeclaredTwice."""
    declared = tuple(permissions)
    if twice := sorted(code for code, times in Counter(map(str, declared)).items() if times > 1):
        raise DeclaredTwice(f"declared twice: {', '.join(twice)}; give one of them another code")
    grants: defaultdict[str, set[Permission]] = defaultdict(set)
    for permission in declared:
        for role in permission.roles:
            grants[str(role)].add(permission)
    return MappingProxyType({role: frozenset(granted) for role, granted in grants.items()})


@dataclass(frozen=True, slots=True)
class Published:
    """A permission as tenants see it."""

    code: str
    meaning: str
    app: str
    for_people: bool
    """It cannot be granted to an API key."""
    in_every_role: bool
    """Every built-in role has it, so every custom role has it too, listed or not."""


def published(app: str, permissions: Iterable[Permission]) -> Iterable[Published]:
    """Yield the ``permissions`` of an app that custom roles can have, by code.

    Raises Undescribed for one without a meaning.
    """
    for one in sorted(permissions):
        if not one.assignable:
            continue
        if not one.meaning:
            raise Undescribed(f"{one} does not say what it allows")
        yield Published(str(one), one.meaning, app, one.granted_to is GrantedTo.PEOPLE, one.roles >= EVERYBODY)
