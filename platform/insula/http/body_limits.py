"""How much of a body a route receives."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.types import Message, Receive

from insula.errors import PayloadTooLarge
from insula.http.headers import headers_of
from insula.http.refusal import Refusal

CLOSE: Final[Mapping[str, str]] = {"Connection": "close"}  # the rest of the body is not read


def bounded(request: Request, largest: int) -> Receive:
    """Return the request's ``receive`` for a body of at most ``largest`` bytes.

    Raises PayloadTooLarge where the body says that it is larger, before it is received.
    """
    headers = headers_of(request)
    length = headers.get(b"content-length")
    if length is None and b"transfer-encoding" not in headers:
        return request.receive
    if length is not None and int(length) > largest:
        raise PayloadTooLarge(headers=CLOSE)
    return SizedBody(request.receive, largest)


class SizedBody:
    """A ``receive`` whose request body must end within a size."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._left = largest

    async def __call__(self) -> Message:
        """Return the next message. Raises Refusal when the body is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Refusal(PayloadTooLarge(headers=CLOSE))
        return message
