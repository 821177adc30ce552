from insula.core.errors import AppError


class TenantRefused(AppError):
    """The request must name exactly one tenant, and you must be a member of it."""

    code, status = "tenant_refused", 403


class StaffOnly(AppError):
    """Only staff can get a token for this app, and only without a tenant."""

    code, status = "staff_only", 403
