"""Turns errors that no exception handler handled into problems, and logs each unexpected one once.

Starlette gives a handler of Exception to its outermost middleware, which answers and raises again,
so that the server logs the traceback a second time. This middleware answers and does not raise.
"""

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from insula.core.errors import AppError
from insula.http.errors import InternalFailure
from insula.http.responses.handlers import close_code, report
from insula.http.responses.problems import problem

Translate = Callable[[BaseException], AppError | None]


class UnhandledErrors:
    """Answers errors that no handler caught. ``translate`` maps the expected errors of the database to AppErrors."""

    def __init__(self, app: ASGIApp, translate: Translate) -> None:
        self.app = app
        self.translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and answer its errors. If the answer has already begun, raise: the connection must break off."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] in ("http.response.start", "websocket.close")
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except (WebSocketDisconnect, ClientDisconnect):
            return  # nobody is left to answer, and nothing is broken
        except AppError as error:
            if started:
                raise
            await refuse(scope, send, error)
        except Exception as error:
            known = self.translate(error)
            report(scope, error, known)
            if started:
                raise
            await refuse(scope, send, known or InternalFailure())


async def refuse(scope: Scope, send: Send, error: AppError) -> None:
    """Answer ``error``: a problem over HTTP; over WebSocket a close, which before the handshake is a 403."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": close_code(error), "reason": error.code})
        return
    response = problem(scope, error)
    await send({"type": "http.response.start", "status": error.status, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})
