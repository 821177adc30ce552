"""Fault 22: a token that we did not issue, or issued for another purpose, is refused."""

from collections.abc import Callable

import httpx
import pytest
from joserfc.jwk import RSAKey

from insula.core.ids import new_id
from insula.core.settings import Settings
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, UserRow
from tests.support.tokens import Forge, hs256

STRANGER = RSAKey.generate_key(2048)
Forgery = Callable[[Forge, dict[str, object]], str]


def confused(forge: Forge, claims: dict[str, object]) -> str:
    return hs256(forge.unsigned(claims, forge.header(alg="HS256")), forge.key.as_pem(private=False))


def embedded(forge: Forge, claims: dict[str, object]) -> str:
    header = forge.header(kid=STRANGER.thumbprint(), jwk=STRANGER.as_dict(private=False))
    return forge.sign(claims, header, STRANGER)


FORGERIES: dict[str, Forgery] = {
    "unsigned": lambda forge, claims: f"{forge.unsigned(claims, forge.header(alg='none'))}.",
    "signed by the public key": confused,
    "signed by a stranger": lambda forge, claims: forge.sign(claims, key=STRANGER),
    "with its own key": embedded,
    "with a key elsewhere": lambda forge, claims: forge.sign(claims, forge.header(jku="https://attacker.example/")),
    "with a critical extension": lambda forge, claims: forge.sign(claims, forge.header(crit=["exp"])),
    "with a path for a key": lambda forge, claims: forge.sign(claims, forge.header(kid="../../../../dev/null")),
    "of another type": lambda forge, claims: forge.sign(claims, forge.header(typ="JWT")),
    "of another issuer": lambda forge, claims: forge.sign({**claims, "iss": "https://issuer.example"}),
    "an ID token": lambda forge, claims: forge.sign({**claims, "nonce": "n"}, forge.header(typ="id+jwt")),
}


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user()


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_is_refused(
    client: httpx.AsyncClient, live: Live, settings: Settings, make: Factories, user: UserRow, name: str
) -> None:
    forge = await Forge.of(settings, live.kernel.keys)
    claims = forge.claims(sub=str(user.id), sid=str(await make.session(user)))

    genuine = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {forge.sign(claims)}"})
    forged = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {FORGERIES[name](forge, claims)}"})

    assert (genuine.status_code, genuine.json()["id"]) == (200, str(user.id))
    assert (forged.status_code, forged.json()["code"]) == (401, "unauthenticated")
    assert forged.headers["www-authenticate"].startswith("Bearer")


async def test_a_correctly_signed_token_without_a_session_is_refused(
    client: httpx.AsyncClient, live: Live, settings: Settings, sign_in: SignIn, user: UserRow
) -> None:
    forge = await Forge.of(settings, live.kernel.keys)
    token = forge.sign(forge.claims(sub=str(user.id), sid=str(new_id())))

    assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await client.get("/api/v1/me", headers=await sign_in(user))).status_code == 200
