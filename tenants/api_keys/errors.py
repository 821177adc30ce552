from insula.core.errors import AppError, Forbidden


class ActionNotYours(Forbidden):
    """An API key can only have actions that your own role has."""

    code = "action_not_yours"


class ApiKeyDead(AppError):
    """This API key was revoked or has expired."""

    code, status = "api_key_dead", 409


class RateAboveTenants(AppError):
    """An API key cannot have a higher rate limit than its tenant."""

    code, status = "rate_above_tenants", 422
