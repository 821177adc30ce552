"""The strict front of the authorization server: it reads a form before Authlib sees it.

Authlib takes the last of repeated parameters and the first of two client authentications, and fails on bytes that are
no UTF-8. Here each of these is the error that RFC 6749 names, whatever the grant.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error

FORM: Final = "application/x-www-form-urlencoded"
LARGEST_FORM: Final = 16_384
LONGEST_VALUE: Final = 4_096
_MOST_FIELDS: Final = 50
_LONGEST_CREDENTIALS: Final = 1_024
_MEDIA_TYPE: Final = re.compile(rf'{FORM}\s*(?:;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_TEXT: Final = re.compile(r"[ !#-\[\]-~]*")  # printable ASCII without quotes and backslashes: VSCHAR, but for these two
_KNOWN: Final = frozenset(
    {
        *("grant_type", "client_id", "client_secret", "scope", "resource", "redirect_uri", "response_type"),
        *("code", "code_verifier", "refresh_token", "token", "token_type_hint"),
        *("code_challenge", "code_challenge_method", "response_mode", "prompt", "max_age"),
    }
)
_ASSERTIONS: Final = frozenset({"client_assertion", "client_assertion_type"})


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib ships no types
    """RFC 8707: the resource is missing, unknown or not the only one."""

    error = "invalid_target"


class ClientRefusedError(OAuth2Error):  # type: ignore[misc]  # as above
    """Client authentication failed. The answer does not tell whether the client or its secret is wrong."""

    error = "invalid_client"
    description = "The client is unknown, or its credentials are wrong or missing."
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        """Name the way in which clients authenticate."""
        headers: list[tuple[str, str]] = super().get_headers()
        return [*headers, ("WWW-Authenticate", 'Basic realm="oauth"')]


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of a client: its id, and its secret unless it is public."""

    client_id: str
    secret: str | None
    method: str
    """How they came, by its name in RFC 7591."""


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A request to an endpoint for clients: each parameter once, and at most one client authentication."""

    parameters: Mapping[str, str]
    presented: Presented | None


@dataclass(frozen=True, slots=True)
class AuthorizeQuery:
    """The parameters of a request to the authorize endpoint: each that came once, and the fault of the others."""

    parameters: Mapping[str, str]
    fault: OAuth2Error | None
    """The client learns of it, once its redirect URI is known to be its own."""


def read_query(query: bytes) -> AuthorizeQuery:
    """Read the query of the authorize endpoint. Raises InvalidRequestError if none of it can be trusted."""
    pairs = _pairs(query)
    counts = Counter(name for name, _ in pairs)
    fault = _fault(counts, pairs)
    once = {name: value for name, value in pairs if value and counts[name] == 1 and _is_acceptable(name, value)}
    return AuthorizeQuery(once, fault)


def read_form(media_type: str, body: bytes, authorization: Sequence[bytes], query: bytes = b"") -> FormRequest:
    """Read a request. Raises InvalidRequestError, InvalidTargetError and ClientRefusedError."""
    if query:
        raise InvalidRequestError("Parameters belong into the body, not into the URL.")
    if not _MEDIA_TYPE.fullmatch(media_type.strip()):
        raise InvalidRequestError(f"The body must be sent as {FORM}.")
    parameters = _parameters(body)
    basic = _basic(authorization)
    if _ASSERTIONS & parameters.keys():
        raise ClientRefusedError if basic is None else InvalidRequestError(_TWO_WAYS)
    return FormRequest(parameters, _presented(parameters, basic))


_TWO_WAYS: Final = "A client authenticates in one way at a time."


def _parameters(body: bytes) -> dict[str, str]:
    pairs = _pairs(body)
    if (fault := _fault(Counter(name for name, _ in pairs), pairs)) is not None:
        raise fault
    return {name: value for name, value in pairs if value}  # RFC 6749, 3.2: one without a value is omitted


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    if len(encoded) > LARGEST_FORM:
        raise InvalidRequestError("The request is too long.")
    try:
        return parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(encoded),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise InvalidRequestError("The request is no form in percent-encoded UTF-8.") from error


def _fault(counts: Mapping[str, int], pairs: Sequence[tuple[str, str]]) -> OAuth2Error | None:
    for name, count in counts.items():
        if count > 1:
            return InvalidTargetError(_ONE) if name == "resource" else InvalidRequestError("A parameter is repeated.")
    if any(not _is_acceptable(name, value) for name, value in pairs):
        return InvalidRequestError("A parameter is too long, or has characters that it cannot have.")
    return None


_ONE: Final = "Name one resource: the URI of the app that the token is for."


def _is_acceptable(name: str, value: str) -> bool:
    if len(value) > LONGEST_VALUE or "\0" in name or "\0" in value:
        return False
    return name not in _KNOWN or _TEXT.fullmatch(value) is not None


def _basic(authorization: Sequence[bytes]) -> tuple[str, str] | None:
    """Return the id and the secret in the header Authorization, or None without one."""
    if not authorization:
        return None
    if len(authorization) > 1:
        raise InvalidRequestError(_TWO_WAYS)
    scheme, _, encoded = authorization[0].partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > _LONGEST_CREDENTIALS:
        raise ClientRefusedError
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        name, colon, secret = text.partition(":")
        found = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise ClientRefusedError from error
    if not colon or not all(part and _TEXT.fullmatch(part) for part in found):
        raise ClientRefusedError
    return found


def _presented(parameters: Mapping[str, str], basic: tuple[str, str] | None) -> Presented | None:
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if basic is not None:
        if secret is not None or client_id not in (None, basic[0]):
            raise InvalidRequestError(_TWO_WAYS)
        return Presented(*basic, "client_secret_basic")
    if client_id is None:
        return None
    return Presented(client_id, secret, "none" if secret is None else "client_secret_post")
