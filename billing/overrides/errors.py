from insula.core.errors import AppError, Retry


class EntitlementUnknown(AppError):
    """There is no entitlement with this key."""

    code, status = "entitlement_unknown", 404
    meaning = "No part of this installation declares an entitlement with this key."
    cure = "Use a key from the list of entitlements."
    retry = Retry.NO


class OverrideMissing(AppError):
    """This tenant has no override of this entitlement."""

    code, status = "override_missing", 404
    meaning = "The tenant has the plan's own value of this entitlement, so there is nothing to remove."
    cure = "Reload the tenant's entitlements."
    retry = Retry.NO
