"""Signing keys: one for all processes, encrypted, rotated without downtime, distrusted at once."""

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from insula.core.errors import Unauthenticated
from insula.core.ids import UserId, new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.identity import KeyRing, TokenIssuer, TokenVerifier
from insula.identity.credentials.encryption import DecryptionFailed
from insula.tenancy import Listener
from tests.support.apps import audience
from tests.support.tokens import Forge
from tests.support.waiting import until

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


async def token_of(issuer: TokenIssuer, settings: Settings) -> str:
    return await issuer.issue(user_id=UserId(new_id()), session_id=new_id(), audience=audience(settings, "tenants"))


def encrypting_with(settings: Settings, keys: str) -> Settings:
    auth = settings.auth.model_copy(update={"key_encryption_key": SecretStr(keys)})
    return settings.model_copy(update={"auth": auth})


class TestFirstKey:
    async def test_processes_that_start_together_create_one_key(
        self, settings: Settings, database: Database, readback: Readback
    ) -> None:
        await readback("update signing_key set retired_at = now() where retired_at is null")
        rings = [KeyRing(settings, database) for _ in range(3)]

        kids = {key.kid for key in await asyncio.gather(*(ring.signer() for ring in rings))}

        rows = await readback("select kid, private_sealed from signing_key where retired_at is null")
        assert {row["kid"] for row in rows} == kids
        assert len(kids) == 1

    async def test_the_private_half_is_encrypted_and_not_published(self, keys: KeyRing, readback: Readback) -> None:
        await keys.load()
        rows = await readback("select private_sealed, public_jwk from signing_key")

        assert all(b"kty" not in bytes(str(row["private_sealed"]), "utf-8") for row in rows)
        assert all(set(jwk) == {"kty", "n", "e", "kid", "use", "alg"} for jwk in await keys.jwks())

    async def test_the_role_gate_cannot_read_the_private_half(self, database: Database) -> None:
        async with database.engine(GATE).connect() as connection:
            await connection.exec_driver_sql("select public_jwk from signing_key")
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.exec_driver_sql("select private_sealed from signing_key")

    async def test_a_key_encrypted_with_another_secret_is_reported(
        self, settings: Settings, database: Database
    ) -> None:
        await KeyRing(settings, database).signer()
        stranger = KeyRing(encrypting_with(settings, "A" * 43), database)

        with pytest.raises(DecryptionFailed):
            await stranger.signer()

    async def test_a_new_secret_encrypts_the_key_again(
        self, settings: Settings, database: Database, readback: Readback
    ) -> None:
        old = settings.auth.key_encryption_key.get_secret_value()
        new = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        kid = (await KeyRing(settings, database).signer()).kid
        statement = "select private_sealed from signing_key where kid = :kid"
        before = await readback(statement, kid=kid)

        assert (await KeyRing(encrypting_with(settings, f"{new},{old}"), database).signer()).kid == kid
        between = await readback(statement, kid=kid)
        assert (await KeyRing(encrypting_with(settings, new), database).signer()).kid == kid
        await KeyRing(encrypting_with(settings, f"{old},{new}"), database).signer()

        assert before != between
        assert (await KeyRing(settings, database).signer()).kid == kid


class TestRotation:
    async def test_old_tokens_stay_valid_and_new_ones_verify_in_other_processes(
        self, keys: KeyRing, issuer: TokenIssuer, settings: Settings, database: Database
    ) -> None:
        elsewhere = KeyRing(settings, database)
        verifier = TokenVerifier(settings, elsewhere)
        old = await token_of(issuer, settings)
        await verifier.verify(old, audience(settings, "tenants"))

        kid = await keys.rotate()
        elsewhere.notify("keys:")
        new = await token_of(issuer, settings)

        assert (await keys.signer()).kid == kid
        await verifier.verify(new, audience(settings, "tenants"))
        await verifier.verify(old, audience(settings, "tenants"))
        assert kid in {jwk["kid"] for jwk in await elsewhere.jwks()}

    async def test_every_process_is_notified_of_a_rotation(
        self, keys: KeyRing, settings: Settings, database: Database
    ) -> None:
        elsewhere = KeyRing(settings, database)
        listener = Listener(settings, elsewhere)
        await listener.start()
        await elsewhere.load()
        generation = elsewhere.generation

        kid = await keys.rotate()

        await until(lambda: elsewhere.generation > generation, seconds=1)
        assert (await elsewhere.signer()).kid == kid
        await listener.stop()

    async def test_tokens_of_a_distrusted_key_are_refused(
        self, keys: KeyRing, issuer: TokenIssuer, verifier: TokenVerifier, settings: Settings
    ) -> None:
        keys.listener_alive = True  # otherwise the keys are not trusted anyway
        old = await token_of(issuer, settings)
        await verifier.verify(old, audience(settings, "tenants"))

        await keys.rotate(distrust=True)

        assert verifier.cached(b"Bearer " + old.encode(), audience(settings, "tenants")) is None
        with pytest.raises(Unauthenticated):
            await verifier.verify(old, audience(settings, "tenants"))
        await verifier.verify(await token_of(issuer, settings), audience(settings, "tenants"))


class TestUnknownKey:
    async def test_unknown_key_ids_reload_the_keys_once(
        self, settings: Settings, database: Database, forge: Forge, verifier: TokenVerifier
    ) -> None:
        await verifier.verify(forge.sign(), audience(settings, "tenants"))
        statements: list[str] = []

        def count(*arguments: object) -> None:
            statements.append(str(arguments[2]))

        engine = database.engine(GATE).sync_engine
        event.listen(engine, "before_cursor_execute", count)
        for number in range(20):
            token = forge.sign(header=forge.header(kid=f"strange-{number}"))
            with pytest.raises(Unauthenticated):
                await verifier.verify(token, audience(settings, "tenants"))
        event.remove(engine, "before_cursor_execute", count)

        assert len(statements) <= 1

    async def test_a_change_during_a_read_is_not_overwritten(self, keys: KeyRing) -> None:
        reading = asyncio.create_task(keys.jwks())
        await asyncio.sleep(0)
        keys.notify("keys:")
        generation = keys.generation

        assert await reading
        assert await keys.jwks()
        assert keys.generation == generation
