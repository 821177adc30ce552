"""``Demo``: the argument of the resources' functions that create demo rows for ``insula seed``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.core.ids import new_id
from insula.core.text.collation import sort_key
from insula.db.schema.entering import enter_tenant

_USER: Final = text("""
    INSERT INTO "user" (id, email, name, name_key, status, email_verified_at, created_at, updated_at, version)
    VALUES (:id, :email, :name, :name_key, 'active', :now, :now, :now, 1) ON CONFLICT (email) DO NOTHING RETURNING id
""")
_CREDENTIAL: Final = text(
    "INSERT INTO credential (user_id, password_hash, updated_at) VALUES (:user_id, :password_hash, :now)"
)
_MEMBER: Final = text("""
    INSERT INTO membership (tenant_id, id, user_id, role, email, name, name_key, created_at, updated_at, version)
    SELECT :tenant_id, :id, id, :role, email, name, name_key, :now, :now, 1 FROM "user" WHERE email = :email
""")


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A demo tenant."""

    id: UUID
    slug: str
    plan: str


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of ``insula seed``. ``tenants`` are those created in this run; existing ones stay unchanged.

    ``assignable`` are the actions that custom roles can have.
    """

    tenants: Sequence[DemoTenant]
    assignable: frozenset[str]
    password_hash: str
    now: datetime

    def add_user(self, connection: Connection, email: str) -> None:
        """Create a verified user with the demo password, unless the address has an account."""
        name = email.partition(".")[0].replace("@", " of ").title().replace(" Of ", " of ")
        user = {"id": new_id(), "email": email, "name": name, "name_key": sort_key(name), "now": self.now}
        made = connection.execute(_USER, user).scalar_one_or_none()
        if made is not None:
            credential = {"user_id": made, "password_hash": self.password_hash, "now": self.now}
            connection.execute(_CREDENTIAL, credential)

    def add_member(self, connection: Connection, tenant: DemoTenant, email: str, role: str) -> None:
        """Make a user a member of a new tenant."""
        self.add_user(connection, email)
        enter_tenant(connection, tenant.id)
        member = {"tenant_id": tenant.id, "id": new_id(), "role": role, "email": email, "now": self.now}
        connection.execute(_MEMBER, member)


Seed = Callable[[Connection, Demo], None]
"""Creates a resource's demo rows. It runs at each ``insula seed``, as the owner, and leaves existing rows unchanged."""
