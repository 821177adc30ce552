"""The provider's statuses of a subscription."""

from typing import Final

LIVE_STATUSES: Final = frozenset({"trialing", "active", "past_due"})  # past_due: the provider is still collecting
ENDED_STATUSES: Final = frozenset({"incomplete", "incomplete_expired", "canceled", "unpaid", "paused"})
KNOWN_STATUSES: Final = LIVE_STATUSES | ENDED_STATUSES
