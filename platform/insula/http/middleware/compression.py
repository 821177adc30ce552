"""gzip for large answers.

The BREACH attack needs a secret and text of the attacker's choice in one compressed answer, and a browser that
sends the victim's credentials automatically. Insula's credentials are in a header that no foreign page can set, so
answers may be compressed. Those of ``/auth``, which contain tokens, are still not compressed.
Starlette does not compress event streams: a compressor would delay events.
"""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECRET = ("/auth/",)
_JSON, _VARIES = (b"content-type", b"application/json"), (b"vary", b"Accept-Encoding")
_MINIMUM, _LEVEL = 1000, 5  # a shorter body would grow; above level 5 the time grows faster than the saving
_LONGEST: Final = 1024
_CODING: Final = re.compile(
    r"\s*(?P<name>[!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


class Compression:
    """Compresses large answers that contain no credentials."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app behind the compressor, or without it."""
        if scope["type"] != "http" or scope["path"].startswith(_SECRET):
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, _Answer(self.app, scope, send))


class _Answer:
    """A ``send`` that passes an answer to Starlette's compressor, unless its first message is the whole, short body."""

    __slots__ = ("app", "chosen", "scope", "send", "start")

    def __init__(self, app: ASGIApp, scope: Scope, send: Send) -> None:
        self.app = app
        self.scope = scope
        self.send = send
        self.start: Message | None = None
        self.chosen: Send | None = None

    async def __call__(self, message: Message) -> None:
        if self.chosen is not None:
            await self.chosen(message)
        elif message["type"] == "http.response.start":
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.chosen = self._sender(self.start, message)
            await self.chosen(self.start)
            await self.chosen(message)

    def _sender(self, start: Message, body: Message) -> Send:
        small = _is_small(body)
        if small and not body.get("body"):
            return self.send
        accepted = _accepted_of(self.scope)
        if accepted.gzip and not (small and accepted.plain):
            return self._through(GZipResponder(self.app, 0 if small else _MINIMUM, compresslevel=_LEVEL))
        if small:
            return self.send
        if _is_plain_json(start, body):
            start["headers"] = [*start["headers"], _VARIES]
            return self.send
        return self._through(IdentityResponder(self.app, _MINIMUM))

    def _through(self, responder: IdentityResponder) -> Send:
        responder.send = self.send
        return responder.send_with_compression


def _is_small(message: Message) -> bool:
    """Whether this is a whole body, too short to compress."""
    return _is_whole(message) and len(message.get("body", b"")) < _MINIMUM


def _is_plain_json(start: Message, body: Message) -> bool:
    """Whether this is the commonest large answer. If uncompressed, Starlette would only add ``Vary``."""
    return _is_whole(body) and start["status"] == HTTPStatus.OK and _JSON in start["headers"]


def _is_whole(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)


class _Accepted(NamedTuple):
    """Whether the client accepts gzip, and uncompressed answers."""

    gzip: bool
    plain: bool


def _accepted_of(scope: Scope) -> _Accepted:
    """Return the codings that the request's ``Accept-Encoding`` accepts, over all lines of the header."""
    lines = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    field = lines[0] if len(lines) == 1 else b",".join(lines)
    return _parsed(field) if len(field) <= _LONGEST else _Accepted(gzip=False, plain=True)


@lru_cache(maxsize=256)
def _parsed(field: bytes) -> _Accepted:
    weights: dict[str, float] = {}
    for element in field.decode("latin-1").lower().split(","):
        if found := _CODING.fullmatch(element):
            weights[found["name"].removeprefix("x-")] = float(found["weight"] or 1)
    others = weights.get("*")
    gzip = weights.get("gzip", others or 0.0)
    plain = weights.get("identity", others)  # None: accepted, but never preferred to gzip
    return _Accepted(gzip=gzip > 0 and gzip >= (plain or 0.0), plain=plain is None or plain > 0)
