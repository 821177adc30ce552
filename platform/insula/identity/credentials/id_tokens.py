"""ID tokens of OpenID Connect: they tell one client who the user is, and open no route.

The algorithm is ours, whatever a client asks for. The type is ``JWT``, so no app takes one for an access token.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from joserfc import jws

from insula.core import clock
from insula.core.ids import UserId
from insula.core.settings import Settings
from insula.identity.credentials.claims import Hint
from insula.identity.credentials.signing_keys import ALGORITHM, KeyRing
from insula.identity.credentials.tokens import issuer_of, payload_of

ID_TOKEN_TYPE: Final = "JWT"  # noqa: S105  # a media type, not a secret


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in that an ID token tells of: its user, and the client's session, which is the token's ``sid``."""

    user_id: UserId
    session_id: UUID
    authenticated_at: datetime
    nonce: str | None = None


class IdTokens:
    """Signs ID tokens, and reads those that clients send back as hints."""

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self._issuer = issuer_of(settings)
        self._lifetime = settings.auth.access_token_seconds
        self._keys = keys

    async def issue(self, client_id: UUID, sign_in: SignIn) -> str:
        """Return an ID token for the client. ``auth_time`` is the time of the sign-in, also after a refresh."""
        now = int(clock.timestamp())
        claims: Mapping[str, str | int] = {
            "iss": self._issuer,
            "sub": str(sign_in.user_id),
            "aud": str(client_id),
            "sid": str(sign_in.session_id),
            "iat": now,
            "exp": now + self._lifetime,
            "auth_time": int(sign_in.authenticated_at.timestamp()),
            **({"nonce": sign_in.nonce} if sign_in.nonce is not None else {}),
        }
        key = await self._keys.signer()
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": ID_TOKEN_TYPE}
        return jws.serialize_compact(header, json.dumps(claims), key, [ALGORITHM])

    async def read_hint(self, token: str) -> Hint:
        """Return the claims of an ID token that we issued, expired or not. Raises Unauthenticated.

        The caller must check that the client still exists.
        """
        return Hint.of(await payload_of(token, ID_TOKEN_TYPE, self._keys), self._issuer)
