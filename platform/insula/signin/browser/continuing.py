"""An authorize request that waits until the user has signed in or chosen a tenant.

It stays in the address: ``/auth/sign-in?<the query of /auth/authorize>``, and is checked again at each step. The token
of each form covers the query, so another browser's form cannot finish it. After a sign-in the query gets a proof of it,
for requests that ask for a new one.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from fastapi import Request

from insula.core import clock
from insula.http.kernel import Kernel
from insula.identity import BrowserSession
from insula.identity.oauth.authorize import Asked, asked
from insula.identity.oauth.front import read_query
from insula.signin.browser.form_checks import form_token, has_token
from insula.signin.browser.pages import AUTHORIZE
from insula.signin.clients import find_client

_PROOF: Final = "&signed_in="
_FRESH: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Continuing:
    """A waiting request: its query as it was sent, and the proof that the user has signed in for it."""

    query: str
    proof: str

    @classmethod
    def of(cls, request: Request) -> Self | None:
        """Return the request in the query of a page; None if there is none."""
        query, _, proof = request.scope["query_string"].decode("latin-1").partition(_PROOF)
        return cls(query, proof) if "client_id=" in query else None

    async def asked(self, kernel: Kernel) -> Asked:
        """Return the request with its client. Raises an OAuth2Error, which only a page may show."""
        return await asked(read_query(self.query.encode("latin-1")), find_client(kernel))

    def at(self, path: str) -> str:
        """Return a page's address that keeps the request, and the proof if there is one."""
        return f"{path}?{self.query}{_PROOF}{self.proof}" if self.proof else f"{path}?{self.query}"

    def proven(self, secret: str) -> "Continuing":
        """Return the request with the proof that this session was opened for it, or changed its secret since."""
        return Continuing(self.query, form_token(secret, AUTHORIZE + self.query))

    def is_proven(self, session: BrowserSession) -> bool:
        """Return whether the user signed in for this request, a few minutes ago at most."""
        recent = clock.now() - session.signed_in_at <= _FRESH
        return recent and has_token(session.secret, AUTHORIZE + self.query, self.proof)
