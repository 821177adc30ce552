"""Fault 3: an encoded path reaches the same app, with the same authorisation, as the plain path."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories

PLAIN = "/admin/v1/tenants"
ENCODED = ("/%61dmin/v1/tenants", "/admin%2fv1/tenants", "/admin%2Fv1%2Ftenants", "/%61%64%6d%69%6e/v1/%74enants")
# Paths are decoded once and not normalized, so these match no route.
OTHER = (
    "/%2561dmin/v1/tenants",
    "/x/../admin/v1/tenants",
    "/x/%2e%2e/admin/v1/tenants",
    "//admin/v1/tenants",
    "/ADMIN/v1/tenants",
)


@pytest.fixture(scope="module")
def address(settings: Settings) -> object:
    with serving(settings) as url:
        yield url


def _status(address: str, path: str, headers: dict[str, str]) -> int:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


async def test_encoded_paths_are_authorised_like_the_plain_one(address: str, make: Factories, sign_in: SignIn) -> None:
    tenant = await make.tenant()
    owner, staff = await make.member(tenant, role="owner"), await make.staff()
    nobody: dict[str, str] = {}
    elsewhere = await sign_in(owner, tenant)  # an owner's token for another app
    no_staff = await sign_in(owner, None, "admin")
    rightful = await sign_in(staff, None, "admin")

    for path in (PLAIN, *ENCODED):
        found = [_status(address, path, who) for who in (nobody, elsewhere, no_staff, rightful)]
        assert (path, found) == (path, [401, 401, 403, 200])


async def test_paths_that_only_look_alike_are_not_found(address: str, make: Factories, sign_in: SignIn) -> None:
    rightful = await sign_in(await make.staff(), None, "admin")

    assert [_status(address, path, rightful) for path in OTHER] == [404] * len(OTHER)
    assert _status(address, PLAIN, rightful) == 200
