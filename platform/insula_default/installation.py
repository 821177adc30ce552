from pathlib import Path
from typing import Final

import admin.app
import billing.app
import tenants.app
from insula.apps import Brand, Installation

INSTALLATION: Final = Installation(
    brand=Brand(
        name="Insula",
        claim="Many tenants under one roof, each on an island.",
        description="A multi-tenant SaaS backend: three apps on one PostgreSQL, each tenant behind row-level security.",
    ),
    apps=(tenants.app.APP, admin.app.APP, billing.app.APP),
    former_migrations=Path(__file__).parent / "migrations" / "former",
)
