"""Permissions: what tenants can put together into roles of their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from insula.policy.roles import Role


class Permission(StrEnum):
    """An action, and what it lets people do in words: ``"project:read", "See projects"``.

    Personal actions, which no role grants, need no words.
    """

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        """Make a member that is its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Undescribed(ValueError):
    """A permission does not say what it allows."""


@dataclass(frozen=True, slots=True)
class Published:
    """A permission as tenants see it."""

    code: str
    meaning: str
    app: str
    for_people: bool
    """No API key can be given it."""
    in_every_role: bool
    """Every built-in role has it, and so every other has, named or not."""


def published(
    app: str,
    grants: Mapping[str, Collection[Permission]],
    *,
    owners_alone: Collection[str] = (),
    for_people: Collection[str] = (),
) -> Iterable[Published]:
    """Yield the permissions that an app's ``grants`` make, save those that only owners can have.

    Raises Undescribed for one without words.
    """
    for action in sorted(set().union(*grants.values()) - set(owners_alone)):
        if not action.meaning:
            raise Undescribed(f"{action} does not say what it allows")
        everybodys = all(action in grants.get(role, ()) for role in Role)
        yield Published(str(action), action.meaning, app, action in for_people, everybodys)
