"""Answers HEAD like GET, without the body (RFC 9110 section 9.3.2)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Calls the app with GET and drops the body; the headers, including Content-Length, are those of GET."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let every other method through as it is."""
        if scope.get("method") != "HEAD":
            await self.app(scope, receive, send)
            return

        answered = asyncio.Event()

        async def send_without_body(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            elif not answered.is_set():
                answered.set()  # at the first message: a stream may have no last one
                await send({**message, "body": b"", "more_body": False})

        async def receive_until_answered() -> Message:
            receiving, waiting = asyncio.ensure_future(receive()), asyncio.ensure_future(answered.wait())
            await asyncio.wait((receiving, waiting), return_when=asyncio.FIRST_COMPLETED)
            receiving.cancel()
            waiting.cancel()
            return receiving.result() if receiving.done() else {"type": "http.disconnect"}

        # A copy, since the server reads the method from its scope while it sends the answer.
        asked = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive_until_answered, send_without_body)
        finally:
            scope.update(asked, method="HEAD")  # the app and route, for the access log and the metrics
