"""What tenants can make roles of, here and in billing, and what each role may."""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

import billing.api
from insula.policy import Published, Role, merged, published
from tenants.actions import FOR_PEOPLE, GRANTS, OWNERS_ALONE

Permissions = frozenset[str]

PUBLISHED: Final[Mapping[str, Published]] = MappingProxyType(
    {
        permission.code: permission
        for permission in chain(
            published("tenants", GRANTS, owners_alone=OWNERS_ALONE, for_people=FOR_PEOPLE),
            published("billing", billing.api.GRANTS),
        )
    }
)
"""The permissions that a role can be given, by code."""

ASSIGNABLE: Final[Permissions] = frozenset(PUBLISHED)

IN_EVERY_ROLE: Final[Permissions] = frozenset(code for code, known in PUBLISHED.items() if known.in_every_role)

BUILT_IN: Final[Mapping[str, Permissions]] = MappingProxyType(
    {role: granted for role, granted in merged((GRANTS, billing.api.GRANTS)).items() if role in set(Role)}
)
"""What the built-in roles may, by their names."""


def own(permissions: Iterable[str]) -> Permissions:
    """Return what a role of the tenant's own with these stored ``permissions`` may: none that is not published."""
    return ASSIGNABLE.intersection(permissions)
