from typing import Final, Self

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from billing.bodies import Read
from insula.db.models import Entitlement

GRANT: Final[JsonDict] = {"key": "requests_per_minute", "value": 6000}


class EntitlementRead(Read):
    """One thing that a plan grants, and how much of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [GRANT]})

    key: str = Field(description="What is granted.")
    value: int = Field(description="How much of it.")

    @classmethod
    def of(cls, row: Entitlement) -> Self:
        """Shape a tenant's entitlement."""
        return cls(key=row.key, value=row.value)
