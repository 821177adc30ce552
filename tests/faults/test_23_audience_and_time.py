"""Fault 23: a token is accepted only by the app of its audience, within its time, and with every claim."""

import httpx
import pytest

from insula.callers import RoleCallers
from insula.core import clock
from insula.core.settings import Settings
from insula.http.routing.guards import RoleGuard, TenantGuard
from tests.isolation.matrix.routes import live_routes
from tests.support.app import Live
from tests.support.apps import INSTALLATION, audience
from tests.support.factories import Factories
from tests.support.tokens import Forge


def first_read_of(app: str) -> str:
    """Return the path of a guarded GET without parameters, which shows whether the app accepts a token."""
    for route in live_routes().values():
        plain = route.app == app and route.method == "GET" and "{" not in route.template
        if plain and isinstance(route.guard, TenantGuard | RoleGuard):
            return route.mount + route.template
    raise LookupError(f"no route of {app} shows whether a token is accepted")


PATHS: dict[str, str] = {app.name: first_read_of(app.name) for app in INSTALLATION.apps}


class Holder:
    """A tenant's owner with the strongest role of every other kind, so that only the token's audience decides."""

    def __init__(self, client: httpx.AsyncClient, forge: Forge, claims: dict[str, object]) -> None:
        self.client, self.forge, self.claims = client, forge, claims

    async def status(self, app: str, **changes: object) -> int:
        claims = {name: value for name, value in {**self.claims, **changes}.items() if value is not ...}
        headers = {"Authorization": f"Bearer {self.forge.sign(claims)}"}
        return (await self.client.get(PATHS[app], headers=headers)).status_code


@pytest.fixture
async def holder(client: httpx.AsyncClient, live: Live, settings: Settings, make: Factories) -> Holder:
    tenant = await make.tenant(plan="pro", entitlements={"requests_per_minute": 60_000})
    user = await make.staff(user=await make.member(tenant, role="owner"))
    for kind in (kind for app in INSTALLATION.apps for kind in app.callers if isinstance(kind, RoleCallers)):
        await make.insert(kind.model(user_id=user.id, role=next(iter(kind.roles))))
    forge = await Forge.of(settings, live.kernel.keys)
    session_id = await make.session(user)
    return Holder(client, forge, forge.claims(sub=str(user.id), sid=str(session_id), tenant=str(tenant.id)))


@pytest.mark.parametrize("app_name", PATHS)
@pytest.mark.parametrize("audience_of", PATHS)
async def test_a_token_is_accepted_only_by_the_app_of_its_audience(
    holder: Holder, settings: Settings, app_name: str, audience_of: str
) -> None:
    status = await holder.status(app_name, aud=audience(settings, audience_of))

    assert status == (200 if app_name == audience_of else 401)


async def test_a_cached_token_is_refused_by_other_apps(holder: Holder, settings: Settings) -> None:
    token = holder.forge.sign({**holder.claims, "aud": audience(settings, "tenants")})

    async def status(app: str) -> int:
        return (await holder.client.get(PATHS[app], headers={"Authorization": f"Bearer {token}"})).status_code

    others = [app for app in PATHS if app != "tenants"]
    assert await status("tenants") == 200
    assert [await status(app) for app in others] == [401] * len(others)
    assert await status("tenants") == 200


@pytest.mark.parametrize("aud", ["{url}", "{url}/", "{url}/api/", "{url}/api/v1", "*", "", ["{url}/api"]])
async def test_an_audience_must_match_exactly(holder: Holder, settings: Settings, aud: str | list[str]) -> None:
    value = aud.format(url=settings.public_url) if isinstance(aud, str) else [aud[0].format(url=settings.public_url)]

    assert await holder.status("tenants") == 200
    assert await holder.status("tenants", aud=value) == 401


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "sid", "client_id"])
async def test_every_claim_is_required(holder: Holder, name: str) -> None:
    assert await holder.status("tenants") == 200
    assert await holder.status("tenants", **{name: ...}) == 401


@pytest.mark.parametrize("value", [10**400, True, -1, "9999999999", None, float("inf"), float("nan")])
async def test_an_invalid_expiry_is_refused(holder: Holder, value: object) -> None:
    assert await holder.status("tenants", exp=value) == 401


async def test_expiry_and_not_before_allow_the_leeway_and_no_more(holder: Holder, settings: Settings) -> None:
    leeway, now = settings.auth.leeway_seconds, clock.timestamp()

    assert await holder.status("tenants", exp=now - leeway + 3) == 200
    assert await holder.status("tenants", exp=now - leeway) == 401
    assert await holder.status("tenants", nbf=now + leeway - 1) == 200
    assert await holder.status("tenants", nbf=now + leeway + 10) == 401
    assert await holder.status("tenants", iat=now + leeway + 10) == 401
