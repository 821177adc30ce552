"""Base classes of the schemas."""

from pydantic import BaseModel, ConfigDict


class Read(BaseModel):
    """The schema of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
