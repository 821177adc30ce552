from datetime import UTC, datetime
from uuid import UUID

import pytest

from insula.audit import image
from insula.audit.images import REDACTED, told
from insula.db.schema.base import metadata
from tests.probe.racks.models import Rack

SECRETS = (
    "password",
    "new_password",
    "password_hash",
    "secret",
    "client_secret",
    "token",
    "refresh_token",
    "token_hash",
    "hash",
    "request_hash",
    "api_key",
    "private_sealed",
    "private_key",
    "totp_seed",
    "otp",
    "credentials",
    "Authorization",
    "cookie",
    "webhook_signature",
)
PLAIN = ("name", "email", "role", "status", "slug", "key_id", "key_name", "plan_key", "entitlements", "expires_at")


def test_of_two_images_what_differs_is_kept() -> None:
    before, after = {"name": "Old", "status": "active"}, {"name": "New", "status": "active"}
    assert told(before, after) == ({"name": "Old"}, {"name": "New"})
    assert told({"gone": 1}, {"come": 2}) == ({"gone": 1}, {"come": 2})
    assert told(before, before) == (None, None)


def test_of_one_image_all_is_kept() -> None:
    assert told(None, {"name": "New"}) == (None, {"name": "New"})
    assert told({"name": "Old"}, None) == ({"name": "Old"}, None)
    assert told(None, None) == (None, None)


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_kept_however_deep(name: str) -> None:
    kept = {name: REDACTED}
    assert told(None, {name: "x"}) == (None, kept)
    assert told({name: "x"}, {name: "y"}) == (kept, kept)  # that it changed is kept
    assert told(None, {"list": [{name: ["x"]}]}) == (None, {"list": [kept]})
    assert told(None, {name: None}) == (None, {name: None})


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_no_secret_is_kept(name: str) -> None:
    assert told(None, {name: "x"}) == (None, {name: "x"})


def test_every_secret_column_is_known_as_one() -> None:
    hidden = ("hash", "sealed", "secret", "token", "password")
    names = {column.name for table in metadata.sorted_tables for column in table.columns}
    secret = {name for name in names if any(word in name for word in hidden)}
    assert secret
    for name in secret:
        assert told(None, {name: "x"}) == (None, {name: REDACTED}), name


def test_values_become_json_and_long_texts_short() -> None:
    moment, identity = datetime(2026, 11, 23, tzinfo=UTC), UUID(int=7)
    _, after = told(None, {"at": moment, "id": identity, "raw": b"\x01", "set": {1}, "text": "x" * 1001})
    assert after == {
        "at": "2026-11-23T00:00:00Z",
        "id": str(identity),
        "raw": "01",
        "set": [1],
        "text": "x" * 1000 + "… (1001 characters)",
    }


def test_an_image_leaves_out_what_every_row_has() -> None:
    rack = Rack(tenant_id=UUID(int=1), name="Website")
    assert image(rack) == {"name": "Website", "description": "", "status": "active"}
