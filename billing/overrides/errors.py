from insula.core.errors import AppError


class EntitlementUnknown(AppError):
    """There is no entitlement with this key."""

    code, status = "entitlement_unknown", 404


class OverrideMissing(AppError):
    """This tenant has no override of this entitlement."""

    code, status = "override_missing", 404
