"""Redirect URIs: their form at registration, and their comparison, byte for byte but for the port on the device."""

import pytest
from pydantic import TypeAdapter, ValidationError

from insula.identity.oauth.redirect_uris import LONGEST_URI, RedirectUri, is_registered

_FORM: TypeAdapter[str] = TypeAdapter(RedirectUri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/",
        "https://app.example.com:8443/a/b.c?x=1&y=%20",
        "https://localhost/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:5173/callback",
        "http://[::1]:1/",
        "http://localhost:3000/a",
    ],
)
def test_https_and_the_own_device_can_be_registered(uri: str) -> None:
    assert _FORM.validate_python(uri) == uri
    assert is_registered(uri, [uri])


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/",  # not encrypted
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "http://127.0.0.2/",
        "https://user@app.example.com/",
        "https://user:word@app.example.com/",
        "https://app.example.com/#",
        "https://app.example.com/a#b",
        "https://*.example.com/",
        "https://app.example.com/*",
        "https://app.example.com",
        "https://app.example.com?x=1",
        "https://App.example.com/",
        "HTTPS://app.example.com/",
        "https:///a",
        "https://app..example.com/",
        "https://-app.example.com/",
        "https://app.example.com:0/",
        "https://app.example.com:/",
        "https://app.example.com:123456/",
        "https://app.example.com/%2",
        "https://app.example.com/\\evil",
        'https://app.example.com/"',
        "https://app.example.com/'",
        "https://app.example.com/<",
        "https://app.example.com/a b",
        "https://app.example.com/\n",
        "https://app.example.com/\r\nLocation: x",
        "https://app.example.com/\x00",
        "https://app.example.com/ä",
        "https://äpp.example.com/",
        " https://app.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/callback",
        "//app.example.com/",
        "/callback",
        "",
        f"https://app.example.com/{'a' * LONGEST_URI}",
    ],
)
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError):
        _FORM.validate_python(uri)


@pytest.mark.parametrize(
    "presented",
    [
        "https://app.example.com/callback/",
        "https://app.example.com/callbac",
        "https://app.example.com/callback?x=1",
        "https://app.example.com/callback#",
        "https://app.example.com:443/callback",
        "https://app.example.com/Callback",
        "https://app.example.com/%63allback",
        "https://app.example.com/a/../callback",
        "https://user@app.example.com/callback",
        "https://app.example.com.evil.example/callback",
        "http://app.example.com/callback",
        "https://app.example.com/callback ",
        "https://app.example.com/callback\n",
        "",
    ],
)
def test_a_uri_that_differs_in_one_byte_is_not_registered(presented: str) -> None:
    assert not is_registered(presented, ["https://app.example.com/callback"])
    assert is_registered("https://app.example.com/callback", ["https://app.example.com/callback"])


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_on_the_own_device_only_the_port_may_differ(host: str) -> None:
    registered = [f"http://{host}:3000/callback?x=1"]
    for same in (
        f"http://{host}:3000/callback?x=1",
        f"http://{host}:61234/callback?x=1",
        f"http://{host}/callback?x=1",
    ):
        assert is_registered(same, registered)
    for other in (
        f"http://{host}:3000/callback",
        f"http://{host}:3000/callback?x=2",
        f"http://{host}:3000/other?x=1",
        f"https://{host}:3000/callback?x=1",
        f"http://{host}:3000@evil.example/callback?x=1",
        f"http://{host}:300000/callback?x=1",
        f"http://{host}.evil.example/callback?x=1",
        "http://127.0.0.9:3000/callback?x=1",
    ):
        assert not is_registered(other, registered)


def test_one_host_of_the_device_is_not_another() -> None:
    assert not is_registered("http://localhost/callback", ["http://127.0.0.1/callback", "http://[::1]/callback"])
