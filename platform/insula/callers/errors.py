from insula.core.errors import AppError


class TenantRefused(AppError):
    """The request names no tenant, or not one tenant only, that you are a member of."""

    code, status = "tenant_refused", 403


class StaffOnly(AppError):
    """This resource is for staff, who act in no tenant."""

    code, status = "staff_only", 403
