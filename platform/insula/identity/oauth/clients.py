"""A client of the authorization server, as Authlib asks for it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy.util import await_only

from insula.core import clock
from insula.core.ids import TenantId
from insula.identity.oauth.client_secrets import digest_of, is_well_formed
from insula.identity.oauth.redirect_uris import is_registered
from insula.identity.oauth.registration import Grant

_LENGTH_OF_ID: Final = 36


class ClientRecord(Protocol):
    """A live client, as the directory knows it."""

    @property
    def client_id(self) -> UUID:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its name, as users see it."""
        ...

    @property
    def tenant_id(self) -> TenantId | None:
        """Its tenant; None for a client of the platform itself."""
        ...

    @property
    def confidential(self) -> bool:
        """Whether it has a secret."""
        ...

    @property
    def redirect_uris(self) -> Sequence[str]:
        """Its registered redirect URIs."""
        ...

    @property
    def post_logout_redirect_uris(self) -> Sequence[str]:
        """Its registered URIs for after a logout."""
        ...

    @property
    def grants(self) -> frozenset[str]:
        """Its grants, by their names in OAuth."""
        ...

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes that its tokens can have; None for any."""
        ...

    def accepts(self, digest: bytes, now: float) -> bool:
        """Return whether a secret with this digest is valid at ``now``."""
        ...


FindClient = Callable[[UUID], Awaitable[ClientRecord | None]]
"""Finds a live client that may get tokens now."""


def client_of(find: FindClient, client_id: str) -> "Client | None":
    """Return the live client with this id, in its canonical spelling. Run it in a greenlet of Authlib's server."""
    found = client_id_of(client_id)
    record = await_only(find(found)) if found is not None else None
    return Client(record) if record is not None else None


def client_id_of(text: str) -> UUID | None:
    """Return the id in its canonical spelling, or None."""
    if len(text) != _LENGTH_OF_ID:
        return None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


class Client(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """A client as Authlib asks for it."""

    def __init__(self, record: ClientRecord) -> None:
        self.record = record

    def get_client_id(self) -> str:
        """Return its id."""
        return str(self.record.client_id)

    def get_default_redirect_uri(self) -> str | None:
        """Return none: every request names its redirect URI."""
        return None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether the redirect URI is registered."""
        return is_registered(redirect_uri, self.record.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether the secret is the current one, or the previous one during the overlap."""
        return is_well_formed(client_secret) and self.record.accepts(digest_of(client_secret), clock.timestamp())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # Authlib's signature
        """Return whether the client may authenticate in this way: with its secret, or as a public client without."""
        return (method != "none") == self.record.confidential

    def check_response_type(self, response_type: str) -> bool:
        """Return whether the client may ask for this at the authorize step."""
        return response_type == "code" and Grant.AUTHORIZATION_CODE in self.record.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client is registered for the grant."""
        return grant_type in self.record.grants

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the requested scopes. The server has refused others, so nothing is left out silently."""
        return scope or ""
