"""The fields of the provider's events that we read. All others are ignored."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

_LONGEST_ID: Final = 255
_LATEST_SECOND: Final = 253_402_300_799  # the end of the year 9999, the last one that datetime supports
SUBSCRIPTION_CREATED: Final = "customer.subscription.created"
SUBSCRIPTION_UPDATED: Final = "customer.subscription.updated"
SUBSCRIPTION_DELETED: Final = "customer.subscription.deleted"
SUBSCRIPTION_EVENTS: Final = (SUBSCRIPTION_CREATED, SUBSCRIPTION_UPDATED, SUBSCRIPTION_DELETED)


def _id_of(value: object) -> object:
    """Return the id of a reference. The provider sends an id or the whole object."""
    return value.get("id") if isinstance(value, dict) else value


def _dict_of(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


ProviderId = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)]
Reference = Annotated[ProviderId, BeforeValidator(_id_of)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=_LATEST_SECOND)]


class _FromProvider(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ProviderEvent(_FromProvider):
    """The envelope of every event."""

    object: Literal["event"]
    id: ProviderId
    type: Annotated[str, Field(min_length=1, max_length=255)]
    created: Seconds
    livemode: Annotated[bool, Field(strict=True)]
    data: dict[str, JsonValue]

    @property
    def created_at(self) -> datetime:
        """When the provider made the event, in whole seconds."""
        return datetime.fromtimestamp(self.created, UTC)

    @property
    def subject(self) -> dict[str, JsonValue]:
        """The object of the event, in its state after the event."""
        return _dict_of(self.data.get("object"))

    @property
    def replaced(self) -> dict[str, JsonValue]:
        """The values that the event replaced in its object; empty if the provider sends none."""
        return _dict_of(self.data.get("previous_attributes"))

    @property
    def customer(self) -> str | None:
        """The provider's customer of the event, if it names one."""
        named = _id_of(self.subject.get("customer"))
        return named if isinstance(named, str) and 0 < len(named) <= _LONGEST_ID else None


class ProviderPrice(_FromProvider):
    """A price of the provider."""

    id: ProviderId
    lookup_key: str | None = None


class ProviderItem(_FromProvider):
    """An item of a subscription. Newer API versions send the period here, older ones on the subscription."""

    price: ProviderPrice
    quantity: Annotated[int, Field(ge=0)] | None = None
    current_period_end: Seconds | None = None


class ProviderSubscription(_FromProvider):
    """A subscription as the event describes it."""

    id: ProviderId
    customer: Reference
    status: Annotated[str, Field(min_length=1, max_length=255)]
    created: Seconds | None = None
    items: Annotated[list[ProviderItem], Field(min_length=1, validation_alias=AliasPath("items", "data"))]
    current_period_end: Seconds | None = None

    @property
    def created_at(self) -> datetime | None:
        """When the subscription was created, if the event contains it."""
        return None if self.created is None else datetime.fromtimestamp(self.created, UTC)

    def period_end(self, item: ProviderItem) -> datetime | None:
        """When the paid period of ``item`` ends, wherever this API version sends it."""
        seconds = item.current_period_end or self.current_period_end
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
