"""Entitlements of a tenant: amounts, quotas and features. Each is declared once, next to the code that reads it."""

from insula.access.entitlements.declarations import (
    Amount,
    CountedQuota,
    EntitlementRegistry,
    Feature,
    Quota,
    SmallQuota,
    feature,
    quota,
    small_quota,
)

__all__ = [
    "Amount",
    "CountedQuota",
    "EntitlementRegistry",
    "Feature",
    "Quota",
    "SmallQuota",
    "feature",
    "quota",
    "small_quota",
]
