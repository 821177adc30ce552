"""An expensive request holds a permit from its admission until its response is sent or it fails."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from insula.core.errors import TooManyConcurrent
from insula.core.ids import TenantId
from insula.http.state import RequestState, state_of
from insula.limits import LimitClass, Limits, Verdict

EXPENSIVE: Final = LimitClass.EXPORT

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def hold_permit(
    state: RequestState, limits: Limits, tenant_id: TenantId, at_once: int, verdict: Verdict
) -> Verdict:
    """Acquire one of the tenant's permits for this request, and return the verdict with the permits left.

    Raises TooManyConcurrent while all are held. The refused request then does not count as an export.
    """
    if state.permit is None:  # held already where another guard of the route acquired it
        state.permit = await limits.acquire_permit(tenant_id, at_once)
    if state.permit is None:
        limits.give_back(tenant_id, EXPENSIVE)
        raise TooManyConcurrent(headers=verdict.with_permits(at_once, None).headers())
    return verdict.with_permits(at_once, state.permit.left)


def releasing_permit(handler: Handler) -> Handler:
    """Return ``handler``, but release its permit when the answer is sent or broken off, or the handler fails."""

    async def run(request: Request) -> Response:
        try:
            response = await handler(request)
        except BaseException:
            state_of(request.scope).release_permit()
            raise
        return _ReleasingPermit(response)

    return run


class _ReleasingPermit(Response):
    """A response that releases the request's permit after it is sent."""

    def __init__(self, response: Response) -> None:
        self._response = response  # it has the status and the headers; this wrapper is only called

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._response(scope, receive, send)
        finally:
            state_of(scope).release_permit()
