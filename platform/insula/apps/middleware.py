"""Checks a product's own middleware when its installation is constructed."""

import inspect
from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware  # noqa: TID251 - to refuse its subclasses

from insula.core.errors import ManifestError

_CALLED = "`async def __call__(self, scope, receive, send)`"


def check_middleware(declared: Sequence[Middleware]) -> None:
    """Raise ManifestError unless every middleware is a class of pure ASGI, declared once."""
    for each in declared:
        if not isinstance(each, Middleware):
            name = getattr(each, "__name__", repr(each))
            raise ManifestError(f"middleware={name}: write it as Middleware({name}), of starlette.middleware")
        name = getattr(each.cls, "__name__", repr(each.cls))
        if fault := _fault(each):
            raise ManifestError(f"middleware={name}: {fault}")
        if sum(other.cls is each.cls for other in declared) > 1:
            raise ManifestError(f"middleware={name} is declared twice, so it would run twice: declare it once")


def _fault(middleware: Middleware) -> str:
    """Return the fault with its fix, or an empty text."""
    made = middleware.cls
    if not inspect.isclass(made):
        return f"it is not a class: make it one, with {_CALLED}"
    if issubclass(made, BaseHTTPMiddleware):
        return f"BaseHTTPMiddleware sees no WebSocket and is slow: write it as pure ASGI, a class with {_CALLED}"
    call = inspect.getattr_static(made, "__call__", None)
    if not inspect.iscoroutinefunction(call) or not _fits(call, "self", "scope", "receive", "send"):
        return f"it cannot be called with a request: give it {_CALLED}"
    if not _fits(made, "app", *middleware.args, **middleware.kwargs):
        return f"its constructor {inspect.signature(made)} does not take the app and these options: fix the options"
    return ""


def _fits(function: object, *arguments: object, **options: object) -> bool:
    try:
        inspect.signature(function).bind(*arguments, **options)  # type: ignore[arg-type]  # a class or a function
    except TypeError:
        return False
    return True
