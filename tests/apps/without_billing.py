"""The product without billing: nothing here, nor in what it serves, imports that app."""

from typing import Final

import admin.app
import tenants.app
from insula.apps import Brand, Installation

INSTALLATION: Final = Installation(
    brand=Brand(name="Acme", claim="Work, sorted.", description="What teams at Acme's customers use every day."),
    apps=(tenants.app.APP, admin.app.APP),
)
