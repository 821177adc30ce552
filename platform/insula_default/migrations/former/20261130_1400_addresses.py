"""Addresses under one spelling: the domain by IDNA 2008, the rest in NFC.

An address that is somebody else's under its new spelling stays as it is, and the audit log says so:
whose it is cannot be told from here. Addresses with ``ß`` were stored with ``ss``. They cannot be recognised;
such users keep signing in with the stored address.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import structlog
from alembic import op
from sqlalchemy import text

from insula.db.schema.ddl import commit_step, record_migration, tenants_in_turn
from insula.identity.accounts.addresses import fold

revision: Final = "1400_addresses"
down_revision: Final = "1300_events_of_a_customer"

_PLATFORM: Final = UUID(int=0)
_UNUSUAL: Final = "octet_length(email) <> char_length(email)"
_USERS: Final = f'SELECT id, email FROM "user" WHERE {_UNUSUAL} ORDER BY created_at, id'  # noqa: S608  # own words
_HOLDER: Final = 'SELECT id FROM "user" WHERE email = :email'
_RENAME: Final = 'UPDATE "user" SET email = :email, updated_at = now(), version = version + 1 WHERE id = :id'
_MEMBERS: Final = """
    UPDATE membership m SET email = u.email, updated_at = now(), version = m.version + 1
    FROM "user" u WHERE u.id = m.user_id AND u.email <> m.email
"""
_INVITED: Final = f"SELECT id, email FROM invitation WHERE {_UNUSUAL} ORDER BY created_at, id"  # noqa: S608  # likewise
_SAME_OPEN: Final = """
    SELECT other.id FROM invitation mine JOIN invitation other ON other.email = :email
    WHERE mine.id = :id AND mine.accepted_at IS NULL AND mine.revoked_at IS NULL
        AND other.accepted_at IS NULL AND other.revoked_at IS NULL
"""
_READDRESS: Final = "UPDATE invitation SET email = :email, updated_at = now(), version = version + 1 WHERE id = :id"

_log: Final = structlog.get_logger(__name__)


def upgrade() -> None:
    bind = op.get_bind()
    for user_id, old, new in _respelled(_USERS):
        holder = bind.execute(text(_HOLDER), {"email": new}).scalar_one_or_none()
        if holder is not None:
            _report(_PLATFORM, "user", user_id, old, new, holder)
            continue
        bind.execute(text(_RENAME), {"id": user_id, "email": new})
        record_migration(
            _PLATFORM,
            "user.email_respelled",
            object_type="user",
            object_id=user_id,
            before={"email": old},
            after={"email": new},
        )
    commit_step()  # each step holds the rows and the audit chain that it writes until it is committed
    for tenant_id in tenants_in_turn():
        bind.execute(text(_MEMBERS))
        for invitation_id, old, new in _respelled(_INVITED):
            same = bind.execute(text(_SAME_OPEN), {"id": invitation_id, "email": new}).scalar_one_or_none()
            if same is not None:
                _report(tenant_id, "invitation", invitation_id, old, new, same)
            else:
                bind.execute(text(_READDRESS), {"id": invitation_id, "email": new})
        commit_step()


def downgrade() -> None:
    """Leave the addresses: the code before reads these spellings too."""


def _respelled(statement: str) -> Iterator[tuple[UUID, str, str]]:
    for row in op.get_bind().execute(text(statement)).all():
        if (new := fold(row.email)) != row.email:
            yield row.id, row.email, new


def _report(chain: UUID, kind: str, row_id: UUID, old: str, new: str, other: UUID) -> None:
    record_migration(
        chain,
        f"{kind}.email_conflict",
        object_type=kind,
        object_id=row_id,
        before={"email": old},
        after={"email": old, "wanted": new, "held_by": str(other)},
    )
    _log.warning("email conflict", kind=kind, id=str(row_id), held_by=str(other))
