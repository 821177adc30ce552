from insula.core.errors import AppError


class ResourceUnknown(AppError):
    """No app of this installation is the resource that you name."""

    code, status = "invalid_target", 400


class TooManyAttempts(AppError):
    """Too many attempts; wait before the next."""

    code, status = "too_many_attempts", 429
