from pathlib import Path
from typing import Final

import admin.app
import billing.app
import tenants.app
from insula.apps import Brand, Installation

ADMIN: Final = admin.app.APP.joined(billing.app.OVERRIDES, after="tenants").joined(
    billing.app.WEBHOOK_EVENTS, after="jobs"
)

INSTALLATION: Final = Installation(
    brand=Brand(
        name="Insula",
        claim="Many tenants under one roof, each on an island.",
        description="A multi-tenant SaaS backend: three apps on one PostgreSQL, each tenant behind row-level security.",
        license="Apache-2.0",
    ),
    apps=(
        tenants.app.APP,
        ADMIN,
        billing.app.APP,
    ),
    former_migrations=Path(__file__).parent / "migrations" / "former",
)
