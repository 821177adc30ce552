from insula.core.errors import AppError, Retry


class ResourceUnknown(AppError):
    """The resource is not the URI of an app of this installation."""

    code, status = "invalid_target", 400
    meaning = (
        "The field resource must be exactly the URI of an app: the public URL of this installation and the app's path, "
        "such as https://app.example.com/api."
    )
    cure = (
        "Compare resource with the public URL that the client is configured with: scheme, host, port and path must be "
        "equal."
    )
    retry = Retry.NO


class TooManyAttempts(AppError):
    """Too many attempts; wait before the next one."""

    code, status = "too_many_attempts", 429
    meaning = (
        "Too many attempts came from this address or for this account. The limit protects accounts against guessed "
        "passwords."
    )
    cure = "Tell the user how long to wait: Retry-After has the seconds."
    retry = Retry.WAIT
