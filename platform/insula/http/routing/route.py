"""The route class that owns the unit of work.

Begin, resolve and run the handler, serialise, store the idempotency record, commit, respond: in
that order, so that a commit which fails is answered 503 and never with a 2xx.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from insula.core.errors import AppError, IdempotencyKeyInFlight, IdempotencyKeyReused
from insula.db.engine.failures import is_retryable, translate
from insula.db.engine.unit import Unit
from insula.http.request.body_limits import SizedBody, check_length, has_body
from insula.http.request.headers import headers_of
from insula.http.request.json import StrictRequest
from insula.http.responses.problems import merge_problems, problems
from insula.http.routing.guards import Guard
from insula.http.routing.idempotency import Claim, Replay
from insula.http.routing.permits import EXPENSIVE, holding

BODY_BYTES: Final = 262_144
"""The most that a route takes as its body, unless it says otherwise with ``Largest``."""

ATTEMPTS = 3  # of a request whose transaction lost a deadlock or a serialisation race
_OF_ONE_ATTEMPT = ("unit", "claim", "kept")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeating a request with the same key has one effect and the same answer, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "examples": ["3f0c1d2e-create-project"]},
}
_TENANT_PARAMETER = {
    "name": "X-Tenant",
    "in": "header",
    "required": False,
    "description": "Slug or id of the tenant. Optional: the token names the tenant, and this must agree with it.",
    "schema": {"type": "string", "examples": ["acme"]},
}


@dataclass(frozen=True, slots=True)
class Largest:
    """Marks a body that may be larger: ``body: Annotated[ItemsCreate, Largest(1_048_576)]``, in bytes."""

    bytes: int


class UndeclaredRoute(RuntimeError):
    """A route is neither guarded by ``allow(...)`` nor on the declared public list."""


class PublicRoute(APIRoute):
    """A route without credentials: strict JSON, no unit of work. It must be on the declared public list."""

    def get_route_handler(self) -> Handler:
        """Return the handler, reading bodies strictly."""
        handler = super().get_route_handler()

        async def run(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return run


class TenantRoute(APIRoute):
    """A route whose handler runs in one transaction, with the scope that its guard gave."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        marks = tuple(_marks(endpoint))
        guard = _guard_among(marks)
        if guard is None:
            raise UndeclaredRoute(f"{endpoint.__module__}.{endpoint.__qualname__} has no allow(...)")
        errors = list(guard.errors)
        parameters = [_TENANT_PARAMETER]
        if "POST" in (options.get("methods") or ()):
            errors += [IdempotencyKeyReused, IdempotencyKeyInFlight]
            parameters.append(_IDEMPOTENCY_PARAMETER)
        extra = dict(options.pop("openapi_extra", None) or {})
        extra["parameters"] = [*extra.get("parameters", []), *parameters]
        extra["security"] = [{scheme: [str(guard.action)]} for scheme in guard.schemes]
        responses = merge_problems(problems(*errors), options.pop("responses", None) or {})
        self._guard = guard  # these two before FastAPI asks for the handler, as it does there
        self._largest = next((mark.bytes for mark in marks if isinstance(mark, Largest)), BODY_BYTES)
        super().__init__(path, endpoint, openapi_extra=extra, responses=responses, **options)

    def get_route_handler(self) -> Handler:
        """Return the handler, run inside the unit of work."""
        handle = super().get_route_handler()
        guard, largest = self._guard, self._largest

        async def handler(request: Request) -> Response:
            if "admission" not in request.scope["insula"]:  # FastAPI would receive and parse the body first
                await guard.admit(request)
                check_length(headers_of(request), largest)
            return await handle(request)

        async def run(request: Request) -> Response:
            body = SizedBody(request.receive, largest) if has_body(headers_of(request)) else request.receive
            strict = StrictRequest(request.scope, body)
            for _ in range(ATTEMPTS - 1):
                try:
                    return await _attempt(handler, strict)
                except Exception as error:
                    if not is_retryable(error):
                        raise
                    for name in _OF_ONE_ATTEMPT:
                        request.scope["insula"].pop(name, None)
            return await _attempt(handler, strict)

        return holding(run) if guard.limit_class is EXPENSIVE else run


def guard_of(endpoint: Callable[..., Any]) -> Guard[Any, Any] | None:
    """Return the guard among the endpoint's annotated parameters, if it has one."""
    return _guard_among(_marks(endpoint))


def _guard_among(marks: Iterable[object]) -> Guard[Any, Any] | None:
    for mark in marks:
        if isinstance(mark, DependsParam) and isinstance(mark.dependency, Guard):
            return mark.dependency
    return None


def _marks(endpoint: Callable[..., Any]) -> Iterator[object]:
    hints = get_type_hints(inspect.unwrap(endpoint), include_extras=True)
    for hint in hints.values():
        if get_origin(hint) is Annotated:
            yield from get_args(hint)[1:]


async def _attempt(handler: Handler, request: StrictRequest) -> Response:
    state: dict[str, Any] = request.scope.setdefault("insula", {})
    try:
        response = await handler(request)
        await _commit(state.get("unit"), state.get("claim"), response, state.get("kept"))
    except Replay as replay:
        response = replay.response
    except AppError as error:
        if error.commits:
            await _commit(state.get("unit"), None, None)
        raise
    except Exception as error:
        known = None if is_retryable(error) else translate(error)
        if known is None:
            raise
        raise known from error
    finally:
        unit: Unit | None = state.get("unit")
        if unit is not None:
            await unit.close()  # rolls back what was not committed
    if (verdict := state.get("verdict")) is not None:
        response.raw_headers += verdict.raw_headers()
    return response


async def _commit(unit: Unit | None, claim: Claim | None, response: Response | None, kept: bytes | None = None) -> None:
    if unit is None:
        return
    if claim is not None and response is not None:
        await claim.store(unit, response, kept)
    if unit.begun:
        await unit.commit()
