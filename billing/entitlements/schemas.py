from typing import Final, Self

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from billing.bodies import Read
from insula.db.models import Entitlement

GRANT: Final[JsonDict] = {"key": "requests_per_minute", "value": 6000}


class EntitlementRead(Read):
    """An entitlement and its amount."""

    model_config = ConfigDict(json_schema_extra={"examples": [GRANT]})

    key: str = Field(description="The entitlement's key.")
    value: int = Field(description="The amount that is granted.")

    @classmethod
    def of(cls, row: Entitlement) -> Self:
        """Shape a tenant's entitlement."""
        return cls(key=row.key, value=row.value)
