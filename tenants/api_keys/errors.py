from insula.core.errors import AppError, Forbidden


class ActionNotYours(Forbidden):
    """An API key can only be given actions that your own role has."""

    code = "action_not_yours"


class ApiKeyDead(AppError):
    """This API key was revoked or has expired."""

    code, status = "api_key_dead", 409


class RateAboveTenants(AppError):
    """An API key may make no more requests a minute than its tenant."""

    code, status = "rate_above_tenants", 422
