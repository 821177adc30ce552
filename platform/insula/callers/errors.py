from insula.core.errors import AppError, Retry


class TenantRefused(AppError):
    """The request must name exactly one tenant, and you must be a member of it."""

    code, status = "tenant_refused", 403
    meaning = (
        "The sign-in names a tenant that does not exist or in which you are not a member, or it names different "
        "tenants in the body, the host name and X-Tenant."
    )
    cure = "Let the user choose one of their tenants, and name its slug in the field tenant."
    retry = Retry.NO


class StaffOnly(AppError):
    """Only staff can get a token for this app, and only without a tenant."""

    code, status = "staff_only", 403
    meaning = "This app is for the staff of the platform. You are not on the staff, or the sign-in names a tenant."
    cure = "If you are not on the staff, sign in to another app. If you are, leave out the field tenant."
    retry = Retry.NO
