"""The required claims of a correctly signed token."""

import json
from datetime import timedelta

import pytest

from insula.core import clock
from insula.core.ids import UserId, new_id
from insula.core.settings import Settings
from insula.identity import TokenIssuer, TokenVerifier
from tests.support.tokens import Forge, refused

LEEWAY = 5


class TestClaims:
    @pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "sid", "client_id"])
    async def test_every_claim_is_required(
        self, forge: Forge, verifier: TokenVerifier, ours: str, missing: str
    ) -> None:
        claims = forge.claims()
        assert not await refused(verifier, forge.sign(claims), ours)

        del claims[missing]

        assert await refused(verifier, forge.sign(claims), ours)

    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    @pytest.mark.parametrize(
        "value", [10**400, -1, True, "2000000000", None, [1], {"a": 1}, float("nan"), float("inf"), 2**53 + 1]
    )
    async def test_a_time_that_is_no_valid_number_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, name: str, value: object
    ) -> None:
        assert await refused(verifier, forge.sign(forge.claims(**{name: value})), ours)

    @pytest.mark.parametrize("literal", [b"1e400", b"-1e400", b"9" * 5000, b"1e-400"])
    async def test_a_time_out_of_every_range_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, literal: bytes
    ) -> None:
        payload = json.dumps(forge.claims(exp="here")).encode().replace(b'"here"', literal)

        assert await refused(verifier, forge.sign(payload), ours)

    @pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "jti", "client_id", "tenant", "scope"])
    @pytest.mark.parametrize("value", [1, None, True, ["x"], {"a": 1}, "x" * 5000])
    async def test_a_claim_that_is_no_valid_text_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, name: str, value: object
    ) -> None:
        assert await refused(verifier, forge.sign(forge.claims(**{name: value})), ours)

    @pytest.mark.parametrize("name", ["sub", "sid", "tenant"])
    async def test_an_id_in_another_spelling_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, name: str
    ) -> None:
        value = new_id()
        assert not await refused(verifier, forge.sign(forge.claims(**{name: str(value)})), ours)

        for spelling in (value.hex, str(value).upper(), f"{{{value}}}", value.urn, "", "*", "0"):
            assert await refused(verifier, forge.sign(forge.claims(**{name: spelling})), ours), spelling

    async def test_the_issuer_must_match_exactly(
        self, forge: Forge, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        for issuer in (f"{settings.public_url}/", settings.public_url.upper(), "https://attacker.example"):
            assert await refused(verifier, forge.sign(forge.claims(iss=issuer)), ours)

    async def test_a_list_of_audiences_is_refused(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        assert await refused(verifier, forge.sign(forge.claims(aud=[ours])), ours)

    @pytest.mark.parametrize("payload", [b"[]", b"1", b'"x"', b"null", b"", b"{", b"\xff", b"[" * 5000])
    async def test_a_payload_that_is_no_object_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, payload: bytes
    ) -> None:
        assert await refused(verifier, forge.sign(payload or b" "), ours)


class TestTime:
    async def test_expiry_allows_the_leeway_and_no_more(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        now = clock.timestamp()

        assert not await refused(verifier, forge.sign(forge.claims(exp=now - LEEWAY + 2)), ours)
        assert await refused(verifier, forge.sign(forge.claims(exp=now - LEEWAY)), ours)

    @pytest.mark.parametrize("name", ["nbf", "iat"])
    async def test_times_in_the_future_are_allowed_within_the_leeway(
        self, forge: Forge, verifier: TokenVerifier, ours: str, name: str
    ) -> None:
        now = clock.timestamp()

        assert not await refused(verifier, forge.sign(forge.claims(**{name: now + LEEWAY - 0.1})), ours)
        assert await refused(verifier, forge.sign(forge.claims(**{name: now + LEEWAY + 2})), ours)

    async def test_a_cached_token_expires(
        self, issuer: TokenIssuer, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        token = await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=ours)
        assert not await refused(verifier, token, ours)

        with clock.moved(timedelta(seconds=settings.auth.access_token_seconds + LEEWAY + 1)):
            assert verifier.cached(b"Bearer " + token.encode(), ours) is None
            assert await refused(verifier, token, ours)


class TestMachines:
    """Tokens that OAuth clients get for themselves: without a session, with the client named twice."""

    @staticmethod
    def claims(forge: Forge, **changes: object) -> dict[str, object]:
        client = str(new_id())
        found = forge.claims(sub=client, client_id=client, tenant=str(new_id()), scope="rack:read") | changes
        del found["sid"]
        return found

    @pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "client_id", "tenant"])
    async def test_every_claim_is_required(
        self, forge: Forge, verifier: TokenVerifier, ours: str, missing: str
    ) -> None:
        claims = self.claims(forge)
        assert not await refused(verifier, forge.sign(claims), ours)
        del claims[missing]
        assert await refused(verifier, forge.sign(claims), ours)

    async def test_the_client_is_the_subject(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        for wrong in ({"sub": str(new_id())}, {"client_id": str(new_id())}, {"client_id": "insula"}, {"sub": "insula"}):
            assert await refused(verifier, forge.sign(self.claims(forge, **wrong)), ours)

    async def test_without_scope_it_may_do_nothing(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        claims = self.claims(forge)
        del claims["scope"]
        assert (await verifier.verify(forge.sign(claims), ours)).scopes == frozenset()

    async def test_a_users_token_without_its_session_is_no_machines(
        self, forge: Forge, verifier: TokenVerifier, ours: str
    ) -> None:
        claims = forge.claims(tenant=str(new_id()))
        assert not await refused(verifier, forge.sign(claims), ours)
        del claims["sid"]
        assert await refused(verifier, forge.sign(claims), ours)
