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
    hints, signature = get_type_hints(inspect.unwrap(endpoint), include_extras=True), inspect.signature(endpoint)
    name = next((name for name, hint in hints.items() if _has(hint, guard)), "")
    others = [each for each in signature.parameters.values() if each.name != name]
    fillable = name in signature.parameters and all(each.kind in _NAMED for each in others)
    if not fillable or not inspect.iscoroutinefunction(endpoint):
        return endpoint
    own = next((each.name for each in others if _is_request(hints.get(each.name))), None)
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


def _has(hint: object, guard: Guard[Any, Any]) -> bool:
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return any(isinstance(mark, Depends) and mark.dependency is guard for mark in marks)


def _is_request(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Request)
