"""Streams: ``route_class=StreamRoute``. The handler returns an ``EventStream``, or another ``StreamingResponse``.

The handler may raise: nothing is sent before it returns. Its response is sent while the caller has access and the
client is connected. Neither the handler nor the stream has a unit of work: each use of the database is a transaction
of its own, ``async with scope.transaction() as now``. See docs/guides/sockets-streams-uploads.md.

A download that ends by itself needs no ``StreamRoute``: return a ``CsvResponse`` from a ``TenantRoute``.
"""

import asyncio
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from insula.core.errors import AppError
from insula.http.kinds import STREAM, LongLived, RouteKind
from insula.http.responses.event_streams import EventStream
from insula.http.routing.long_lived import first_of, opened
from insula.http.routing.route import Handler, TenantRoute


class StreamRoute(TenantRoute):
    """A route whose response is a stream. It ends when access is lost, the client has gone or the process stops."""

    kind: ClassVar[RouteKind] = STREAM

    def get_route_handler(self) -> Handler:
        """Return the handler; its response ends as the kind declares."""
        handler, terms = super().get_route_handler(), self.kind.long_lived
        if terms is None:
            raise TypeError("a kind of streams says how they end")

        async def run(request: Request) -> Response:
            return _Ending(await handler(request), request, terms)

        return run


class _Ending(Response):
    """A response that is sent until it is complete or must end."""

    def __init__(self, response: Response, request: Request, terms: LongLived) -> None:
        self._response = response  # it has the status and the headers; this wrapper is only called
        self._request = request
        self._terms = terms
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            self._started = True
            await send(message)

        async with opened(self._request, self._terms) as connection:
            answer = self._response(scope, _nothing_more, watched)
            ended = await first_of(answer, connection.wait_for_end(), _gone(receive))
        if isinstance(ended, AppError):
            await self._end(ended, send)

    async def _end(self, error: AppError, send: Send) -> None:
        """Tell the client why, if possible. Else do not send the last chunk, so that no client takes it as complete."""
        if not self._started:
            raise error
        if isinstance(self._response, EventStream):
            body = self._response.end_event(error)
            await send({"type": "http.response.body", "body": body, "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nothing_more() -> Message:
    """Replace ``receive``, which ``_gone`` already awaits."""
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}
