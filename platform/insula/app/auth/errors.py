from insula.errors import AppError


class ResourceUnknown(AppError):
    """No app of this installation is the resource that you name."""

    code, status = "invalid_target", 400


class TenantRefused(AppError):
    """The request names no tenant, or not one tenant only, that you are a member of."""

    code, status = "tenant_refused", 403


class StaffOnly(AppError):
    """This resource is for staff, who act in no tenant."""

    code, status = "staff_only", 403


class TooManyAttempts(AppError):
    """Too many attempts; wait before the next."""

    code, status = "too_many_attempts", 429
