"""A tenant's usage on the wire."""

from pydantic import ConfigDict, Field

from insula.core.schemas import Read
from insula.http.responses.vocabulary import Vocabulary, word_of


class QuotaRead(Read):
    """How much of one quota is used."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quota": "seats", "used": 3, "limit": 5}]})

    quota: str = Field(
        description="Pending invitations count as `seats`.", json_schema_extra=word_of(Vocabulary.QUOTAS)
    )
    used: int = Field(ge=0)
    limit: int = Field(ge=0, description="What the plan grants. A downgrade can leave it below `used`.")


class UsageRead(Read):
    """How much of its plan the tenant uses."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quotas": [
                        {"quota": "projects", "used": 2, "limit": 3},
                        {"quota": "items", "used": 41, "limit": 1000},
                        {"quota": "seats", "used": 3, "limit": 5},
                        {"quota": "api_keys", "used": 1, "limit": 100},
                        {"quota": "domains", "used": 0, "limit": 5},
                    ]
                }
            ]
        }
    )

    quotas: list[QuotaRead]
