"""An expensive request holds a permit from its admission until its response is sent or it fails."""

from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from insula.core.errors import TooManyConcurrent
from insula.core.ids import TenantId
from insula.limits import LimitClass, Limits, Permit, Verdict

EXPENSIVE: Final = LimitClass.EXPORT

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
State = MutableMapping[str, Any]  # what the request's parts tell each other


async def enter(state: State, limits: Limits, tenant_id: TenantId, at_once: int) -> None:
    """Hold one of the tenant's permits for this request, and tell of them in its verdict.

    Raises TooManyConcurrent while all are held. That was a request, but no export.
    """
    if "permit" in state:
        return  # held already: this is another attempt at the same request
    verdict: Verdict = state["verdict"]
    permit = await limits.acquire_permit(tenant_id, at_once)
    if permit is None:
        limits.give_back(tenant_id, EXPENSIVE)
        raise TooManyConcurrent(headers=verdict.beside(at_once, None).headers())
    state["permit"] = permit
    state["verdict"] = verdict.beside(at_once, permit.left)


def holding(handler: Handler) -> Handler:
    """Return ``handler`` with its permit released when the answer is sent: whole, broken off, or an error."""

    async def run(request: Request) -> Response:
        try:
            response = await handler(request)
        except BaseException:
            _release(request.scope)
            raise
        return _Holding(response)

    return run


class _Holding(Response):
    """An answer whose permit is held while it is sent."""

    def __init__(self, response: Response) -> None:
        self._response = response  # which has the status and the headers; of this one only the call counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._response(scope, receive, send)
        finally:
            _release(scope)


def _release(scope: Scope) -> None:
    permit: Permit | None = scope.get("insula", {}).pop("permit", None)
    if permit is not None:
        permit.release()
