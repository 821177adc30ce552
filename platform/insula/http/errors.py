"""Errors of the HTTP message itself, of long-lived connections and of the server."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException

from insula.core.errors import (
    AppError,
    BadRequest,
    Forbidden,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    Retry,
    Unauthenticated,
)


class MethodNotAllowed(AppError):
    """This path does not support this method; the Allow header lists those that it supports."""

    code, status = "method_not_allowed", 405
    meaning = "The path exists, but not with this HTTP method."
    cure = "Use one of the methods that the header Allow lists."
    retry = Retry.NO


class MalformedJson(AppError):
    """The request's body is not valid JSON in UTF-8."""

    code, status = "malformed_json", 400
    meaning = "The body could not be parsed as JSON, or it is not encoded in UTF-8."
    cure = "Send the output of a JSON library, such as JSON.stringify, with Content-Type: application/json."
    retry = Retry.NO


class DuplicateKey(AppError):
    """An object in the request's body contains a key twice."""

    code, status = "duplicate_key", 400
    meaning = "One object in the body contains the same key twice, so it is unclear which value counts."
    cure = "Send each key once."
    retry = Retry.NO


class JsonTooComplex(AppError):
    """The request's body is nested too deeply or holds too many values."""

    code, status = "json_too_complex", 422
    meaning = "The body has more levels of nesting, or more values, than any request needs."
    cure = "Send a flatter body, or split it over several requests."
    retry = Retry.NO


class NumberOutOfRange(AppError):
    """A number in the request's body is not finite or does not fit into 64 bits."""

    code, status = "number_out_of_range", 422
    meaning = "A number is NaN, infinite, or larger than 64 bits can hold."
    cure = (
        "Check the number before sending it. In JavaScript, integers above Number.MAX_SAFE_INTEGER are no longer exact."
    )
    retry = Retry.NO


class UnstorableText(AppError):
    """A text in the request contains a NUL character or half a surrogate pair."""

    code, status = "unstorable_text", 422
    meaning = (
        "The database cannot store a NUL character or half of a surrogate pair. The latter arises when a text is cut "
        "in the middle of an emoji."
    )
    cure = "Remove such characters. In JavaScript, text.toWellFormed() replaces halves of surrogate pairs."
    retry = Retry.NO


class BodyTimeout(AppError):
    """The request's body did not arrive in time."""

    code, status = "body_timeout", 408
    meaning = "The connection was open, but the body did not arrive within the time that the server waits."
    cure = "Try again on a better connection, or send less at once."
    retry = Retry.WAIT


class RequestTimeout(AppError):
    """The request's head did not arrive in time."""

    code, status = "request_timeout", 408
    meaning = (
        "The connection was open, but the request line and the headers did not arrive within the time that the server "
        "waits."
    )
    cure = "Try again. HTTP libraries send the head at once, so look for a slow proxy if it happens often."
    retry = Retry.WAIT


class UnknownHost(AppError):
    """This server does not serve this host name."""

    code, status = "unknown_host", 421
    meaning = "The Host header names neither this installation nor a verified domain of a tenant."
    cure = "Check the address. For a domain of your own: add it to the tenant, and verify it."
    retry = Retry.NO


class InvalidForwarding(AppError):
    """The forwarding headers of the proxy in front of this server do not name the client."""

    code, status = "invalid_forwarding", 400
    meaning = "A proxy that this server trusts sent forwarding headers from which the client's address cannot be read."
    cure = "This is a fault of the installation: report it to the people who run it, with the request id in instance."
    retry = Retry.NO


class HostMoved(AppError):
    """This tenant has another host name now; a GET request is redirected to it."""

    code, status = "host_moved", 421
    meaning = (
        "The tenant has changed its slug, and the host name contains the former slug. Only GET requests are "
        "redirected, because a redirect could lose the body of others."
    )
    cure = "Send the request to the tenant's current host name. A GET request to the former one is redirected to it."
    retry = Retry.NO


class DuplicateHeader(AppError):
    """A header that may be sent only once was sent more than once."""

    code, status = "duplicate_header", 400
    meaning = "A header such as Authorization, X-Tenant or Idempotency-Key is in the request more than once."
    cure = "Send it once. Look for a proxy or a library that adds it a second time."
    retry = Retry.NO


class HeaderTooLarge(AppError):
    """A header of the request is larger than this server accepts."""

    code, status = "header_too_large", 431
    meaning = "A header, or all of them together, have more bytes than the server reads."
    cure = "Remove cookies and headers that this API does not need."
    retry = Retry.NO


class TokenExpired(Unauthenticated):
    """The access token has expired; connect again with a new one."""

    code = "token_expired"
    meaning = "A stream or WebSocket ends when the access token that opened it expires."
    cure = "Get a new access token with POST /auth/refresh, and connect again with it."
    retry = Retry.TOKEN


class ServerStopping(AppError):
    """This server is stopping; connect again."""

    code, status = "server_stopping", 503
    meaning = "This server process is being replaced, for example by a new release. The others go on."
    cure = "Connect again, after a short and random pause, so that not all clients come at once."
    retry = Retry.WAIT


class InternalFailure(AppError):
    """Something failed on our side; the request id helps us to find the cause."""

    code, status = "internal_failure", 500
    meaning = "This is a bug in the server. It was logged with the request id; no part of a failed change is kept."
    cure = (
        "Tell the user that something went wrong, and show the request id from instance, so that the support can find "
        "the cause."
    )
    retry = Retry.NO


REQUEST_CHECK_ERRORS: tuple[type[AppError], ...] = (
    BadRequest,
    DuplicateHeader,
    PayloadTooLarge,
    UnknownHost,
    InvalidForwarding,
    HostMoved,
    HeaderTooLarge,
)
"""The errors that the middleware can answer to any request, before a route is chosen."""
WIRE_ERRORS: tuple[type[AppError], ...] = (InvalidRequest, InternalFailure)
JSON_ERRORS: tuple[type[AppError], ...] = (
    MalformedJson,
    DuplicateKey,
    JsonTooComplex,
    NumberOutOfRange,
    UnstorableText,
    BodyTimeout,
)


_NAMED: Mapping[int, type[AppError]] = {
    error.status: error
    for error in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        PreconditionFailed,
        PayloadTooLarge,
        InvalidRequest,
    )
}
_PASSING: Final = frozenset({425, 429, 502, 503, 504})


def _of_status(status: HTTPStatus) -> type[AppError]:
    attributes = {
        "__doc__": status.phrase,
        "code": status.name.lower(),
        "status": status.value,
        "meaning": f"The answer has the HTTP status {status.value} ({status.phrase}), and no code of its own.",
        "cure": "Read the detail, the meaning of the status in RFC 9110, and the documentation of the route.",
        "retry": Retry.WAIT if status in _PASSING else Retry.NO,
    }
    return type(status.name, (AppError,), attributes)


UNNAMED_ERRORS: Mapping[int, type[AppError]] = {
    status.value: _of_status(status)
    for status in HTTPStatus
    if status >= HTTPStatus.BAD_REQUEST and status not in _NAMED
}
"""The errors, by status, of exceptions that have nothing but a status. No code of the kernel raises one."""

BY_STATUS: Mapping[int, type[AppError]] = {**UNNAMED_ERRORS, **_NAMED}
"""The error that answers an HTTPException with this status."""


class BodyError(HTTPException):
    """Wraps an AppError raised while a body is read. FastAPI turns other exceptions there into a 400."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.status, error.detail, dict(error.headers))
        self.error = error
