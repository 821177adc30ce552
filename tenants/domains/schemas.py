"""A tenant's own host names on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from insula.core.paging import CreatedRange, CursorParams
from insula.core.schemas import Input, Read
from insula.db.models import TenantDomain
from insula.tenancy import CHALLENGE, LONGEST_HOST, public_host

Host = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_HOST, description="A public host name; Unicode is converted by IDNA.",
          examples=["shop.example.com"]),
    AfterValidator(public_host),
]  # fmt: skip
DomainStatus = Literal["pending", "verified"]


class DomainCreate(Input):
    """A host name to claim. It is not served until its DNS proves the claim."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"host": "shop.example.com"}]})

    host: Host


class ProofRecord(Read):
    """The DNS record that proves the claim, and keeps proving it: leave it in place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "TXT",
                    "name": "_insula-challenge.shop.example.com",
                    "value": "5f0c8e0f6c3b4d0c9a7e21d4b8f6a3c1",
                }
            ]
        }
    )

    type: Literal["TXT"] = "TXT"
    name: str
    value: str


class DomainRead(Read):
    """One of the tenant's own host names."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-9f00-7f00-8f00-607182930415",
                    "host": "shop.example.com",
                    "status": "pending",
                    "proof": {
                        "type": "TXT",
                        "name": "_insula-challenge.shop.example.com",
                        "value": "5f0c8e0f6c3b4d0c9a7e21d4b8f6a3c1",
                    },
                    "verified_at": None,
                    "checked_at": None,
                    "failing_since": None,
                    "created_at": "2026-11-23T09:00:00Z",
                }
            ]
        }
    )

    id: UUID
    host: str
    status: DomainStatus = Field(description="Only a verified host serves the tenant.")
    proof: ProofRecord
    verified_at: datetime | None
    checked_at: datetime | None = Field(description="When the proof was last looked up.")
    failing_since: datetime | None = Field(description="Since when a verified host's proof is missing.")
    created_at: datetime

    @classmethod
    def from_row(cls, domain: TenantDomain) -> Self:
        """Return the domain as its tenant sees it, with what to publish."""
        return cls(
            id=domain.id,
            host=domain.host,
            status="pending" if domain.verified_at is None else "verified",
            proof=ProofRecord(name=f"{CHALLENGE}.{domain.host}", value=domain.token),
            verified_at=domain.verified_at,
            checked_at=domain.checked_at,
            failing_since=domain.failing_since,
            created_at=domain.created_at,
        )


class DomainList(CursorParams, CreatedRange):
    """Query parameters of the list of domains."""

    status: DomainStatus | None = Field(None, description="Only domains in this state.")
    sort_by: Literal["created_at", "-created_at", "host", "-host"] = Field(
        "host", description="The field to sort by; a leading '-' sorts in descending order."
    )
