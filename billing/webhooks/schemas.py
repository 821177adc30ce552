from typing import Literal

from pydantic import ConfigDict, Field

from billing.bodies import Read


class WebhookReceipt(Read):
    """The event is stored; the provider need not send it again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"received": True}]})

    received: Literal[True] = Field(default=True, description="Always true.")
