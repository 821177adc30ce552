"""Access tokens (RFC 9068): only this module signs them, and only this module decodes tokens."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from insula.core import clock
from insula.core.errors import Unauthenticated, WrongAudience
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings
from insula.identity.credentials.claims import FIRST_PARTY_CLIENT, TOKEN_TYPE, Claims, MachineClaims, TokenProfile
from insula.identity.credentials.signing_keys import ALGORITHM, KeyRing

LONGEST_TOKEN = 8192
_HEADER = frozenset({"alg", "kid", "typ"})
_CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class IssuedTo:
    """The client that gets a user's token. One of the platform itself may do all that the user's role allows."""

    client_id: str
    first_party: bool = False


OURSELVES: Final = IssuedTo(FIRST_PARTY_CLIENT)


class TokenIssuer:
    """Signs access tokens: short-lived, for one audience and at most one tenant."""

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self._issuer = issuer_of(settings)
        self._lifetime = settings.auth.access_token_seconds
        self._keys = keys

    async def issue(
        self,
        *,
        user_id: UserId,
        session_id: UUID,
        audience: str,
        tenant_id: TenantId | None = None,
        scopes: Collection[str] | None = None,
        client: IssuedTo = OURSELVES,
    ) -> str:
        """Return a signed token, limited to the actions in ``scopes`` unless that is None.

        The caller must check that the user and the client may have it.
        """
        return await self._sign(
            {
                "aud": audience,
                "sub": str(user_id),
                "sid": str(session_id),
                "client_id": client.client_id,
                **({"first_party": True} if client.first_party else {}),
                **({"tenant": str(tenant_id)} if tenant_id else {}),
                **({"scope": " ".join(sorted(scopes))} if scopes is not None else {}),
            }
        )

    async def issue_to_machine(
        self, *, client_id: UUID, tenant_id: TenantId, audience: str, scopes: Collection[str]
    ) -> str:
        """Return a signed token of an OAuth client for itself, limited to the actions in ``scopes``.

        The caller must check that the client may have it.
        """
        named = str(client_id)
        scope = " ".join(sorted(scopes))
        return await self._sign(
            {"aud": audience, "sub": named, "client_id": named, "tenant": str(tenant_id), "scope": scope}
        )

    async def _sign(self, claims: Mapping[str, str | bool]) -> str:
        now = int(clock.timestamp())
        payload = {
            "iss": self._issuer,
            **claims,
            "jti": str(new_id()),
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
        }
        key = await self._keys.signer()
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": TOKEN_TYPE}
        return jws.serialize_compact(header, json.dumps(payload), key, [ALGORITHM])


class TokenVerifier:
    """Verifies access tokens, each signature once.

    Verified tokens are cached by the SHA-256 of their Authorization header; when the cache is full, the oldest is
    dropped. The expiry is checked at every use, and a change of the keys empties the cache. The directory knows
    whether the session is still valid.
    """

    def __init__(self, settings: Settings, keys: KeyRing, cached: int = _CACHED_TOKENS) -> None:
        self._profile = TokenProfile(issuer_of(settings), settings.auth.leeway_seconds)
        self._keys = keys
        self._bound = cached
        self._verified: OrderedDict[bytes, Claims | MachineClaims] = OrderedDict()
        self._generation = keys.generation

    async def verify(self, token: str, audience: str) -> Claims | MachineClaims:
        """Return the claims of a token that we issued for ``audience``. Raises Unauthenticated.

        Raises WrongAudience for a valid token for another audience, which its holder can read in the token.
        """
        _check_text(token)
        claims = self.cached(_authorization(token), audience)
        return claims if claims is not None else await self._verify(token, audience)

    async def verify_among(self, token: str, audiences: Collection[str]) -> Claims | MachineClaims:
        """Return the claims of a token that we issued for one of ``audiences``. Raises Unauthenticated."""
        claims = await self._read(token)
        if claims.audience not in audiences:
            raise Unauthenticated
        return claims

    def cached(self, authorization: bytes, audience: str) -> Claims | MachineClaims | None:
        """Return the claims of the token in an Authorization header if it is cached and valid for ``audience``.

        Finds it only if the scheme is spelled ``Bearer``.
        """
        if self._generation != self._keys.generation:
            self.flush()
        if not self._keys.listener_alive and not self._keys.may_use_known_keys():
            return None  # a key may be distrusted without a notification: have the keys read again
        digest = hashlib.sha256(authorization).digest()
        claims = self._verified.get(digest)
        if claims is None or claims.audience != audience:
            return None
        if clock.timestamp() >= claims.expires_at + self._profile.leeway:
            del self._verified[digest]
            return None
        return claims

    def flush(self) -> None:
        """Forget every verified token."""
        self._generation = self._keys.generation
        self._verified.clear()

    async def _verify(self, token: str, audience: str) -> Claims | MachineClaims:
        generation = self._keys.generation
        claims = await self._read(token)
        if claims.audience != audience:
            raise WrongAudience.of(claims.audience, audience)
        if generation == self._keys.generation:
            self._remember(token, claims)
        return claims

    async def _read(self, token: str) -> Claims | MachineClaims:
        return self._profile.read(await payload_of(token, TOKEN_TYPE, self._keys), clock.timestamp())

    def _remember(self, token: str, claims: Claims | MachineClaims) -> None:
        self._verified[hashlib.sha256(_authorization(token)).digest()] = claims
        while len(self._verified) > self._bound:
            self._verified.popitem(last=False)


def _authorization(token: str) -> bytes:
    return b"Bearer " + token.encode()


def issuer_of(settings: Settings) -> str:
    """Return the ``iss`` of our tokens."""
    return settings.public_url.rstrip("/")


async def payload_of(token: str, token_type: str, keys: KeyRing) -> Mapping[str, object]:
    """Return the payload of a token of this type that we signed; its claims are not checked. Raises Unauthenticated."""
    _check_text(token)
    signed = _parse(token)
    key = await keys.find(_kid(signed.headers(), token_type))
    return _payload(signed, key)


def _check_text(token: str) -> None:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise Unauthenticated


def _parse(token: str) -> jws.CompactSignature:
    try:
        return jws.extract_compact(token.encode())
    except (
        JoseError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:  # e.g. a header that is no object
        raise Unauthenticated from error


def _kid(header: object, token_type: str) -> str:
    """Return the ``kid`` of a header with exactly our members.

    Refuses any other member (jwk, jku, x5u, crit, …) without reading it.
    """
    if not isinstance(header, dict) or header.keys() != _HEADER:
        raise Unauthenticated
    kid = header["kid"]
    if header["alg"] != ALGORITHM or header["typ"] != token_type or not isinstance(kid, str):
        raise Unauthenticated
    return kid


def _payload(signed: jws.CompactSignature, key: RSAKey) -> Mapping[str, object]:
    try:
        genuine = jws.validate_compact(signed, key, [ALGORITHM])
        payload = json.loads(signed.payload or b"", parse_constant=_refuse) if genuine else None
    except (JoseError, ValueError, RecursionError) as error:
        raise Unauthenticated from error
    if not isinstance(payload, dict):
        raise Unauthenticated
    return payload


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
