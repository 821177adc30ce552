from pydantic import Field

from insula.core.settings_group import SettingsGroup


class TenantsSettings(SettingsGroup):
    """Limits on the tenants that one person creates. Staff can create more for them."""

    owned_by_one: int = Field(20, ge=0, description="The most tenants that one person can own by creating them.")
    created_per_day: int = Field(10, ge=0, description="The most tenants that one person can create in 24 hours.")
