"""The logins of the database. Each app has its own, so an app's dependency scope is real."""

import hashlib
import hmac
import re
from typing import Final, Self

from insula.core.settings import Settings
from insula.db.engine.address import address_of

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class RolesSecretMissing(ValueError):
    """No role can log in: the secret that their passwords are derived from is not set."""


class DatabaseRole(str):
    """A login, by its name. It has only the rights that are declared for it.

    ``weight`` is its share of a process's connections, in proportion to the other roles' weights.
    """

    __slots__ = ("weight",)
    weight: int

    def __new__(cls, name: str, *, weight: int = 3) -> Self:
        """Check the name: it stands unquoted in SQL."""
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a database role: use lower-case letters, digits and underscores, "
                "a letter first, 63 at most"
            )
        if weight < 1:
            raise ValueError(f"the weight of {name} is {weight}: give it 1 or more")
        role = super().__new__(cls, name)
        role.weight = weight
        return role


class AppRole(DatabaseRole):
    """The login of an app, which the app declares."""

    __slots__ = ()


class OtherAppRole(DatabaseRole):
    """The login that another app declares, as the owner of a table names it.

    What it may do is left out where that app is not in the installation.
    """

    __slots__ = ()


OWNER: Final = DatabaseRole("insula_owner")
"""Owns the schema, and only migrates."""
IDENTITY: Final = DatabaseRole("insula_identity")
"""Signing in: the only role that reads credentials."""
WORKER: Final = DatabaseRole("insula_worker", weight=8)
"""Runs jobs."""
GATE: Final = DatabaseRole("insula_gate", weight=2)
"""Resolves host, key, session and membership before a tenant is known; reads only."""
BACKUP: Final = DatabaseRole("insula_backup")
"""Reads everything, past row-level security; never in an app."""


def role_password(settings: Settings, role: DatabaseRole) -> str:
    """Derive the role's password from the deployment's secret; a new secret rotates them all."""
    secret = settings.database.roles_secret.get_secret_value().encode()
    if not secret:
        raise RolesSecretMissing("INSULA_DATABASE_ROLES_SECRET is not set")
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


def role_url(settings: Settings, role: DatabaseRole, *, direct: bool = False) -> str:
    """Return the address of the database with this role's login; ``direct`` goes past a pooler."""
    return address_of(settings, direct=direct).login(role, role_password(settings, role)).url
