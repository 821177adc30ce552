"""The base of every group of settings."""

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """Settings that belong together. Each has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def unsafe(self) -> list[str]:
        """Return the reasons, one line each, why these settings must not serve in production."""
        return []
