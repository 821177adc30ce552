from datetime import UTC, datetime
from uuid import UUID

import pytest

from insula.audit import snapshot
from insula.audit.snapshots import REDACTED, differences
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


def test_two_snapshots_are_reduced_to_their_differences() -> None:
    before, after = {"name": "Old", "status": "active"}, {"name": "New", "status": "active"}
    assert differences(before, after) == ({"name": "Old"}, {"name": "New"})
    assert differences({"gone": 1}, {"come": 2}) == ({"gone": 1}, {"come": 2})
    assert differences(before, before) == (None, None)


def test_a_single_snapshot_keeps_all_fields() -> None:
    assert differences(None, {"name": "New"}) == (None, {"name": "New"})
    assert differences({"name": "Old"}, None) == ({"name": "Old"}, None)
    assert differences(None, None) == (None, None)


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_kept_however_deep(name: str) -> None:
    kept = {name: REDACTED}
    assert differences(None, {name: "x"}) == (None, kept)
    assert differences({name: "x"}, {name: "y"}) == (kept, kept)  # the change itself is recorded
    assert differences(None, {"list": [{name: ["x"]}]}) == (None, {"list": [kept]})
    assert differences(None, {name: None}) == (None, {name: None})


@pytest.mark.parametrize("name", PLAIN)
def test_a_field_that_is_no_secret_is_kept(name: str) -> None:
    assert differences(None, {name: "x"}) == (None, {name: "x"})


def test_every_secret_column_is_redacted() -> None:
    hidden = ("hash", "sealed", "secret", "token", "password")
    names = {column.name for table in metadata.sorted_tables for column in table.columns}
    secret = {name for name in names if any(word in name for word in hidden)}
    assert secret
    for name in secret:
        assert differences(None, {name: "x"}) == (None, {name: REDACTED}), name


def test_values_become_json_and_long_texts_short() -> None:
    moment, identity = datetime(2026, 11, 23, tzinfo=UTC), UUID(int=7)
    _, after = differences(None, {"at": moment, "id": identity, "raw": b"\x01", "set": {1}, "text": "x" * 1001})
    assert after == {
        "at": "2026-11-23T00:00:00Z",
        "id": str(identity),
        "raw": "01",
        "set": [1],
        "text": "x" * 1000 + "… (1001 characters)",
    }


def test_a_snapshot_leaves_out_the_columns_of_every_row() -> None:
    rack = Rack(tenant_id=UUID(int=1), name="Website")
    assert snapshot(rack) == {"name": "Website", "description": "", "status": "active"}
