"""Streams: ``route_class=StreamRoute``. The handler returns an ``EventStream``, or another ``StreamingResponse``.

The handler may raise: nothing is sent before it returns. What it returns is sent while its caller has access and the
client reads. Neither has a unit of work: each use of the database is a transaction of its own,
``async with scope.transaction() as now``. See docs/guides/sockets-streams-uploads.md.

A download that ends by itself needs no kind of its own: ``CsvResponse`` in a ``TenantRoute``.
"""

import asyncio
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from insula.core.errors import AppError
from insula.http.kinds import STREAM, Lasting, RouteKind
from insula.http.responses.event_streams import EventStream
from insula.http.routing.lasting import first_of, opened
from insula.http.routing.route import Handler, TenantRoute


class StreamRoute(TenantRoute):
    """A route whose answer is sent piece by piece, and ends with its caller's access, its client, or the process."""

    kind: ClassVar[RouteKind] = STREAM

    def get_route_handler(self) -> Handler:
        """Return the handler; the answer that it returns ends as the kind says."""
        handler, terms = super().get_route_handler(), self.kind.lasting
        if terms is None:
            raise TypeError("a kind of streams says how they end")

        async def run(request: Request) -> Response:
            return _Ending(await handler(request), request, terms)

        return run


class _Ending(Response):
    """An answer that is sent until it must end."""

    def __init__(self, response: Response, request: Request, terms: Lasting) -> None:
        self._response = response  # which has the status and the headers; of this one only the call counts
        self._request = request
        self._terms = terms
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            self._started = True
            await send(message)

        async with opened(self._request, self._terms) as connection:
            answer = self._response(scope, _nothing_more, watched)
            ended = await first_of(answer, connection.lost(), _gone(receive))
        if isinstance(ended, AppError):
            await self._end(ended, send)

    async def _end(self, error: AppError, send: Send) -> None:
        """Tell the client why, if that is possible. Else leave the answer without its end: nobody takes it as whole."""
        if not self._started:
            raise error
        if isinstance(self._response, EventStream):
            body = self._response.farewell(error)
            await send({"type": "http.response.body", "body": body, "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nothing_more() -> Message:
    """Stand in for ``receive``: whether the client has gone is watched already."""
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}
