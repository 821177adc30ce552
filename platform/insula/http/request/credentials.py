"""Reads a request's access token or API key, and checks that Host and X-Tenant name the same tenant."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from insula.core.errors import BadRequest, TenantConflict, Unauthenticated
from insula.core.ids import TenantId
from insula.http.kernel import Kernel
from insula.http.request.headers import bearer_token, headers_of, tenant_hints
from insula.identity import Claims, MachineClaims
from insula.identity.credentials.api_keys import PREFIX, PresentedKey, read_key


async def read_credentials(
    connection: HTTPConnection, kernel: Kernel, audience: str
) -> Claims | MachineClaims | PresentedKey:
    """Return the verified claims of a token for ``audience``, or the API key, which is not verified yet.

    Raises Unauthenticated, and BadRequest if the request has both a token and a key.
    """
    headers = headers_of(connection)
    presented = headers.get(b"authorization")
    if presented is not None and b"x-api-key" not in headers:
        known = kernel.verifier.cached(presented, audience)
        if known is not None:
            return known
    text = _only_one(headers)
    if not text.startswith(PREFIX):
        return await kernel.verifier.verify(text, audience)
    return read_key(text)


async def check_hints(connection: HTTPConnection, kernel: Kernel, tenant_id: TenantId | None) -> None:
    """Raise TenantConflict if Host or X-Tenant name another tenant than the credentials."""
    hints = tenant_hints(connection, kernel.settings)
    if hints.host is not None:
        _agree(tenant_id, await kernel.directory.tenant_for_host(hints.host))
    if hints.named is not None:
        _agree(tenant_id, await kernel.directory.tenant_for_name(hints.named))


def _agree(tenant_id: TenantId | None, hint: TenantId | None) -> None:
    # An unknown name gets the same error, so that the answer does not tell whether a tenant exists.
    if hint is None or hint != tenant_id:
        raise TenantConflict


def _only_one(headers: Mapping[bytes, bytes]) -> str:
    key = headers.get(b"x-api-key")
    if key is None:
        return bearer_token(headers)
    if b"authorization" in headers:
        raise BadRequest("Send either Authorization or X-API-Key, once")
    text = key.decode("latin-1")
    if not text.startswith(PREFIX):
        raise Unauthenticated
    return text
