"""Base classes of the schemas."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field

from insula.identity import fold

Status = Literal["active", "suspended"]
Email = Annotated[EmailStr, AfterValidator(fold), Field(max_length=254, description="Case is ignored.")]

TENANT_ID: Final = "019ab2c4-0a00-7000-8000-5162738495a6"
USER_ID: Final = "019ab2c4-0b00-7b00-8b00-405162738495"
STAFF_ID: Final = "019ab2c4-0c00-7c00-8c00-5162738495a6"


class Read(BaseModel):
    """A row as staff see it."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
