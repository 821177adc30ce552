"""The host names that a tenant may add."""

import pytest

from insula.core.settings import Settings
from insula.tenancy import LONGEST_HOST, is_within, public_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("shop.example.com", "shop.example.com"),
        (" Shop.EXAMPLE.com. ", "shop.example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        ("faß.de", "xn--fa-hia.de"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("xn--bcher-kva.example.com", "xn--bcher-kva.example.com"),
        ("shop。example。com", "shop.example.com"),
        ("1.2.3.4.com", "1.2.3.4.com"),
    ],
)
def test_a_public_host_is_normalized_to_its_dns_form(text: str, host: str) -> None:
    assert public_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "com",
        "localhost",
        "127.0.0.1",
        "10.1",
        "0x7f.1",
        "[::1]",
        "::1",
        "a..example.com",
        "-a.example.com",
        "a-.example.com",
        "a_b.example.com",
        "*.example.com",
        "a b.example.com",
        "example.com:443",
        "example.com..",
        "http://example.com",
        "example.com/path",
        "user@example.com",
        "\\097.example.com",
        "a\u200db.example.com",
        f"{'x' * 64}.example.com",
        f"{'a.' * 120}com",
        "é" * 300,
    ],
)
def test_a_host_that_is_not_public_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        public_host(text)


@pytest.mark.parametrize("domain", ["localhost", "test", "example", "invalid", "local", "internal", "onion", "arpa"])
def test_a_reserved_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        public_host(f"shop.{domain}")


def test_the_longest_host_leaves_room_for_the_challenge() -> None:
    longest = ".".join(["a" * 57] * 4) + ".com"
    assert len(longest) == LONGEST_HOST
    assert public_host(longest) == longest
    with pytest.raises(ValueError, match="characters"):
        public_host(f"x.{longest}")


def test_a_domain_contains_itself_and_its_subdomains() -> None:
    assert is_within("insula.dev", "insula.dev")
    assert is_within("acme.insula.dev", "insula.dev")
    assert not is_within("notinsula.dev", "insula.dev")


def test_the_installations_host_names_are_normalized_like_those_of_requests() -> None:
    settings = Settings.model_validate(
        {
            "base_domain": "fußball.de",
            "public_url": "https://app.fußball.de:8443",
            "http": {"allowed_hosts": "tor.fußball.de, example.com"},
        }
    )
    assert settings.base_domain == "xn--fuball-cta.de"
    assert settings.public_url == "https://app.xn--fuball-cta.de:8443"
    assert settings.http.allowed_hosts == ("tor.xn--fuball-cta.de", "example.com")
