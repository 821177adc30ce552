"""One record for each operation and key, whichever of two releases names it. This step may be repeated.

The release before names a record by the module of its route's function, this one by app and operation:
requests of both may carry the same key while both serve. The index lets the second of them have no effect.
"""

from typing import Final

from sqlalchemy import text

from insula.db.migrate.online import create_index, drop_index

revision: Final = "1630_operations_of_keys"
down_revision: Final = "1620_sorted_by_key"

_NAME: Final = "uq_idempotency_record_operation"
_OPERATION: Final = r"regexp_replace(route, '^([^./]+)\..*\.', '\1/')"


def upgrade() -> None:
    create_index(_NAME, "idempotency_record", ("tenant_id", "principal_id", "key", text(_OPERATION)), unique=True)


def downgrade() -> None:
    drop_index(_NAME, "idempotency_record")
