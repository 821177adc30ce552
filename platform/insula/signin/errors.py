from insula.core.errors import AppError


class ResourceUnknown(AppError):
    """The resource is not the URI of an app of this installation."""

    code, status = "invalid_target", 400


class TooManyAttempts(AppError):
    """Too many attempts; wait before the next one."""

    code, status = "too_many_attempts", 429
