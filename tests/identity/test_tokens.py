"""The tokens that the verifier accepts, and those that it refuses."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

from insula.core.errors import Unauthenticated, WrongAudience
from insula.core.ids import TenantId, UserId, new_id
from insula.core.settings import Settings
from insula.http.responses.challenges import challenge
from insula.identity import Claims, TokenIssuer, TokenVerifier
from insula.identity.credentials.tokens import LONGEST_TOKEN
from tests.support.apps import audience
from tests.support.tokens import Forge, encode, hs256, refused


class TestIssue:
    async def test_a_token_has_the_claims_that_it_was_issued_with(
        self, issuer: TokenIssuer, verifier: TokenVerifier, ours: str
    ) -> None:
        user_id, session_id, tenant_id = UserId(new_id()), new_id(), TenantId(new_id())
        token = await issuer.issue(
            user_id=user_id, session_id=session_id, audience=ours, tenant_id=tenant_id, scopes={"b", "a"}
        )

        claims = await verifier.verify(token, ours)

        assert claims == Claims(
            user_id, session_id, tenant_id, ours, frozenset({"a", "b"}), claims.expires_at, claims.token_id
        )
        assert str(UUID(claims.token_id)) == claims.token_id

    @pytest.mark.parametrize("scopes", [None, frozenset(), frozenset({"rack:read"})])
    async def test_a_token_has_the_scopes_that_it_was_issued_with(
        self, issuer: TokenIssuer, verifier: TokenVerifier, ours: str, scopes: frozenset[str] | None
    ) -> None:
        token = await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=ours, scopes=scopes)
        assert (await verifier.verify(token, ours)).scopes == scopes

    async def test_a_token_is_verified_for_one_of_several_audiences(
        self, issuer: TokenIssuer, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        user_id, session_id, others = UserId(new_id()), new_id(), audience(settings, "admin")
        token = await issuer.issue(user_id=user_id, session_id=session_id, audience=ours)

        assert (await verifier.verify_among(token, {others, ours})).audience == ours
        for elsewhere in ({others}, {ours + "/"}, set[str]()):
            with pytest.raises(Unauthenticated):
                await verifier.verify_among(token, elsewhere)

    async def test_every_token_has_another_id(self, issuer: TokenIssuer, verifier: TokenVerifier, ours: str) -> None:
        user_id, session_id = UserId(new_id()), new_id()
        tokens = [await issuer.issue(user_id=user_id, session_id=session_id, audience=ours) for _ in range(3)]

        assert len({(await verifier.verify(token, ours)).token_id for token in tokens}) == 3


class TestSignature:
    async def test_a_genuine_token_is_accepted(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        assert not await refused(verifier, forge.sign(), ours)

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
    async def test_an_unsigned_token_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, algorithm: str
    ) -> None:
        header = forge.header(alg=algorithm)

        assert await refused(verifier, f"{forge.unsigned(header=header)}.", ours)
        assert await refused(verifier, forge.sign(header=header), ours)

    async def test_a_token_signed_with_the_public_key_as_secret_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str
    ) -> None:
        pem = forge.key.as_pem(private=False)
        der = forge.key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for algorithm in ("HS256", "RS256"):
            unsigned = forge.unsigned(header=forge.header(alg=algorithm))
            for secret in (pem, pem.strip(), der):
                assert await refused(verifier, hs256(unsigned, secret), ours)

    async def test_another_key_with_a_known_key_id_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str
    ) -> None:
        assert await refused(verifier, forge.sign(key=RSAKey.generate_key(2048)), ours)

    async def test_a_changed_token_is_refused(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        header, payload, signature = forge.sign().split(".")
        other = forge.unsigned(forge.claims(sub=str(new_id()))).split(".")[1]

        assert await refused(verifier, f"{header}.{other}.{signature}", ours)
        assert await refused(verifier, f"{header}.{payload}.{signature[:-4]}", ours)
        assert await refused(verifier, f"{header}.{payload}.", ours)
        assert await refused(verifier, f"{header}.{payload}.{signature}.", ours)
        assert await refused(verifier, f"{header}.{payload}.{signature}=", ours)


class TestHeader:
    @pytest.mark.parametrize(
        "member",
        [
            {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
            {"jku": "https://attacker.example/jwks.json"},
            {"x5u": "https://attacker.example/chain.pem"},
            {"x5c": ["MIIB"]},
            {"crit": ["exp"]},
            {"crit": []},
            {"b64": False, "crit": ["b64"]},
            {"cty": "JWT"},
            {"zip": "DEF"},
            {"unheard-of": 1},
        ],
    )
    async def test_an_unexpected_header_member_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, member: dict[str, object]
    ) -> None:
        assert await refused(verifier, forge.sign(header=forge.header(**member)), ours)

    async def test_a_key_in_the_header_is_not_used(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        stranger = RSAKey.generate_key(2048)
        header = forge.header(kid=stranger.thumbprint(), jwk=stranger.as_dict(private=False))

        assert await refused(verifier, forge.sign(header=header, key=stranger), ours)

    @pytest.mark.parametrize(
        "kid", ["../../../dev/null", "/dev/null", "' or 1=1 --", "", "\x00", "A" * 300, None, 1, ["x"], {"a": 1}, True]
    )
    async def test_an_unknown_key_id_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, kid: object
    ) -> None:
        assert await refused(verifier, forge.sign(header=forge.header(kid=kid)), ours)

    @pytest.mark.parametrize("kind", ["JWT", "jwt", "AT+JWT", "application/at+jwt", "", None, ["at+jwt"]])
    async def test_another_type_of_token_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, kind: object
    ) -> None:
        assert await refused(verifier, forge.sign(header=forge.header(typ=kind)), ours)

    @pytest.mark.parametrize("missing", ["alg", "kid", "typ"])
    async def test_a_missing_member_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, missing: str
    ) -> None:
        header = {name: value for name, value in forge.header().items() if name != missing}

        assert await refused(verifier, forge.sign(header=header), ours)

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", 256, None, ["RS256"]])
    async def test_another_algorithm_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, algorithm: object
    ) -> None:
        assert await refused(verifier, forge.sign(header=forge.header(alg=algorithm)), ours)

    @pytest.mark.parametrize("header", [b"[]", b'["alg"]', b'"alg"', b"1", b"null", b"{", b"\xff", b"[" * 300, b"NaN"])
    async def test_a_header_that_is_no_object_is_refused(
        self, forge: Forge, verifier: TokenVerifier, ours: str, header: bytes
    ) -> None:
        assert await refused(verifier, forge.sign(header=header), ours)


class TestAudience:
    async def test_a_valid_token_for_another_app_is_told_which_one_to_get(
        self, issuer: TokenIssuer, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        theirs = audience(settings, "admin")
        token = await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=theirs)
        assert (await verifier.verify(token, theirs)).audience == theirs

        with pytest.raises(WrongAudience) as raised:
            await verifier.verify(token, ours)

        assert raised.value.detail == (
            f"This access token is for {theirs}; sign in with the resource {ours} to get one for this app"
        )
        assert challenge(raised.value, None, sent=True) == 'Bearer error="invalid_token"'

    async def test_a_forged_or_expired_token_for_another_app_is_told_nothing(
        self, forge: Forge, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        theirs = audience(settings, "admin")
        with pytest.raises(WrongAudience):  # the control: genuine and current
            await verifier.verify(forge.sign(forge.claims(aud=theirs)), ours)

        for token in (
            forge.sign(forge.claims(aud=theirs), key=RSAKey.generate_key(2048)),
            forge.sign(forge.claims(aud=theirs, exp=1)),
            forge.sign(forge.claims(aud=theirs, iss="https://elsewhere.example")),
        ):
            with pytest.raises(Unauthenticated) as raised:
                await verifier.verify(token, ours)
            assert type(raised.value) is Unauthenticated


class TestCache:
    async def test_a_cached_token_has_the_same_claims_for_its_audience_only(
        self, issuer: TokenIssuer, verifier: TokenVerifier, settings: Settings, ours: str
    ) -> None:
        token = await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=ours)
        assert verifier.cached(b"Bearer " + token.encode(), ours) is None
        claims = await verifier.verify(token, ours)

        assert verifier.cached(b"Bearer " + token.encode(), ours) is claims
        assert await refused(verifier, token, audience(settings, "admin"))

    async def test_the_cache_is_bounded(self, settings: Settings, forge: Forge, ours: str, issuer: TokenIssuer) -> None:
        verifier = TokenVerifier(settings, issuer._keys, cached=2)  # noqa: SLF001 - the ring of this test
        tokens = [forge.sign() for _ in range(3)]
        for token in tokens:
            await verifier.verify(token, ours)

        assert [verifier.cached(b"Bearer " + token.encode(), ours) is not None for token in tokens] == [
            False,
            True,
            True,
        ]

    async def test_a_refused_token_is_not_cached(self, forge: Forge, verifier: TokenVerifier, ours: str) -> None:
        token = forge.sign(key=RSAKey.generate_key(2048))
        assert await refused(verifier, token, ours)

        assert verifier.cached(b"Bearer " + token.encode(), ours) is None


class TestSize:
    async def test_a_huge_token_is_refused_before_parsing(
        self, forge: Forge, verifier: TokenVerifier, ours: str
    ) -> None:
        assert await refused(verifier, "A" * 3_000_000, ours)
        assert await refused(verifier, forge.sign(forge.claims(padding="x" * LONGEST_TOKEN)), ours)

    @pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b", "é.é.é", "\ud800.a.b", "a.b.c.d.e", encode(b"{}")])
    async def test_a_malformed_token_is_refused(self, verifier: TokenVerifier, ours: str, token: str) -> None:
        assert await refused(verifier, token, ours)
