"""Base classes of schemas: inputs refuse unknown fields, outputs are made from rows."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Version = Annotated[int, Field(ge=1, description="Increased by each change. `ETag` contains it, for `If-Match`.")]
"""The version of a row, for its ``Read``."""


class Input(BaseModel):
    """A request's body. The tenant is never among its fields: it comes from the scope."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Update(Input):
    """A partial change, like a JSON Merge Patch (RFC 7396): an omitted field stays; null is a value where allowed."""

    def changes(self) -> dict[str, Any]:
        """Return the fields that the caller sent."""
        return self.model_dump(exclude_unset=True)


class Read(BaseModel):
    """A row as the caller sees it."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, row: object) -> Self:
        """Return the schema of ``row``, to be sent."""
        return cls.model_validate(row)
