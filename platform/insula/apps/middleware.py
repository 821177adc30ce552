"""The check of a product's own middleware, when its installation is made."""

import inspect
from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware  # noqa: TID251 - to refuse what is derived from it

from insula.core.errors import ManifestError

_CALLED = "`async def __call__(self, scope, receive, send)`"


def check_middleware(declared: Sequence[Middleware]) -> None:
    """Refuse what is no pure ASGI middleware. Raises ManifestError."""
    for each in declared:
        if not isinstance(each, Middleware):
            name = getattr(each, "__name__", repr(each))
            raise ManifestError(f"middleware={name}: write it as Middleware({name}), of starlette.middleware")
        name = getattr(each.cls, "__name__", repr(each.cls))
        if fault := _fault(each):
            raise ManifestError(f"middleware={name}: {fault}")
        if sum(other.cls is each.cls for other in declared) > 1:
            raise ManifestError(f"middleware={name} is there twice, so that it would run twice: name it once")


def _fault(middleware: Middleware) -> str:
    """Return what is wrong, with the mend, or nothing."""
    made = middleware.cls
    if not inspect.isclass(made):
        return f"it is no class: make it one, with {_CALLED}"
    if issubclass(made, BaseHTTPMiddleware):
        return f"BaseHTTPMiddleware sees no WebSocket and is slow: write it as pure ASGI, a class with {_CALLED}"
    call = inspect.getattr_static(made, "__call__", None)
    if not inspect.iscoroutinefunction(call) or not _fits(call, "self", "scope", "receive", "send"):
        return f"a call of it takes no request: give it {_CALLED}"
    if not _fits(made, "app", *middleware.args, **middleware.kwargs):
        return f"it cannot be made with {inspect.signature(made)} of the app and these options: mend the options"
    return ""


def _fits(function: object, *arguments: object, **options: object) -> bool:
    try:
        inspect.signature(function).bind(*arguments, **options)  # type: ignore[arg-type]  # a class or a function
    except TypeError:
        return False
    return True
