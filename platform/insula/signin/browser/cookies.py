"""The cookies of the sign-in pages.

Where the site is served by https their names begin with ``__Host-``: browsers accept such a cookie only from this very
host and only encrypted, so a page of a sibling domain can neither read nor replace it.
"""

import re
from enum import Enum
from typing import Final

from fastapi import Request, Response

from insula.core.ids import new_secret
from insula.http.kernel import kernel_of
from insula.identity import COOKIE_PREFIX

_FORM_PREFIX: Final = "insula_fs"


class Cookie(Enum):
    """A cookie's name, and the pattern of its secret."""

    SESSION = ("insula_session", COOKIE_PREFIX)
    """The session of a user who is signed in."""

    FORM = ("insula_form", _FORM_PREFIX)
    """A random value for the forms of a visitor who is not signed in."""

    def __init__(self, plain_name: str, prefix: str) -> None:
        self._plain_name = plain_name
        self._secret = re.compile(rf"{prefix}_[A-Za-z0-9_-]{{43}}")

    def read(self, request: Request) -> str | None:
        """Return the secret, or None if there is none or it cannot be one of ours."""
        secret = request.cookies.get(self._name(request), "")
        return secret if self._secret.fullmatch(secret) else None

    def write(self, request: Request, response: Response, secret: str) -> None:
        """Let the browser keep the secret until it is closed."""
        self._write(request, response, secret, None)

    def delete(self, request: Request, response: Response) -> None:
        """Let the browser forget the secret."""
        self._write(request, response, "", 0)

    def _write(self, request: Request, response: Response, secret: str, max_age: int | None) -> None:
        response.set_cookie(
            self._name(request),
            secret,
            max_age=max_age,
            path="/",
            secure=_is_https(request),
            httponly=True,
            samesite="lax",  # a link from another site leads to a signed-in page; its forms are refused
        )

    def _name(self, request: Request) -> str:
        return f"__Host-{self._plain_name}" if _is_https(request) else self._plain_name


def new_form_secret() -> str:
    """Return a new secret for the forms of a visitor."""
    return new_secret(_FORM_PREFIX)


def _is_https(request: Request) -> bool:
    """Return whether the cookies are for https only; a proxy that hides the scheme makes no cookie less safe."""
    return request.scope["scheme"] == "https" or kernel_of(request).settings.public_url.startswith("https://")
