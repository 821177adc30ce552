from typing import Annotated

from pydantic import Field, SecretStr

from insula.core.settings import LocalSecret
from insula.core.settings_group import SettingsGroup


class BillingSettings(SettingsGroup):
    """How webhooks of the payment provider are verified."""

    webhook_secrets: Annotated[SecretStr, LocalSecret("webhook_secret", prefix="whsec_")] = Field(
        SecretStr(""), description="Signing secrets, comma-separated (two during rotation); empty: endpoint off."
    )
    live_mode: bool = Field(default=False, description="Whether live-mode events are expected; others are refused.")
