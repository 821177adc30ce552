from pydantic import Field

from insula.core.settings import SettingsGroup


class TenantsSettings(SettingsGroup):
    """How many tenants one person may make; staff may make more for them."""

    owned_by_one: int = Field(20, ge=0, description="Tenants that one person owns, past which they make no more.")
    created_per_day: int = Field(10, ge=0, description="Tenants that one person makes within 24 hours.")
