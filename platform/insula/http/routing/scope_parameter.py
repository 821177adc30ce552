"""Fills an endpoint's scope in the route: FastAPI takes 8 µs of a request to resolve the same dependency.

The guard stays an ordinary dependency. It is resolved by FastAPI where the route does not fill it: in streams and
sockets, in dependencies of dependencies, and in routes of other classes.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fastapi.params import Depends
from starlette.requests import Request

from insula.http.routing.guards import Guard

_REQUEST: Final = "request_of_the_scope"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def with_scope(endpoint: Callable[..., Any], guard: Guard[Any, Any]) -> Callable[..., Any]:
    """Return the endpoint without the parameter of ``guard``, which gets its value when the endpoint is called.

    FastAPI has checked all other parameters by then. Other endpoints than coroutine functions are returned as they are.
    """
    name = _parameter_of(endpoint, guard)
    signature = inspect.signature(endpoint)
    if name not in signature.parameters or not inspect.iscoroutinefunction(endpoint):
        return endpoint
    others = [each for each in signature.parameters.values() if each.name != name]
    if any(each.kind not in _NAMED for each in others):
        return endpoint
    own = next((each.name for each in others if _is_request(endpoint, each.name)), None)
    asked = own or _REQUEST

    @wraps(endpoint)
    async def filled(**values: Any) -> Any:  # noqa: ANN401  # the endpoint's types
        request: Request = values[asked] if own else values.pop(asked)
        values[name] = await guard(request)
        return await endpoint(**values)

    request = [] if own else [inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in others]
    filled.__signature__ = signature.replace(parameters=[*keywords, *request])  # type: ignore[attr-defined]  # PEP 362
    return filled


def _parameter_of(endpoint: Callable[..., Any], guard: Guard[Any, Any]) -> str:
    for name, hint in _hints(endpoint).items():
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        if any(isinstance(mark, Depends) and mark.dependency is guard for mark in marks):
            return name
    raise LookupError(f"{endpoint.__qualname__} has no parameter of this guard")


def _is_request(endpoint: Callable[..., Any], name: str) -> bool:
    hint = _hints(endpoint).get(name)
    return isinstance(hint, type) and issubclass(hint, Request)


def _hints(endpoint: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(inspect.unwrap(endpoint), include_extras=True)
