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

        # In this scope, not in a copy: the access log and the metrics read which app and route were found in it.
        scope["method"] = "GET"
        try:
            await self.app(scope, receive, bodiless)
        finally:
            scope["method"] = "HEAD"
