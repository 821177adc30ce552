"""Time zone and locale of a tenant."""

import pytest

from tests.support.factories import TenantRow
from tests.tenants.support import Caller, Readback


async def test_a_new_tenant_is_in_utc_and_english(owner: Caller) -> None:
    found = (await owner.get("/tenant")).json()
    assert (found["time_zone"], found["locale"]) == ("UTC", "en")


async def test_a_change_is_stored_audited_and_shown_by_both_api_versions(
    owner: Caller, tenant: TenantRow, readback: Readback
) -> None:
    answer = await owner.patch("/tenant", {"time_zone": "America/Argentina/Ushuaia", "locale": "ES-ar"})
    assert answer.status_code == 200, answer.text
    second = await owner.client.get("/api/v2/tenant", headers=owner.token)
    for found in (answer.json(), second.json()):
        assert (found["time_zone"], found["locale"]) == ("America/Argentina/Ushuaia", "es-AR")
    [event] = await readback("select action, before, after from audit_event where tenant_id = :id", id=tenant.id)
    assert event == {
        "action": "tenant.updated",
        "before": {"time_zone": "UTC", "locale": "en"},
        "after": {"time_zone": "America/Argentina/Ushuaia", "locale": "es-AR"},
    }


@pytest.mark.parametrize(
    ("sent", "kept"), [("de", "de"), ("DE-at", "de-AT"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")]
)
async def test_a_locale_is_kept_in_its_canonical_form(owner: Caller, sent: str, kept: str) -> None:
    assert (await owner.patch("/tenant", {"locale": sent})).json()["locale"] == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "europe/berlin"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "localtime"),
        ("time_zone", "UTC+2"),
        ("time_zone", ""),
        ("time_zone", None),
        ("time_zone", "x" * 10_000),
        ("locale", "deutsch"),
        ("locale", "d"),
        ("locale", "de_DE"),
        ("locale", "de-"),
        ("locale", "de-DE-x-private"),
        ("locale", "dé"),
        ("locale", 7),
    ],
)
async def test_an_invalid_value_is_refused(owner: Caller, field: str, value: object) -> None:
    answer = await owner.patch("/tenant", {field: value})
    assert answer.status_code == 422
    assert {error["field"].split(".")[0] for error in answer.json()["field_errors"]} <= {field, "body"}
    assert (await owner.get("/tenant")).json()["time_zone"] == "UTC"
