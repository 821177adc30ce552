"""``WWW-Authenticate``: its parameters, and their quoting."""

from urllib.request import parse_http_list, parse_keqv_list

import pytest

from insula.core.errors import InsufficientScope, Unauthenticated, WrongAudience
from insula.http.errors import TokenExpired
from insula.http.responses.challenges import challenge
from insula.identity import LoginRefused, RefreshTokenRefused

METADATA = "https://app.example.com/.well-known/oauth-protected-resource/api"


def parsed(header: str) -> dict[str, str]:
    scheme, _, parameters = header.partition(" ")
    assert scheme == "Bearer"
    return parse_keqv_list(parse_http_list(parameters))


@pytest.mark.parametrize("error", [Unauthenticated(), WrongAudience(), TokenExpired()])
def test_an_error_code_is_given_only_for_credentials_that_were_sent(error: Unauthenticated) -> None:
    sent = challenge(error, METADATA, sent=True)
    assert parsed(sent) == {"resource_metadata": METADATA, "error": "invalid_token"}
    assert parsed(challenge(error, METADATA, sent=False)) == {"resource_metadata": METADATA}
    assert challenge(error, None, sent=False) == "Bearer"


@pytest.mark.parametrize("error", [LoginRefused(), RefreshTokenRefused()])
def test_other_credentials_than_the_requests_are_no_invalid_token(error: Unauthenticated) -> None:
    assert challenge(error, METADATA, sent=True) == "Bearer"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("rack:read", "rack:read"),
        ('a"b', 'a"b'),
        ("a\\b", "a\\b"),
        ('", error="none', '", error="none'),
        ("a, b=c", "a, b=c"),
        ("100%25", "100%25"),
        ("a\r\nSet-Cookie: b", "a%0D%0ASet-Cookie: b"),
        ("a\0\x7f", "a%00%7F"),
        ("bücher", "b%C3%BCcher"),
    ],
)
def test_a_value_cannot_leave_its_quotes(value: str, read: str) -> None:
    header = challenge(InsufficientScope(value), METADATA, sent=True)
    assert header.isascii()
    assert header.isprintable()
    assert parsed(header) == {"resource_metadata": METADATA, "error": "insufficient_scope", "scope": read}
