from datetime import datetime, timedelta
from uuid import UUID

import pytest

from insula.core import clock
from tests.support.factories import Factories
from tests.tenants.api_keys.support import HOUR, made, status_with
from tests.tenants.conftest import Join
from tests.tenants.support import Caller, Readback, code_of


class TestRotate:
    async def test_the_old_secret_works_until_the_overlap_ends(self, owner: Caller) -> None:
        old = await made(owner)
        answer = await owner.post(f"/api-keys/{old['id']}/rotate", {"overlap_seconds": 3600})
        new = answer.json()
        assert (answer.status_code, new["id"], new["actions"]) == (200, old["id"], old["actions"])
        assert new["key"] != old["key"]
        left = datetime.fromisoformat(new["overlap_until"]) - clock.now()
        assert timedelta(minutes=59) < left <= HOUR
        assert [await status_with(owner, key) for key in (old["key"], new["key"])] == [200, 200]
        with clock.moved(left - timedelta(seconds=5)):
            assert [await status_with(owner, key) for key in (old["key"], new["key"])] == [200, 200]
        with clock.moved(left + timedelta(seconds=1)):
            assert [await status_with(owner, key) for key in (old["key"], new["key"])] == [401, 200]

    async def test_the_overlap_is_a_day_by_default(self, owner: Caller) -> None:
        old = await made(owner)
        new = (await owner.post(f"/api-keys/{old['id']}/rotate", {})).json()
        left = datetime.fromisoformat(new["overlap_until"]) - clock.now()
        assert timedelta(hours=23) < left <= timedelta(days=1)

    async def test_a_second_rotation_ends_the_first_secret(self, owner: Caller) -> None:
        first = await made(owner)
        path = f"/api-keys/{first['id']}/rotate"
        second = (await owner.post(path, {})).json()
        third = (await owner.post(path, {})).json()
        assert [await status_with(owner, issued["key"]) for issued in (second, third)] == [200, 200]
        assert await status_with(owner, first["key"]) == 401

    async def test_without_overlap_the_old_secret_is_refused_at_once(self, owner: Caller, readback: Readback) -> None:
        old = await made(owner)
        new = (await owner.post(f"/api-keys/{old['id']}/rotate", {"overlap_seconds": 0})).json()
        assert new["overlap_until"] is None
        assert [await status_with(owner, key) for key in (old["key"], new["key"])] == [401, 200]
        rows = await readback("select previous_hash from api_key where id = :id", id=UUID(old["id"]))
        assert rows == [{"previous_hash": None}]

    async def test_the_expiry_can_be_postponed_or_removed(self, owner: Caller) -> None:
        soon, later = clock.now() + HOUR, clock.now() + 2 * HOUR
        key = await made(owner, expires_at=soon.isoformat())
        path = f"/api-keys/{key['id']}/rotate"
        kept = (await owner.post(path, {})).json()
        assert kept["expires_at"] == key["expires_at"]
        put_off = (await owner.post(path, {"expires_at": later.isoformat()})).json()
        assert datetime.fromisoformat(put_off["expires_at"]) == later
        assert (await owner.post(path, {"expires_at": None})).json()["expires_at"] is None

    async def test_a_repeated_request_rotates_once(self, owner: Caller) -> None:
        old = await made(owner)
        path = f"/api-keys/{old['id']}/rotate"
        first = await owner.post(path, {}, Idempotency_Key="rotate-once")
        again = await owner.post(path, {}, Idempotency_Key="rotate-once")
        assert again.json() == {**first.json(), "key": None}
        assert [await status_with(owner, key) for key in (old["key"], first.json()["key"])] == [200, 200]

    @pytest.mark.parametrize("overlap", [-1, 604_801, 2**63, "day", None])
    async def test_refuses_an_invalid_overlap(self, owner: Caller, overlap: object) -> None:
        key = await made(owner)
        path = f"/api-keys/{key['id']}/rotate"
        assert (await owner.post(path, {"overlap_seconds": overlap})).status_code == 422
        assert (await owner.post(path, {"overlap_seconds": 604_800})).status_code == 200

    async def test_an_expired_or_revoked_key_cannot_be_rotated(self, owner: Caller, make: Factories) -> None:
        revoked = await made(owner)
        await owner.delete(f"/api-keys/{revoked['id']}")
        past = await make.api_key(owner.home, "rack:read", expires_at=clock.now() - HOUR)
        for key_id in (revoked["id"], past.id):
            answer = await owner.post(f"/api-keys/{key_id}/rotate", {"expires_at": None})
            assert code_of(answer) == (409, "api_key_dead")

    async def test_is_refused_to_callers_who_lack_an_action_of_the_key(
        self, join: Join, owner: Caller, make: Factories
    ) -> None:
        """The caller receives the new secret and so all actions of the key."""
        beyond = await make.api_key(owner.home, "rack:read", "ownership:transfer")
        admin = await join(owner.home, "admin")
        assert code_of(await admin.post(f"/api-keys/{beyond.id}/rotate", {})) == (403, "action_not_yours")
        assert await status_with(owner, beyond.key) == 200
        within = await make.api_key(owner.home, "rack:read")
        assert (await admin.post(f"/api-keys/{within.id}/rotate", {})).status_code == 200
