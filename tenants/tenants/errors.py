from insula.core.errors import AppError, Retry


class SlugTaken(AppError):
    """Another tenant has this slug, or had it."""

    code, status = "slug_taken", 409
    meaning = (
        "A slug is unique among all tenants. Former slugs stay reserved, so that old links never lead to another "
        "tenant."
    )
    cure = "Ask the user for another slug."
    retry = Retry.NO


class SlugsUsedUp(AppError):
    """This tenant has used as many different slugs as it can."""

    code, status = "slugs_used_up", 409
    meaning = "Each slug that a tenant has used stays reserved for it, so their number is limited."
    cure = "Use one of the tenant's former slugs."
    retry = Retry.NO


class TenantsUsedUp(AppError):
    """You own as many tenants as one person can own."""

    code, status = "tenants_used_up", 409
    meaning = "The number of tenants that one person can own is limited. The detail gives the limit."
    cure = "Transfer the ownership of a tenant that you no longer need, or ask the support."
    retry = Retry.NO


class TooManyTenants(AppError):
    """You created as many tenants as one person can create in a day."""

    code, status = "too_many_tenants", 429
    meaning = "The number of tenants that one person can create in 24 hours is limited."
    cure = "Wait for the seconds in Retry-After."
    retry = Retry.WAIT
