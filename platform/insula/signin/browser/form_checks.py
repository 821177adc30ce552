"""Checks that a page of this server has sent a form, and that this browser got the page.

Two checks that do not depend on each other: the browser's own headers, and a token that only our page has.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Final

from fastapi import Request

from insula.core.errors import Forbidden
from insula.http.request.headers import headers_of

_OPAQUE: Final = "null"


class ForeignForm(Forbidden):
    """No page of this site has sent this form."""


def check_sender(request: Request) -> None:
    """Raise ForeignForm unless the browser says that a page of the same origin has sent the request.

    Our pages send no referrer, so browsers hide their origin too: ``Origin: null``. That is accepted only if
    ``Sec-Fetch-Site`` is sent. Browsers send it by https, and by http on this machine.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    host = headers_of(request).get(b"host", b"").decode("latin-1")
    is_own = origin is not None and origin.lower() == f"{request.scope['scheme']}://{host}".lower()
    if site is None:
        if not is_own:
            raise ForeignForm
    elif site != "same-origin" or not (is_own or origin is None or origin == _OPAQUE):
        raise ForeignForm


def form_token(secret: str, action: str) -> str:
    """Return the token of a form that is sent to the path ``action``. It does not reveal the cookie's secret."""
    digest = hmac.new(secret.encode(), action.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def has_token(secret: str | None, action: str, given: str) -> bool:
    """Return whether ``given`` is the token for this secret and form."""
    if secret is None:
        return False
    return hmac.compare_digest(form_token(secret, action).encode(), given.encode("utf-8", "surrogatepass"))
