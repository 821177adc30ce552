from insula.core.errors import AppError, Forbidden, Retry


class ActionNotYours(Forbidden):
    """An API key can only have actions that your own role has."""

    code = "action_not_yours"
    meaning = "Nobody can give an API key more permissions than they have. The detail lists those that your role lacks."
    cure = "Leave these actions out, or let a member with more permissions make the key."
    retry = Retry.NO


class ApiKeyDead(AppError):
    """This API key was revoked or has expired."""

    code, status = "api_key_dead", 409
    meaning = "The key was revoked or has expired, so it cannot be changed or rotated any more."
    cure = "Create a new key."
    retry = Retry.NO


class RateAboveTenants(AppError):
    """An API key cannot have a higher rate limit than its tenant."""

    code, status = "rate_above_tenants", 422
    meaning = "The rate of an API key is a part of its tenant's rate. The detail gives the tenant's."
    cure = "Choose a lower rate."
    retry = Retry.NO
