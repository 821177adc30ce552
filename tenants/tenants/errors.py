from insula.core.errors import AppError


class SlugTaken(AppError):
    """Another tenant has this slug, or had it."""

    code, status = "slug_taken", 409


class SlugsUsedUp(AppError):
    """This tenant has used as many different slugs as it can."""

    code, status = "slugs_used_up", 409


class TenantsUsedUp(AppError):
    """You own as many tenants as one person can own."""

    code, status = "tenants_used_up", 409


class TooManyTenants(AppError):
    """You created as many tenants as one person can create in a day."""

    code, status = "too_many_tenants", 429
