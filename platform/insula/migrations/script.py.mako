"""${message}."""

from typing import Final

% if "op." in upgrades:
import sqlalchemy as sa
from alembic import op
% endif
${imports if imports else ""}
revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}
% if branch_labels:
branch_labels: Final = ${repr(branch_labels)}
% endif


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
