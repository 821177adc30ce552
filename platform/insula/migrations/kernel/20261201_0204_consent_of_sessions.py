"""A session that a client got by a user's consent is deleted with it."""

from typing import Final

from alembic import op

from insula.db.migrate import online

revision: Final = "kernel_0012_consent_of_sessions"
down_revision: Final = "kernel_0011_sessions_by_client"

NAME: Final = "fk_auth_session_bound_tenant_id_consent_id"


def upgrade() -> None:
    online.add_constraint(
        NAME,
        "auth_session",
        "FOREIGN KEY (bound_tenant_id, consent_id) REFERENCES oauth_consent (tenant_id, id) ON DELETE CASCADE",
    )


def downgrade() -> None:
    op.drop_constraint(NAME, "auth_session")
