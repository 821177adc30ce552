"""The provider's signature scheme: ``t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">[,v1=…]``.

The SDK's own check bounds clock skew in one direction only and raises TypeError for a non-ASCII signature, so we check
the scheme ourselves; the tests sign with the SDK.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr

from billing.webhooks.errors import SignatureInvalid
from insula.core import clock

TOLERANCE_SECONDS: Final = 300
_MAX_HEADER: Final = 4096
_TIMESTAMP: Final = re.compile(rb"[0-9]{1,12}")


def secrets_of(setting: SecretStr) -> tuple[bytes, ...]:
    """Return the signing secrets in a comma-separated setting. Without any the endpoint is off."""
    return tuple(part.strip().encode() for part in setting.get_secret_value().split(",") if part.strip())


def verify(body: bytes, header: str | None, secrets: Sequence[bytes]) -> None:
    """Raise SignatureInvalid unless one of ``secrets`` signed exactly ``body`` within the tolerance."""
    timestamp, signatures = _parse(header)
    if abs(clock.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureInvalid("The signature's timestamp is too far from now")
    signed = timestamp + b"." + body
    expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in signatures]
    if not any(matches):
        raise SignatureInvalid("No signature matches")


def _parse(header: str | None) -> tuple[bytes, list[bytes]]:
    if header is None or len(header) > _MAX_HEADER:
        raise SignatureInvalid("The signature header is missing or too long")
    pairs = [part.partition(b"=") for part in header.encode("utf-8", "replace").split(b",")]
    timestamps = [value for name, _, value in pairs if name.strip() == b"t"]
    signatures = [value for name, _, value in pairs if name.strip() == b"v1"]
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]) or not signatures:
        raise SignatureInvalid("The signature header needs one timestamp and a v1 signature")
    return timestamps[0], signatures
