"""Forged access tokens: any header and claims, signed by any key."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.identity import TokenVerifier
from insula.identity.credentials.signing_keys import KeyRing
from tests.support.apps import audience


@dataclass(frozen=True)
class Forge:
    """Signs tokens that a real issuer never would, with the installation's key unless another is given."""

    settings: Settings
    key: RSAKey

    @classmethod
    async def of(cls, settings: Settings, keys: KeyRing) -> "Forge":
        return cls(settings, await keys.signer())

    def header(self, **changes: object) -> dict[str, object]:
        return {"alg": "RS256", "kid": self.key.kid, "typ": "at+jwt", **changes}

    def claims(self, **changes: object) -> dict[str, object]:
        now = int(clock.timestamp())
        return {
            "iss": self.settings.public_url,
            "aud": audience(self.settings, "tenants"),
            "sub": str(new_id()),
            "sid": str(new_id()),
            "client_id": "insula",
            "jti": str(new_id()),
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            **changes,
        }

    def sign(
        self,
        claims: Mapping[str, object] | bytes | None = None,
        header: Mapping[str, object] | bytes | None = None,
        key: RSAKey | None = None,
    ) -> str:
        """Return a token with a valid RS256 signature by ``key`` and any content."""
        signed = self.unsigned(claims, header)
        private = (key or self.key).private_key
        if not isinstance(private, RSAPrivateKey):
            raise TypeError("a public key cannot sign")
        return f"{signed}.{encode(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def unsigned(
        self, claims: Mapping[str, object] | bytes | None = None, header: Mapping[str, object] | bytes | None = None
    ) -> str:
        return f"{_segment(self.header() if header is None else header)}.{_segment(claims or self.claims())}"


async def refused(verifier: TokenVerifier, token: str, for_audience: str) -> bool:
    try:
        await verifier.verify(token, for_audience)
    except Unauthenticated:
        return True
    return False


def hs256(signed: str, secret: bytes) -> str:
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), sha256).digest())}"


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _segment(value: Mapping[str, object] | bytes) -> str:
    return encode(value if isinstance(value, bytes) else json.dumps(value).encode())
