"""HEAD: what GET would answer, without its body (RFC 9110 section 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Asks the app with GET and keeps the body back; the headers, its length among them, are those of GET."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let every other method through as it is."""
        if scope.get("method") != "HEAD":
            await self.app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # In a copy, since the server looks at the method while it sends the answer.
        asked = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive, bodiless)
        finally:
            scope.update(asked, method="HEAD")  # which app and route it was, for the access log and the metrics
