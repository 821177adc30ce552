"""The database's login roles. Each app has its own, so the database enforces what an app may reach."""

import hashlib
import hmac
import re
from typing import Final, Self

from insula.core.settings import Settings
from insula.db.engine.address import address_of

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class RolesSecretMissing(ValueError):
    """No role can log in, because the secret from which their passwords are derived is not set."""


class DatabaseRole(str):
    """The name of a login role, which has only its declared rights.

    ``weight`` is its share of a process's connections, relative to the other roles' weights.
    """

    __slots__ = ("weight",)
    weight: int

    def __new__(cls, name: str, *, weight: int = 3) -> Self:
        """Check the name, because it is used unquoted in SQL."""
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a valid database role: use lower-case letters, digits and underscores, "
                "a letter first, 63 at most"
            )
        if weight < 1:
            raise ValueError(f"the weight of {name} is {weight}: give it 1 or more")
        role = super().__new__(cls, name)
        role.weight = weight
        return role


class AppRole(DatabaseRole):
    """The login role of an app, declared by that app."""

    __slots__ = ()


class OtherAppRole(DatabaseRole):
    """Another app's login role, as a table's owner names it to give it rights.

    Its rights are left out if that app is not in the installation.
    """

    __slots__ = ()


OWNER: Final = DatabaseRole("insula_owner")
"""Owns the schema; used by migrations and by operators' commands."""
IDENTITY: Final = DatabaseRole("insula_identity")
"""Used for sign-in: the only role of a serving process that reads credentials."""
WORKER: Final = DatabaseRole("insula_worker", weight=8)
"""Runs jobs."""
GATE: Final = DatabaseRole("insula_gate", weight=2)
"""Resolves host, key, session and membership before a tenant is known; reads only."""
BACKUP: Final = DatabaseRole("insula_backup")
"""Reads everything and bypasses row-level security; no app uses it."""


def role_password(settings: Settings, role: DatabaseRole) -> str:
    """Derive the role's password from the deployment's secret; a new secret changes all passwords."""
    secret = settings.database.roles_secret.get_secret_value().encode()
    if not secret:
        raise RolesSecretMissing("INSULA_DATABASE_ROLES_SECRET is not set")
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


def role_url(settings: Settings, role: DatabaseRole, *, direct: bool = False) -> str:
    """Return the database URL with this role's login; ``direct`` bypasses a pooler."""
    return address_of(settings, direct=direct).login(role, role_password(settings, role)).url
