"""The operator's commands for signing keys."""

import base64
import secrets

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.identity import KeyRing
from tests.support.processes import insula


def other_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


async def test_rotate_prints_the_key_that_signs_from_now_on(settings: Settings, database: Database) -> None:
    before = await KeyRing(settings, database).signer()
    done = insula(settings, "keys", "rotate")

    assert done.stderr == ""
    after = await KeyRing(settings, database).signer()
    assert done.stdout.strip() == after.kid != before.kid
    assert before.kid in {jwk["kid"] for jwk in await KeyRing(settings, database).jwks()}


async def test_rotate_with_distrust_removes_the_previous_keys(settings: Settings, database: Database) -> None:
    before = await KeyRing(settings, database).signer()
    done = insula(settings, "keys", "rotate", "--distrust")

    assert {jwk["kid"] for jwk in await KeyRing(settings, database).jwks()} == {done.stdout.strip()}
    assert before.kid != done.stdout.strip()


async def test_doctor_names_a_key_that_cannot_be_decrypted(settings: Settings, database: Database) -> None:
    key = await KeyRing(settings, database).signer()
    intact = insula(settings, "doctor")
    assert "✓ signing keys: each can be decrypted" in intact.stdout

    ours = settings.auth.key_encryption_key.get_secret_value()
    broken = insula(settings, "doctor", INSULA_AUTH_KEY_ENCRYPTION_KEY=other_key())
    both = insula(settings, "doctor", INSULA_AUTH_KEY_ENCRYPTION_KEY=f"{other_key()},{ours}")

    assert broken.returncode == 1
    assert f"✗ signing keys: {key.kid} cannot be decrypted" in broken.stdout
    assert "insula keys rotate" in broken.stdout
    assert "✓ signing keys: each can be decrypted" in both.stdout
