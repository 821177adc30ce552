from insula.core.errors import AppError, Retry


class TenantRefused(AppError):
    """The request must name exactly one tenant, and you must be a member of it."""

    code, status = "tenant_refused", 403
    meaning = (
        "A token for this app needs a tenant. The sign-in named none, several different ones, or one in which you are "
        "not a member."
    )
    cure = "Let the user choose one of their tenants, and name its slug in tenant."
    retry = Retry.NO


class StaffOnly(AppError):
    """Only staff can get a token for this app, and only without a tenant."""

    code, status = "staff_only", 403
    meaning = (
        "This app is for the staff of the platform. You are no member of the staff, or the sign-in named a tenant."
    )
    cure = "Sign in to the app for tenants. Staff leave out tenant."
    retry = Retry.NO
