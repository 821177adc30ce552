"""Limits the size of a request's body: first for all routes, then for one."""

from collections.abc import Mapping
from typing import Final

from starlette.types import Message, Receive

from insula.core.errors import BadRequest, PayloadTooLarge
from insula.http.errors import BodyError

CLOSE: Final[Mapping[str, str]] = {"Connection": "close"}  # the rest of the body is not read


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the headers say that the request has a body."""
    return b"content-length" in headers or b"transfer-encoding" in headers


def check_length(headers: Mapping[bytes, bytes], largest: int) -> None:
    """Raise PayloadTooLarge if Content-Length exceeds ``largest``, and BadRequest if it is not a number."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise BadRequest("Content-Length must be a number")
    if len(length) > len(str(largest)) or int(length) > largest:
        raise PayloadTooLarge(headers=CLOSE)


class SizedBody:
    """A ``receive`` that limits the size of the request body."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._left = largest

    async def __call__(self) -> Message:
        """Return the next message. Raises BodyError when the body is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise BodyError(PayloadTooLarge(headers=CLOSE))
        return message
