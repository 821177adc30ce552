"""Alembic's entry: the house's tables, and a connection as the owner."""

from typing import Final

from alembic import context
from sqlalchemy.engine import Connection

from billing import models as billing_models
from insula.db import models as kernel_models
from insula.db.base import metadata
from insula.db.migrate import as_owner
from insula.settings import Settings
from tenants import models as tenants_models

MODELS: Final = (kernel_models, tenants_models, billing_models)
"""Importing them fills the metadata; a new app's models stand here."""


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
