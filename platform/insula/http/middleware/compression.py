"""gzip for large answers.

BREACH needs a secret and text of the attacker's choice in one compressed answer, and a browser that
sends the victim's credentials by itself. Ours travel in a header that no foreign page can set, so
answers may be compressed; those of ``/auth``, which hold tokens, are left alone all the same.
Event streams are left alone by Starlette: a compressor would hold events back.
"""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_SECRET = ("/auth/",)
_MINIMUM, _LEVEL = 1000, 5  # below, it grows; above level 5, time grows faster than what is saved


class Compression:
    """Compresses what is large and holds no credentials."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.gzip = GZipMiddleware(app, minimum_size=_MINIMUM, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app behind the compressor, or without it."""
        chosen = self.app if scope["type"] != "http" or scope["path"].startswith(_SECRET) else self.gzip
        await chosen(scope, receive, send)
