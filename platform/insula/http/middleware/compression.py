"""gzip for large answers.

BREACH needs a secret and text of the attacker's choice in one compressed answer, and a browser that
sends the victim's credentials by itself. Ours travel in a header that no foreign page can set, so
answers may be compressed; those of ``/auth``, which hold tokens, are left alone all the same.
Event streams are left alone by Starlette: a compressor would hold events back.
"""

from http import HTTPStatus

from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.http.responses.codings import accepted_of

_SECRET = ("/auth/",)
_JSON, _VARIES = (b"content-type", b"application/json"), (b"vary", b"Accept-Encoding")
_MINIMUM, _LEVEL = 1000, 5  # below, it grows; above level 5, time grows faster than what is saved


class Compression:
    """Compresses what is large and holds no credentials."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app behind the compressor, or without it."""
        if scope["type"] != "http" or scope["path"].startswith(_SECRET):
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, _Answer(self.app, scope, send))


class _Answer:
    """A ``send`` that hands the answer to Starlette's compressor once it is seen not to be a small one."""

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
        accepted = accepted_of(self.scope)
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
    """Whether this is the commonest large answer, of which Starlette would only say that it may vary."""
    return _is_whole(body) and start["status"] == HTTPStatus.OK and _JSON in start["headers"]


def _is_whole(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)
