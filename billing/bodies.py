"""Base classes of the schemas."""

from pydantic import BaseModel, ConfigDict


class Read(BaseModel):
    """What is read, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
