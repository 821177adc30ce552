"""Error answers from outside the routes."""

from starlette.types import Scope, Send

from insula.core.errors import AppError
from insula.http.responses.handlers import close_code
from insula.http.responses.problems import ProblemResponse, request_id_of


async def refuse(scope: Scope, send: Send, error: AppError) -> None:
    """Answer ``error``: a problem over HTTP; over WebSocket a close, which before the handshake is a 403."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": close_code(error), "reason": error.code})
        return
    response = ProblemResponse(error, request_id_of(scope))
    await send({"type": "http.response.start", "status": error.status, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})
