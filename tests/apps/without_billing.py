"""The product without billing: neither this module nor the served apps import billing."""

from dataclasses import replace
from typing import Final

import admin.app
import tenants.app
from insula.apps import Brand, Installation
from tests.probe.joined import probed

_PRODUCT: Final = Installation(
    brand=Brand(name="Acme", claim="Work, sorted.", description="What teams at Acme's customers use every day."),
    apps=(tenants.app.APP, admin.app.APP),
)
INSTALLATION: Final = replace(probed(_PRODUCT), granted={"requests_per_minute": 600, "seats": 5, "racks": 1})
