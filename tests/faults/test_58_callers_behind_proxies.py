"""Fault 58: forwarded addresses with ports, in IPv6, quoted, many, forged: the right one is counted and logged."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.types import ASGIApp

from insula.asgi import create_app
from insula.core.settings import Settings
from insula.signin import ThrottleRates
from tests.http.probe import build, client_of, configured
from tests.support.app import PASSWORD, Live
from tests.support.apps import audience
from tests.support.factories import Factories

PROXY, STRANGER = "10.1.2.3", "203.0.113.9"
NETWORKS = "10.0.0.0/8, 2001:db8:ffff::/48"
X_FORWARDED = build(configured(trusted_proxies=NETWORKS))
FORWARDED = build(configured(trusted_proxies=NETWORKS, forwarding_headers="forwarded"))
V6 = "2001:db8::17"

Lines = Sequence[tuple[str, str]]


async def _see(app: ASGIApp, lines: Lines, peer: str = PROXY) -> httpx.Response:
    async with client_of(app, peer=peer) as client:
        return await client.get("/api/v1/see", headers=httpx.Headers(list(lines)))


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        ("203.0.113.7:51000", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        (f"[{V6}]:51000", V6),
        (f"[{V6}]", V6),
        (V6, V6),
        ("2001:DB8:0:0::17", V6),
        (f'"[{V6}]:51000"', V6),
        ('"203.0.113.7:51000"', "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:cb00:7107]:443", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth1]:80", "fe80::1"),
        ("203.0.113.7:_port", "203.0.113.7"),
        ("  203.0.113.7:1 ,\t10.4.4.4:80  ", "203.0.113.7"),
        ("unknown, 203.0.113.7:1", "203.0.113.7"),
        ('"198.51.100.1, 203.0.113.7:1', "203.0.113.7"),
        ("203.0.113.7, , ", "203.0.113.7"),
        ("203.0.113.7, [2001:db8:ffff::5]:80, ::ffff:10.1.1.1", "203.0.113.7"),
    ],
)
async def test_the_caller_is_the_address_that_the_proxy_names(header: str, caller: str) -> None:
    named = await _see(X_FORWARDED, [("x-forwarded-for", header)])
    forged = await _see(X_FORWARDED, [("x-forwarded-for", header)], peer=STRANGER)

    assert named.json()["client"] == caller
    assert forged.json()["client"] == STRANGER


@pytest.mark.parametrize(
    "header",
    [
        *("unknown", "_hidden", "nonsense", "", " , ", "203.0.113.7:port", "203.0.113.7:123456", "203.0.113.7:"),
        *("203.0.113.256", "203.0.113", "203.0.113.07", f"[{V6}", f"{V6}]", f"[{V6}]x", "[203.0.113.7", ":51000"),
        *("localhost", "203.0.113.7;203.0.113.8", '"203.0.113.7', "203.0.113.7/32", "203.0.113.7 203.0.113.8"),
        *("198.51.100.1, unknown", "198.51.100.1, _hidden, 10.1.1.1", "a" * 5000),
    ],
)
async def test_an_unreadable_caller_address_is_refused_and_not_replaced_by_the_proxys(header: str) -> None:
    refused = await _see(X_FORWARDED, [("x-forwarded-for", header)])
    ignored = await _see(X_FORWARDED, [("x-forwarded-for", header)], peer=STRANGER)
    served = await _see(X_FORWARDED, [("x-forwarded-for", f"{header}, 203.0.113.7:1")])

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_forwarding")
    assert header not in refused.text or not header.strip(" ,")
    assert ignored.json()["client"] == STRANGER
    assert served.json()["client"] == "203.0.113.7"


async def test_several_header_lines_form_one_list() -> None:
    lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7:1, 10.1.1.1")]

    assert (await _see(X_FORWARDED, lines)).json()["client"] == "203.0.113.7"
    assert (await _see(X_FORWARDED, [*lines, ("x-forwarded-for", "unknown")])).status_code == 400


async def test_scheme_and_host_are_those_of_the_callers_request() -> None:
    lines = [
        ("x-forwarded-for", "198.51.100.1, 203.0.113.7:1, 10.1.1.1"),
        ("x-forwarded-proto", "http, HTTPS, http"),
        ("x-forwarded-host", "evil.example, shop.localhost, inner.localhost"),
    ]
    one = [("x-forwarded-for", "203.0.113.7, 10.1.1.1"), ("x-forwarded-proto", "https")]

    first, second = await _see(X_FORWARDED, lines), await _see(X_FORWARDED, one)

    assert first.json() == {"client": "203.0.113.7", "scheme": "https", "host": "shop.localhost", "forwarded": []}
    assert (second.json()["scheme"], second.json()["host"]) == ("https", "localhost")


async def test_an_invalid_scheme_is_refused() -> None:
    refused = await _see(X_FORWARDED, [("x-forwarded-proto", "gopher")])
    ignored = await _see(X_FORWARDED, [("x-forwarded-proto", "gopher")], peer=STRANGER)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_forwarding")
    assert ignored.json()["scheme"] == "http"


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ('For="203.0.113.7:51000"; Proto=http', "203.0.113.7"),
        (f'for="[{V6}]:51000";by=_edge', V6),
        (f"for=[{V6}]", V6),
        ('for="\\203.0.113.7"', "203.0.113.7"),
        ('for=unknown, for="_a, b", for=203.0.113.7;, ,for=10.1.1.1;by="a;b"', "203.0.113.7"),
    ],
)
async def test_the_forwarded_header_is_read_if_the_settings_say_so(header: str, caller: str) -> None:
    forged = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-host", "evil.localhost")]
    named = await _see(FORWARDED, [("forwarded", header), *forged])
    elsewhere = await _see(X_FORWARDED, [("forwarded", header), ("x-forwarded-for", "198.51.100.1")])
    stranger = await _see(FORWARDED, [("forwarded", header)], peer=STRANGER)

    assert (named.json()["client"], named.json()["host"]) == (caller, "localhost")
    assert elsewhere.json()["client"] == "198.51.100.1"
    assert stranger.json()["client"] == STRANGER


@pytest.mark.parametrize(
    "header",
    [
        *(
            "",
            "for=unknown",
            "for=_hidden",
            'for="";proto=https',
            "for",
            "for=",
            "for=203.0.113.7;for=203.0.113.8",
            "=1",
        ),
        *('for="203.0.113.7', "for=203.0.113.7 for=203.0.113.8", "for = 203.0.113.7", "203.0.113.7"),
        'for="203.0.113.8, for="[2001:db8::17]:80"',  # an open quote before the proxy's own element
        'for=203.0.113.8, for=", for="[2001:db8::17]:80"',
    ],
)
async def test_an_invalid_forwarded_header_is_refused(header: str) -> None:
    refused = await _see(FORWARDED, [("forwarded", header)])

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_forwarding")


@pytest.mark.parametrize(
    ("header", "caller", "scheme"),
    [
        ("proto=https", PROXY, "https"),
        ("for=198.51.100.1;proto=http, by=_edge;proto=https", PROXY, "https"),
        ("for=198.51.100.1, by=_edge", PROXY, "http"),
        ("for=198.51.100.1;host=evil.example, proto=https, for=10.1.1.1;proto=http", "10.1.1.1", "https"),
        ("proto=https, for=203.0.113.7", "203.0.113.7", "http"),
    ],
)
async def test_an_element_without_a_usable_for_ends_the_list(header: str, caller: str, scheme: str) -> None:
    named = await _see(FORWARDED, [("forwarded", header)])
    stranger = await _see(FORWARDED, [("forwarded", header)], peer=STRANGER)

    assert named.json() == {"client": caller, "scheme": scheme, "host": "localhost", "forwarded": []}
    assert (stranger.json()["client"], stranger.json()["scheme"]) == (STRANGER, "http")


async def test_scheme_and_host_come_from_the_callers_forwarded_element() -> None:
    header = 'for=1.1.1.1;host=evil.example, for=203.0.113.7;proto=https;host="shop.localhost", for=10.1.1.1;proto=http'
    seen = await _see(FORWARDED, [("forwarded", header)])

    assert seen.json() == {"client": "203.0.113.7", "scheme": "https", "host": "shop.localhost", "forwarded": []}


@pytest.mark.parametrize(("peer", "caller"), [("::ffff:203.0.113.9", STRANGER), ("fe80::1%eth0", "fe80::1")])
async def test_a_caller_without_a_proxy_has_one_address_too(peer: str, caller: str) -> None:
    assert (await _see(X_FORWARDED, [], peer=peer)).json()["client"] == caller


async def test_an_attacker_behind_the_proxy_locks_out_nobody_else(
    live: Live, make: Factories, settings: Settings
) -> None:
    victim, limit = await make.user(PASSWORD), ThrottleRates().by_account_and_address
    guess = {"email": victim.email, "password": "a guess", "resource": audience(settings, "tenants")}
    http = settings.http.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)})
    behind = Live(create_app(settings.model_copy(update={"http": http})), live.kernel)
    async with client_of(behind, settings.public_url, peer=PROXY) as client:
        attacker = {"x-forwarded-for": "203.0.113.66:51000"}
        guesses = [await client.post("/auth/login", json=guess, headers=attacker) for _ in range(limit + 1)]
        moved = await client.post("/auth/login", json=guess, headers={"x-forwarded-for": "203.0.113.66:51001"})
        mine = {**guess, "password": PASSWORD}
        owner = await client.post("/auth/login", json=mine, headers={"x-forwarded-for": "203.0.113.77:51000"})

    assert [answer.status_code for answer in guesses[-2:]] == [401, 429]
    assert moved.status_code == 429
    assert owner.status_code == 200
