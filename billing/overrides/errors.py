from insula.core.errors import AppError


class EntitlementUnknown(AppError):
    """No plan names an entitlement of this key."""

    code, status = "entitlement_unknown", 404


class OverrideMissing(AppError):
    """No override of this entitlement stands for this tenant."""

    code, status = "override_missing", 404
