"""Errors for callers. Each is answered as an RFC 9457 problem with a stable ``code``, and explained on a page."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final, Self

_CODE: Final = re.compile(r"[a-z][a-z0-9_]*")
_DECLARED: Final = ("code", "meaning", "cure", "retry")


class Retry(StrEnum):
    """Whether it helps to send the same request again."""

    NO = "no"
    WAIT = "wait"
    TOKEN = "token"  # noqa: S105 - not a secret
    VERSION = "version"

    @property
    def advice(self) -> str:
        """The sentences for people."""
        return _ADVICE[self]


_ADVICE: Final[Mapping[Retry, str]] = {
    Retry.NO: "No. The same request gets the same answer until something else changes.",
    Retry.WAIT: (
        "Yes, after a pause: as many seconds as Retry-After says. Without it wait about one second, and twice as long "
        "after each further failure. A POST needs the Idempotency-Key of the first try."
    ),
    Retry.TOKEN: "Yes, once, with a new access token.",
    Retry.VERSION: "Yes, with the current version: read the resource, apply the change, and send its ETag.",
}


class ManifestError(ValueError):
    """A declaration of a product contradicts itself or another one. The message says which, and how to fix it."""


class NoInstallation(RuntimeError):
    """No installation could be loaded. The message says how to fix it."""


class AppError(Exception):
    """An error with a stable ``code``, an HTTP ``status`` and a ``detail`` safe to show.

    The class docstring's first line is the problem's ``title``. ``meaning`` and ``cure`` are sentences for the caller:
    the reason for the error, and what to do. ``retry`` tells whether it helps to repeat the request. A class with its
    own ``code`` declares all three; the page ``/errors/{code}`` shows them. A class without one is a variant of its
    base, which only the code that raises it can tell apart.
    ``commits = True`` commits the unit of work before the error is answered (for effects that must survive their own
    error).
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    meaning: ClassVar[str]
    cure: ClassVar[str]
    retry: ClassVar[Retry]
    commits: ClassVar[bool] = False

    def __init_subclass__(cls, **options: object) -> None:
        """Check the declaration. Raises ManifestError for a class that lacks a part of it."""
        super().__init_subclass__(**options)
        if "code" not in vars(cls) and AppError not in cls.__bases__:
            return
        missing = [name for name in _DECLARED if not vars(cls).get(name)]
        if missing:
            raise ManifestError(f"error {cls.__qualname__} lacks {', '.join(missing)}: add them beside its code")
        if not _CODE.fullmatch(cls.code):
            raise ManifestError(f"error {cls.__qualname__}: code={cls.code!r} must be lower-case words: 'slug_taken'")

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
    meaning = (
        "Nothing with this id or path exists for you. The answer is the same for something that does not exist, that "
        "was deleted, and that belongs to another tenant: nobody learns which ids are in use."
    )
    cure = "Check the path and the id, and that the access token is for the tenant that owns it."
    retry = Retry.NO


class Unauthenticated(AppError):
    """The request carries no valid credentials."""

    of_request: ClassVar[bool] = True
    """Whether it is about the request's access token or API key. False for others, such as a password in the body."""

    code, status = "unauthenticated", 401
    meaning = "The Authorization or X-API-Key header is missing, or its token or key is unknown, expired or revoked."
    cure = (
        "Get a new access token with POST /auth/refresh and repeat the request once. If the refresh token is refused "
        "too, sign in again. In place of an API key that was revoked, create a new one."
    )
    retry = Retry.TOKEN


class WrongAudience(Unauthenticated):
    """The access token is for another app; get one for this app."""

    code = "wrong_audience"
    meaning = "The token is valid, but each app accepts only tokens that were issued for it."
    cure = "Sign in, or refresh, with the resource that the detail names."
    retry = Retry.TOKEN

    @classmethod
    def of(cls, theirs: str, ours: str) -> Self:
        """Return the error for a genuine token for ``theirs`` that was sent to ``ours``."""
        return cls(f"This access token is for {theirs}; sign in with the resource {ours} to get one for this app")


class Forbidden(AppError):
    """Your role does not allow this."""

    code, status = "forbidden", 403
    meaning = "You are signed in, but your role in this tenant does not have the permission that this route requires."
    cure = (
        "Hide the action from users who do not have the permission, or ask an owner or admin of the tenant for another "
        "role."
    )
    retry = Retry.NO


class InsufficientScope(AppError):
    """Your access token is limited to other actions; WWW-Authenticate names the scope that it lacks."""

    code, status = "insufficient_scope", 403
    meaning = (
        "The access token has a scope claim, and the permission that this route requires is not in it. The user's role "
        "may have the permission."
    )
    cure = "Get an access token whose scope contains the permission that the header WWW-Authenticate names."
    retry = Retry.NO

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class TenantConflict(AppError):
    """The request names another tenant than the one of its credentials."""

    code, status = "tenant_conflict", 403
    meaning = (
        "An access token or API key belongs to one tenant. The host name or the header X-Tenant of this request names "
        "another one."
    )
    cure = "Use a token for the tenant that you want to reach, and leave out X-Tenant."
    retry = Retry.NO


class TenantRequired(AppError):
    """This needs a tenant; get a token that is bound to one."""

    code, status = "tenant_required", 403
    meaning = (
        "The access token was issued without a tenant, and this route works on a tenant's data; or the sign-in names "
        "no tenant, and this app issues only tokens with one."
    )
    cure = "Name one of your tenants in POST /auth/login or POST /auth/refresh."
    retry = Retry.NO


class TenantSuspended(AppError):
    """This tenant is suspended."""

    code, status = "tenant_suspended", 403
    meaning = (
        "The staff have suspended this tenant. Nobody can use its data until they reactivate it; the data is kept."
    )
    cure = "Tell the user that the tenant is suspended, and how to reach your support."
    retry = Retry.NO


class PlanUnknown(AppError):
    """There is no such plan."""

    code, status = "plan_unknown", 404
    meaning = "No plan of this installation has this key."
    cure = "Use the key of a plan from the list of plans."
    retry = Retry.NO


class RateLimited(AppError):
    """A rate limit is used up; RateLimit names it."""

    code, status = "rate_limited", 429
    meaning = (
        "The tenant, the API key or the user has sent more requests than the limit allows for now. The header "
        "RateLimit names the limit, and RateLimit-Policy its size."
    )
    cure = (
        "Wait for the seconds in Retry-After before the next request. Send fewer requests: larger pages, cached "
        "answers, no polling in short intervals."
    )
    retry = Retry.WAIT


class TooManyConcurrent(AppError):
    """The tenant already runs as many of these requests at once as its plan allows."""

    code, status = "too_many_concurrent", 429
    meaning = (
        "The plan sets how many exports or long-lived connections a tenant can have open at once, and all of them are "
        "open."
    )
    cure = "Wait until one of them has ended, or close one that is no longer needed."
    retry = Retry.WAIT


class BadRequest(AppError):
    """The request cannot be understood."""

    code, status = "bad_request", 400
    meaning = (
        "The HTTP message itself has a fault, such as an invalid header, a target that is too long, or two credentials "
        "at once. The detail names it."
    )
    cure = "Correct the client: this is never a mistake of the user."
    retry = Retry.NO


class InvalidRequest(AppError):
    """A part of the request does not have the expected form; field_errors says which."""

    code, status = "invalid_request", 422
    meaning = "A field of the body, a parameter or a header is missing, unknown or has a value that is not allowed."
    cure = (
        "Show the message of each entry in field_errors beside the field that it names. An entry for a field without "
        "an input of yours is a bug in the client."
    )
    retry = Retry.NO

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
    meaning = "The value has the right type, but it cannot be used. The detail gives the reason."
    cure = "Show the detail to the user, who can enter another value."
    retry = Retry.NO


class PayloadTooLarge(AppError):
    """The request's body is larger than this route accepts."""

    code, status = "payload_too_large", 413
    meaning = "The body has more bytes than this route reads. Most routes read 256 KiB."
    cure = "Send less at once: split the data over several requests."
    retry = Retry.NO


class PreconditionFailed(AppError):
    """The resource has changed since the version that you named."""

    code, status = "precondition_failed", 412
    meaning = (
        "If-Match names a version, and someone changed the resource after that version was read. Nothing was "
        "overwritten."
    )
    cure = (
        "Read the resource again, show the user the differences or apply the change to the current version, and send "
        "the new ETag in If-Match."
    )
    retry = Retry.VERSION


class IdempotencyKeyReused(AppError):
    """This idempotency key was used with another request."""

    code, status = "idempotency_key_reused", 422
    meaning = (
        "An Idempotency-Key belongs to one request for 24 hours. This request has the key of an earlier request with "
        "another body or path."
    )
    cure = "Make a new key for each thing that the user does, and keep the key only for retries of that same request."
    retry = Retry.NO


class IdempotencyKeyInFlight(AppError):
    """A request with this idempotency key is still in progress."""

    code, status = "idempotency_key_in_flight", 409
    meaning = "The first request with this Idempotency-Key has not been answered yet."
    cure = "Wait, then send the same request with the same key: the answer is that of the first request."
    retry = Retry.WAIT


class Unavailable(AppError):
    """The service cannot answer just now; try again soon."""

    code, status = "unavailable", 503
    meaning = (
        "The database or another service behind this server is restarting, overloaded or out of reach. The detail "
        "tells if a change may have been made nevertheless."
    )
    cure = "Wait and try again. Keep the Idempotency-Key of the first try, so that nothing is done twice."
    retry = Retry.WAIT

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "1", **(headers or {})})
