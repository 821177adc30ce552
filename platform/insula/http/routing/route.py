"""The route class that owns the unit of work.

It begins, resolves the dependencies, runs the handler, serialises, stores the idempotency record, commits and
responds, in this order. So a failed commit is answered with 503 and never with a 2xx.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from insula.core.errors import AppError, IdempotencyKeyInFlight, IdempotencyKeyReused
from insula.db.engine.failures import is_retryable, translate
from insula.http.kinds import PUBLIC, TENANT, RouteKind, UnitOfWork
from insula.http.request.body_limits import SizedBody, check_length, has_body
from insula.http.request.headers import headers_of
from insula.http.request.json import StrictRequest
from insula.http.responses.problems import merge_problems, problems
from insula.http.routing.guards import Guard
from insula.http.routing.idempotency import RecordedMeanwhile, Replay, keep, kept_twice, recorded_meanwhile
from insula.http.routing.permits import EXPENSIVE, releasing_permit
from insula.http.routing.scope_parameter import with_scope
from insula.http.state import Attempt, RequestState, state_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_FAILED = 500
_IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a retry safe: for 24 hours, all requests with the same key have one effect and one answer.",
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
    """Sets the limit of one route's body, in bytes: ``body: Annotated[ItemsCreate, Largest(1_048_576)]``."""

    bytes: int


class UndeclaredRoute(RuntimeError):
    """A route is neither guarded by exactly one ``allow(...)`` nor on the app's public list."""


class PublicRoute(APIRoute):
    """A route without credentials: strict JSON, no unit of work. It must be on the declared public list."""

    kind: ClassVar[RouteKind] = PUBLIC

    def get_route_handler(self) -> Handler:
        """Return the handler, reading bodies strictly."""
        handler = super().get_route_handler()

        async def run(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return run


class TenantRoute(APIRoute):
    """A route whose handler runs in one transaction, with the scope that its guard returned.

    It is the base class of the other guarded HTTP routes, ``StreamRoute`` and ``UploadRoute``.
    """

    kind: ClassVar[RouteKind] = TENANT

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        marks = tuple(_marks(endpoint))
        guard = next(_guards_among(marks), None)
        named = f"{endpoint.__module__}.{endpoint.__qualname__}"
        if guard is None:
            raise UndeclaredRoute(f"{named} has no allow(...)")
        if (count := len([*_guards_among(marks), *_guards_among(options.get("dependencies") or ())])) > 1:
            raise UndeclaredRoute(f"{named} has {count} guards; a route has one allow(...), for one action")
        errors = list(guard.errors)
        parameters = [_TENANT_PARAMETER]
        if "POST" in (options.get("methods") or ()) and self.kind.unit is UnitOfWork.REQUEST:
            errors += [IdempotencyKeyReused, IdempotencyKeyInFlight]
            parameters.append(_IDEMPOTENCY_PARAMETER)
        if self.kind.long_lived is not None:
            errors += self.kind.long_lived.errors
        extra = dict(options.pop("openapi_extra", None) or {})
        extra["parameters"] = [*extra.get("parameters", []), *parameters]
        extra["security"] = [{scheme: [str(guard.action)]} for scheme in guard.schemes]
        responses = merge_problems(problems(*errors), options.pop("responses", None) or {})
        self.guard = guard  # super().__init__ calls get_route_handler, which reads guard and largest
        self.largest = next((mark.bytes for mark in marks if isinstance(mark, Largest)), self.kind.body_bytes or 0)
        filled = with_scope(endpoint, guard) if self.kind.unit is UnitOfWork.REQUEST else endpoint
        super().__init__(path, filled, openapi_extra=extra, responses=responses, **options)

    def get_route_handler(self) -> Handler:
        """Return the handler, run inside the unit of work."""
        handler = super().get_route_handler()
        guard, largest, attempts = self.guard, self.largest, self.kind.attempts
        long_lived = self.kind.unit is UnitOfWork.EACH_USE

        async def run(request: Request) -> Response:
            body = SizedBody(request.receive, largest) if has_body(headers_of(request)) else request.receive
            strict = StrictRequest(request.scope, body)
            if long_lived:
                state_of(request.scope).long_lived = True
            for _ in range(attempts - 1):
                try:
                    return await _attempt(self, handler, strict)
                except RecordedMeanwhile:
                    continue
                except Exception as error:
                    if not is_retryable(error):
                        raise
            return await _attempt(self, handler, strict)

        return releasing_permit(run) if guard.limit_class is EXPENSIVE else run


def guard_of(endpoint: Callable[..., Any]) -> Guard[Any, Any] | None:
    """Return the guard among the endpoint's annotated parameters, if it has one."""
    return next(_guards_among(_marks(endpoint)), None)


def largest_of(endpoint: Callable[..., Any], otherwise: int) -> int:
    """Return the limit in bytes of the endpoint's body, or of one message."""
    return next((mark.bytes for mark in _marks(endpoint) if isinstance(mark, Largest)), otherwise)


def _guards_among(marks: Iterable[object]) -> Iterator[Guard[Any, Any]]:
    for mark in marks:
        if isinstance(mark, DependsParam) and isinstance(mark.dependency, Guard):
            yield mark.dependency


def _marks(endpoint: Callable[..., Any]) -> Iterator[object]:
    hints = get_type_hints(inspect.unwrap(endpoint), include_extras=True)
    for hint in hints.values():
        if get_origin(hint) is Annotated:
            yield from get_args(hint)[1:]


async def _attempt(route: TenantRoute, handler: Handler, request: StrictRequest) -> Response:
    state = state_of(request.scope)
    state.attempt = None
    try:
        response = await _answer(route, handler, request, state)
    except AppError:
        raise
    except Exception as error:
        known = None if is_retryable(error) else translate(error)
        if known is None:
            raise
        raise known from error
    finally:
        if state.attempt is not None:
            await state.attempt.unit.close()  # rolls back what was not committed
    if state.admission is not None:
        response.raw_headers += state.admission.verdict.raw_headers()
    return response


async def _answer(route: TenantRoute, handler: Handler, request: StrictRequest, state: RequestState) -> Response:
    try:
        if state.admission is None:  # FastAPI would receive and parse the body first
            await route.guard.admit(request)
            check_length(headers_of(request), route.largest)
        response = await handler(request)
        if state.attempt is not None:
            await _commit(state.attempt, response)
    except Replay as replay:
        return replay.response
    except Exception as error:
        known = error if isinstance(error, AppError) else translate(error)
        recorded = None if known is None else await _settled(state.attempt, known)
        if recorded is None:
            raise
        return recorded
    return response


async def _commit(attempt: Attempt, response: Response) -> None:
    if attempt.claimed is not None:
        keep(attempt.claimed, attempt.unit, response)
    if attempt.unit.begun:
        try:
            await attempt.unit.commit()
        except IntegrityError as error:
            if kept_twice(error):
                raise RecordedMeanwhile from error
            raise


async def _settled(attempt: Attempt | None, error: AppError) -> Response | None:
    """Commit if the error ``commits``; return the answer that another request with the key has committed meanwhile."""
    if attempt is None:
        return None
    if attempt.claimed is not None and error.status < _FAILED and not isinstance(error, RecordedMeanwhile):
        if not error.commits:
            await attempt.unit.rollback()  # a statement that failed has ended its transaction
        recorded = await recorded_meanwhile(attempt.claimed, attempt.unit)
        if recorded is not None:
            return recorded
    if error.commits and attempt.unit.begun:
        await attempt.unit.commit()
    return None
