"""How each exception becomes a problem. All four apps have the same handlers: a mounted app uses only its own."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError, WebSocketRequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope
from starlette.websockets import WebSocket

from insula.core.errors import AppError, InvalidRequest, PayloadTooLarge
from insula.http.errors import BY_STATUS, BodyError, InternalFailure, ServerStopping
from insula.http.responses.problems import FieldErrorFields, problem
from insula.http.state import state_of

POLICY_VIOLATION, TOO_LARGE, INTERNAL_ERROR, RESTARTING, TRY_AGAIN_LATER = 1008, 1009, 1011, 1012, 1013
_TRY_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_MAX_ERRORS = 50
_REFUSED = "value_error"
_MAX_LENGTH = 200
_LOCATIONS = frozenset({"body", "query", "path", "header", "cookie"})
_EMAIL = "value is not a valid email address"
_log = structlog.get_logger(__name__)


def install_handlers(app: FastAPI) -> None:
    """Set the exception handlers of ``app``. The middleware ``UnhandledErrors`` answers all other exceptions."""
    # FastAPI's type allows handlers of HTTP only; Starlette calls the same ones for WebSockets.
    handlers: dict[Any, Any] = {
        AppError: answer_app_error,
        HTTPException: answer_http_exception,
        RequestValidationError: answer_invalid_request,
        WebSocketRequestValidationError: answer_invalid_request,
    }
    app.exception_handlers = handlers


def close_code(error: AppError) -> int:
    """Return the numeric code with which a WebSocket is closed for ``error``. Its ``code`` is sent as the reason."""
    if isinstance(error, ServerStopping):
        return RESTARTING
    if isinstance(error, PayloadTooLarge):
        return TOO_LARGE
    if error.status in _TRY_AGAIN:
        return TRY_AGAIN_LATER
    return INTERNAL_ERROR if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else POLICY_VIOLATION


async def answer_app_error(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer an AppError: a problem over HTTP, a close code over WebSocket."""
    known = error if isinstance(error, AppError) else InternalFailure()
    if known.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        report(connection.scope, error.__cause__ or error, known)
    return await _answer(connection, known)


async def answer_http_exception(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer an HTTPException of the router or FastAPI with the AppError of the same status."""
    if isinstance(error, BodyError):
        return await _answer(connection, error.error)
    if not isinstance(error, HTTPException):
        return await _answer(connection, InternalFailure())
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_allowed(connection.scope)))
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=error.status_code, headers=headers)
    return await _answer(connection, BY_STATUS.get(error.status_code, InternalFailure)(headers=headers))


async def answer_invalid_request(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer an invalid request: name each invalid field, but never repeat its value."""
    if isinstance(connection, WebSocket) or not isinstance(error, RequestValidationError):
        return await _answer(connection, InvalidRequest())
    return problem(connection.scope, InvalidRequest(), field_errors(error.errors()))


async def _answer(connection: HTTPConnection, error: AppError) -> Response | None:
    if isinstance(connection, WebSocket):
        await connection.close(close_code(error), reason=error.code)
        return None
    refused = error.fields if isinstance(error, InvalidRequest) else {}
    return problem(connection.scope, error, refused_fields(refused))


def _allowed(scope: Scope) -> set[str]:
    # The router only lists the methods of the first route with this path, not of all routes.
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    found: set[str] = set()
    for route in iter_route_contexts(scope["app"].routes):
        if route.methods and route.path_regex.match(path):
            found |= route.methods
    return found | {"HEAD"} if "GET" in found else found


def report(scope: Scope, error: BaseException, known: AppError | None) -> None:
    """Log ``error`` unless it is logged already. ``known`` is the AppError in the answer; None for a bug."""
    state = state_of(scope)
    if state.reported is error:
        return
    state.reported = error
    request_id = state.request_id
    if isinstance(error, ResponseValidationError):  # its text contains the response's data
        _log.error(
            "answer did not fit its schema", request_id=request_id, fields=[item["loc"] for item in error.errors()]
        )
    elif known is None:
        _log.error("request failed", request_id=request_id, exc_info=error)
    else:
        _log.warning("request refused", request_id=request_id, code=known.code, error=type(error).__name__)


def field_errors(errors: Iterable[Mapping[str, object]]) -> list[FieldErrorFields]:
    """Return the first errors, each with its field, message and code."""
    found: list[FieldErrorFields] = []
    for error in errors:
        if len(found) == _MAX_ERRORS:
            break
        code = str(error["type"])
        found.append({"field": _field(error["loc"]), "message": _message(code, str(error["msg"])), "code": code})
    return found


def refused_fields(fields: Mapping[str, str]) -> list[FieldErrorFields]:
    """Return a service's message on each field in the form of pydantic's errors."""
    return [{"field": name, "message": message[:_MAX_LENGTH], "code": _REFUSED} for name, message in fields.items()]


def _field(location: object) -> str:
    parts: Sequence[object] = location if isinstance(location, tuple | list) else ()
    if len(parts) > 1 and parts[0] in _LOCATIONS:
        parts = parts[1:]
    return ".".join(str(part) for part in parts)[:_MAX_LENGTH]


def _message(code: str, message: str) -> str:
    # The rest of these messages quotes characters of the value.
    if code.endswith("_parsing"):
        message = message.split(",", 1)[0]
    elif message.startswith(_EMAIL):
        message = _EMAIL.capitalize()
    return message.removeprefix("Value error, ")[:_MAX_LENGTH]
