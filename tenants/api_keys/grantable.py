"""What API keys can be given to do."""

from typing import Final

from tenants.permissions import PUBLISHED, Permissions

KEY_ACTIONS: Final[Permissions] = frozenset(code for code, known in PUBLISHED.items() if not known.for_people)
"""Every action of a tenant's roles, in this app and in billing, that is not for people alone."""


def grantable_by(permissions: Permissions) -> Permissions:
    """Return the actions that a member with these ``permissions`` may give to a key: none that they lack."""
    return KEY_ACTIONS & permissions
