"""Alembic's entry: the house's tables, and a connection as the owner."""

import importlib
import importlib.util

from alembic import context
from sqlalchemy.engine import Connection

from insula.db.base import metadata
from insula.db.migrate import as_owner
from insula.settings import Settings

for name in ("insula.db.models", "tenants.models", "billing.models"):
    if importlib.util.find_spec(name) is not None:
        importlib.import_module(name)


def run(connection: Connection) -> None:
    """Run the command that Alembic was called with, one transaction for each migration."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("The migrations read the catalogue: run them against a database.")
given = context.config.attributes.get("connection")
if given is None:
    as_owner(Settings(), run)
else:
    run(given)
