"""What a tenant can be granted: amounts, quotas and features, each declared once, beside the code that reads it."""

from insula.access.entitlements.declarations import (
    Amount,
    CountedQuota,
    Feature,
    Quota,
    SmallQuota,
    feature,
    quota,
    small_quota,
)
from insula.access.entitlements.register import Register

__all__ = [
    "Amount",
    "CountedQuota",
    "Feature",
    "Quota",
    "Register",
    "SmallQuota",
    "feature",
    "quota",
    "small_quota",
]
