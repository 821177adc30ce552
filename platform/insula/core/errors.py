"""Errors for callers. Each is answered as an RFC 9457 problem with a stable ``code``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Self


class AppError(Exception):
    """An error with a stable ``code``, an HTTP ``status`` and a ``detail`` safe to show.

    The class docstring's first line is the problem's ``title``. ``commits = True`` commits the
    unit of work before the error is answered (for effects that must survive their own error).
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    commits: ClassVar[bool] = False

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.headers: Mapping[str, str] = headers or {}

    @classmethod
    def title(cls) -> str:
        """Return the short, stable summary of this kind of problem."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


class NotFound(AppError):
    """This does not exist, or you may not see it."""

    code, status = "not_found", 404


class Unauthenticated(AppError):
    """The request carries no valid credentials."""

    code, status = "unauthenticated", 401

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})})


class Forbidden(AppError):
    """Your role does not allow this."""

    code, status = "forbidden", 403


class InsufficientScope(AppError):
    """Your access token is limited to other actions; WWW-Authenticate names the scope that it lacks."""

    code, status = "insufficient_scope", 403

    @classmethod
    def lacking(cls, action: str) -> Self:
        """Return the error for a token that lacks ``action`` (RFC 6750 section 3.1)."""
        return cls(headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{action}"'})


class TenantConflict(AppError):
    """The request names another tenant than the one of its credentials."""

    code, status = "tenant_conflict", 403


class TenantRequired(AppError):
    """This needs a tenant; get a token that is bound to one."""

    code, status = "tenant_required", 403


class TenantSuspended(AppError):
    """This tenant is suspended."""

    code, status = "tenant_suspended", 403


class PlanUnknown(AppError):
    """There is no such plan."""

    code, status = "plan_unknown", 404


class RateLimited(AppError):
    """A rate limit is used up; RateLimit names it."""

    code, status = "rate_limited", 429


class TooManyConcurrent(AppError):
    """The tenant already runs as many of these requests at once as its plan allows."""

    code, status = "too_many_concurrent", 429


class BadRequest(AppError):
    """The request cannot be understood."""

    code, status = "bad_request", 400


class InvalidRequest(AppError):
    """A part of the request does not have the expected form; field_errors says which."""

    code, status = "invalid_request", 422

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail, headers=headers)
        self.fields = fields
        """For each field that a service refuses, a message for people."""


class InvalidValue(AppError):
    """A value in the request cannot be stored."""

    code, status = "invalid_value", 422


class PayloadTooLarge(AppError):
    """The request's body is larger than this route accepts."""

    code, status = "payload_too_large", 413


class PreconditionFailed(AppError):
    """The resource has changed since the version that you named."""

    code, status = "precondition_failed", 412


class IdempotencyKeyReused(AppError):
    """This idempotency key was used with another request."""

    code, status = "idempotency_key_reused", 422


class IdempotencyKeyInFlight(AppError):
    """A request with this idempotency key is still in progress."""

    code, status = "idempotency_key_in_flight", 409


class Unavailable(AppError):
    """The service cannot answer just now; try again soon."""

    code, status = "unavailable", 503

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "1", **(headers or {})})


class ManifestError(ValueError):
    """A declaration of a product contradicts itself or another one. The message says which, and how to fix it."""


class NoInstallation(RuntimeError):
    """No installation could be loaded. The message says how to fix it."""
