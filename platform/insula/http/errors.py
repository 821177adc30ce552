"""Errors of the HTTP message itself, of long-lived connections and of the server."""

from starlette.exceptions import HTTPException

from insula.core.errors import AppError, BadRequest, InvalidRequest, PayloadTooLarge, Unauthenticated


class MethodNotAllowed(AppError):
    """This path does not support this method; the Allow header lists those that it supports."""

    code, status = "method_not_allowed", 405


class MalformedJson(AppError):
    """The request's body is not valid JSON in UTF-8."""

    code, status = "malformed_json", 400


class DuplicateKey(AppError):
    """An object in the request's body contains a key twice."""

    code, status = "duplicate_key", 400


class JsonTooComplex(AppError):
    """The request's body is nested too deeply or holds too many values."""

    code, status = "json_too_complex", 422


class NumberOutOfRange(AppError):
    """A number in the request's body is not finite or does not fit into 64 bits."""

    code, status = "number_out_of_range", 422


class UnstorableText(AppError):
    """A text in the request contains a NUL character or half a surrogate pair."""

    code, status = "unstorable_text", 422


class BodyTimeout(AppError):
    """The request's body did not arrive in time."""

    code, status = "body_timeout", 408


class RequestTimeout(AppError):
    """The request's head did not arrive in time."""

    code, status = "request_timeout", 408


class UnknownHost(AppError):
    """This server does not serve this host name."""

    code, status = "unknown_host", 421


class InvalidForwarding(AppError):
    """The forwarding headers of the proxy in front of this server do not name the client."""

    code, status = "invalid_forwarding", 400


class HostMoved(AppError):
    """This tenant has another host name now; a GET request is redirected to it."""

    code, status = "host_moved", 421


class DuplicateHeader(AppError):
    """A header that may be sent only once was sent more than once."""

    code, status = "duplicate_header", 400


class HeaderTooLarge(AppError):
    """A header of the request is larger than this server accepts."""

    code, status = "header_too_large", 431


class TokenExpired(Unauthenticated):
    """The access token has expired; connect again with a new one."""

    code = "token_expired"


class ServerStopping(AppError):
    """This server is stopping; connect again."""

    code, status = "server_stopping", 503


class InternalFailure(AppError):
    """Something failed on our side; the request id helps us to find the cause."""

    code, status = "internal_failure", 500


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


class BodyError(HTTPException):
    """Wraps an AppError raised while a body is read. FastAPI turns other exceptions there into a 400."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.status, error.detail, dict(error.headers))
        self.error = error
