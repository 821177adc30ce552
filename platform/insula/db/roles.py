"""The logins of the database. Each app has its own, so an app's dependency scope is real."""

import hashlib
import hmac
from enum import StrEnum
from typing import Final

from insula.db.address import address_of
from insula.settings import Settings


class RolesSecretMissing(ValueError):
    """No role can log in: the secret that their passwords are derived from is not set."""


class DatabaseRole(StrEnum):
    """A login, with only the rights that ``insula.db.rights`` declares for it."""

    OWNER = "insula_owner"
    TENANTS = "insula_tenants"
    BILLING = "insula_billing"
    ADMIN = "insula_admin"
    IDENTITY = "insula_identity"
    WORKER = "insula_worker"
    GATE = "insula_gate"
    BACKUP = "insula_backup"


APP_ROLES: Final = (
    DatabaseRole.TENANTS,
    DatabaseRole.BILLING,
    DatabaseRole.ADMIN,
    DatabaseRole.IDENTITY,
    DatabaseRole.GATE,
)
"""What a web process logs in as."""


def role_password(settings: Settings, role: DatabaseRole) -> str:
    """Derive the role's password from the deployment's secret; a new secret rotates them all."""
    secret = settings.database.roles_secret.get_secret_value().encode()
    if not secret:
        raise RolesSecretMissing("INSULA_DATABASE_ROLES_SECRET is not set")
    return hmac.new(secret, role.value.encode(), hashlib.sha256).hexdigest()


def role_url(settings: Settings, role: DatabaseRole, *, direct: bool = False) -> str:
    """Return the address of the database with this role's login; ``direct`` goes past a pooler."""
    return address_of(settings, direct=direct).login(role.value, role_password(settings, role)).url
