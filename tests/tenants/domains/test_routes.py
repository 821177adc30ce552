"""A tenant's own host names: it adds them, verifies them by a DNS record, and removes them."""

from typing import Any
from uuid import uuid4

import anyio
import pytest

from tenants.domains import service as domains
from tests.support.dns import NameServer
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import answers, until
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of, sameness

MANAGERS = {"owner", "admin"}


def fresh_host() -> str:
    return f"{uuid4().hex}.example.com"


async def claimed(caller: Caller, host: str | None = None) -> dict[str, Any]:
    """Claim a host and return the domain."""
    answer = await caller.post("/domains", {"host": host or fresh_host()})
    assert answer.status_code == 201, answer.text
    domain: dict[str, Any] = answer.json()
    return domain


async def verified(caller: Caller, names: NameServer, host: str | None = None) -> dict[str, Any]:
    """Claim a host, publish its proof, verify it and return the domain."""
    domain = await claimed(caller, host)
    names.publish(domain["proof"]["name"], "v=spf1 -all", domain["proof"]["value"])
    answer = await caller.post(f"/domains/{domain['id']}/verify", None)
    assert answer.status_code == 200, answer.text
    proved: dict[str, Any] = answer.json()
    return proved


async def serves(caller: Caller, host: str) -> int:
    """Return the status of a request under ``host`` with the caller's token."""
    return (await caller.send("GET", "/tenant", headers={"host": host})).status_code


class TestClaim:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        caller, host = await join(tenant, role), fresh_host()
        answer = await caller.post("/domains", {"host": host})
        rows = await readback("select verified_at from tenant_domain where host = :host", host=host)
        if role in MANAGERS:
            assert (answer.status_code, rows) == (201, [{"verified_at": None}])
        else:
            assert (code_of(answer), rows) == ((403, "forbidden"), [])
        assert (await caller.get("/domains")).status_code == (200 if role in MANAGERS else 403)

    async def test_returns_the_dns_record_to_publish(self, owner: Caller) -> None:
        answer = await owner.post("/domains", {"host": "Bücher." + (host := fresh_host())})
        domain = answer.json()
        assert (domain["host"], domain["status"]) == (f"xn--bcher-kva.{host}", "pending")
        assert domain["proof"]["type"] == "TXT"
        assert domain["proof"]["name"] == f"_insula-challenge.xn--bcher-kva.{host}"
        assert len(domain["proof"]["value"]) == 32
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == domain

    async def test_does_not_serve_the_host(self, owner: Caller) -> None:
        domain = await claimed(owner)
        assert await serves(owner, domain["host"]) == 421

    async def test_of_the_same_host_twice_is_refused(self, owner: Caller) -> None:
        domain = await claimed(owner)
        assert code_of(await owner.post("/domains", {"host": domain["host"].upper()})) == (409, "domain_exists")

    @pytest.mark.parametrize("proved", [False, True])
    async def test_does_not_reveal_claims_of_other_tenants(
        self, owner: Caller, stranger: Caller, dns_server: NameServer, *, proved: bool
    ) -> None:
        first = await (verified(owner, dns_server) if proved else claimed(owner))
        second, third = await claimed(stranger, first["host"]), await claimed(stranger)
        differing = {"id", "host", "proof", "created_at"}
        assert second["proof"]["value"] != first["proof"]["value"]
        assert {k: v for k, v in second.items() if k not in differing} == {
            k: v for k, v in third.items() if k not in differing
        }

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "a b.com", "", "shop.test", None, "x" * 300])
    async def test_a_host_that_is_not_public_is_refused(self, owner: Caller, host: str | None) -> None:
        answer = await owner.post("/domains", {"host": host})
        assert answer.status_code == 422
        assert answer.json()["field_errors"][0]["field"] == "host"

    async def test_concurrent_claims_stay_within_the_quota(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "domains": 3})
        owner, codes = await join(tenant, "owner"), list[int]()

        async def claim() -> None:
            codes.append((await owner.post("/domains", {"host": fresh_host()})).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(claim)
        assert sorted(codes) == [201] * 3 + [409] * 3
        assert len(await readback("select 1 from tenant_domain where tenant_id = :id", id=tenant.id)) == 3

    async def test_without_a_quota_in_the_plan_allows_five(self, owner: Caller) -> None:
        for _ in range(5):
            await claimed(owner)
        assert code_of(await owner.post("/domains", {"host": fresh_host()})) == (409, "quota_exceeded")


class TestList:
    async def test_contains_the_tenants_domains_in_the_order_of_hosts(
        self, owner: Caller, stranger: Caller, dns_server: NameServer
    ) -> None:
        await claimed(stranger)
        hosts = sorted(
            [(await claimed(owner))["host"] for _ in range(3)] + [(await verified(owner, dns_server))["host"]]
        )
        assert [domain["host"] for domain in await owner.walk("/domains", limit=2)] == hosts
        assert len(await owner.walk("/domains", limit=10, status="pending")) == 3
        assert len(await owner.walk("/domains", limit=10, status="verified")) == 1
        assert len(await owner.walk("/domains", limit=10, search=hosts[0][:20])) == 1


class TestVerify:
    async def test_serves_the_host_for_the_tenant_within_a_second(
        self, owner: Caller, stranger: Caller, dns_server: NameServer, readback: Readback
    ) -> None:
        domain = await verified(owner, dns_server)
        assert domain["status"] == "verified"
        await answers(200, lambda: owner.send("GET", "/tenant", headers={"host": domain["host"]}))
        assert await serves(stranger, domain["host"]) == 403
        events = await readback(
            "select action, before ->> 'token' as told from audit_event where tenant_id = :id order by sequence",
            id=owner.home.id,
        )
        assert events == [{"action": "domain.added", "told": None}, {"action": "domain.verified", "told": None}]

    async def test_selects_the_tenant_at_sign_in_under_the_host(
        self, owner: Caller, dns_server: NameServer, make: Factories, join: Join
    ) -> None:
        domain = await verified(owner, dns_server)
        await answers(200, lambda: owner.send("GET", "/tenant", headers={"host": domain["host"]}))
        other = await join(await make.tenant(plan="pro"), "owner")
        refused = await other.send("GET", "/tenant", headers={"host": domain["host"]})
        assert code_of(refused) == (403, "tenant_conflict")

    @pytest.mark.parametrize("published", [(), ("another",), ("",), None])
    async def test_without_the_proof_is_refused(
        self, owner: Caller, dns_server: NameServer, published: tuple[str, ...] | None
    ) -> None:
        domain = await claimed(owner)
        if published is not None:
            dns_server.publish(domain["proof"]["name"], *published)
        refused = await owner.post(f"/domains/{domain['id']}/verify", None)
        assert code_of(refused) == (409, "domain_not_proved")
        assert await serves(owner, domain["host"]) == 421
        dns_server.publish(domain["proof"]["name"], domain["proof"]["value"])
        assert (await owner.post(f"/domains/{domain['id']}/verify", None)).status_code == 200

    async def test_with_another_tenants_proof_is_refused(
        self, owner: Caller, stranger: Caller, dns_server: NameServer
    ) -> None:
        theirs = await claimed(stranger)
        mine = await claimed(owner, theirs["host"])
        dns_server.publish(theirs["proof"]["name"], theirs["proof"]["value"])
        assert code_of(await owner.post(f"/domains/{mine['id']}/verify", None)) == (409, "domain_not_proved")
        assert (await stranger.post(f"/domains/{theirs['id']}/verify", None)).status_code == 200

    async def test_of_another_tenants_host_is_refused_like_one_without_proof(
        self, owner: Caller, stranger: Caller, dns_server: NameServer
    ) -> None:
        theirs = await verified(stranger, dns_server)
        mine = await claimed(owner, theirs["host"])
        unproved = await owner.post(f"/domains/{mine['id']}/verify", None)
        dns_server.publish(mine["proof"]["name"], mine["proof"]["value"], theirs["proof"]["value"])
        taken = await owner.post(f"/domains/{mine['id']}/verify", None)
        assert code_of(taken) == (409, "domain_not_proved")
        assert sameness(taken) == sameness(unproved)
        assert (await stranger.delete(f"/domains/{theirs['id']}")).status_code == 204
        assert (await owner.post(f"/domains/{mine['id']}/verify", None)).status_code == 200

    async def test_by_two_tenants_concurrently_succeeds_for_one(
        self, owner: Caller, stranger: Caller, dns_server: NameServer, readback: Readback
    ) -> None:
        mine = await claimed(owner)
        theirs = await claimed(stranger, mine["host"])
        dns_server.publish(mine["proof"]["name"], mine["proof"]["value"], theirs["proof"]["value"])
        codes: list[int] = []

        async def verify(caller: Caller, domain: dict[str, Any]) -> None:
            codes.append((await caller.post(f"/domains/{domain['id']}/verify", None)).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(verify, owner, mine)
            group.start_soon(verify, stranger, theirs)
        assert sorted(codes) == [200, 409]
        held = "select 1 from tenant_domain where host = :host and verified_at is not null"
        assert len(await readback(held, host=mine["host"])) == 1

    async def test_holds_no_transaction_while_the_dns_is_silent(
        self, owner: Caller, dns_server: NameServer, readback: Readback
    ) -> None:
        domain = await claimed(owner)
        dns_server.fall_silent(domain["proof"]["name"])
        statuses: list[int] = []

        async def verify() -> None:
            statuses.append((await owner.post(f"/domains/{domain['id']}/verify", None)).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(verify)
            await until(lambda: domain["proof"]["name"] in dns_server.queries)
            idle = await readback("select 1 from pg_stat_activity where state like 'idle in transaction%' "
                                  "and datname = current_database() and usename = 'insula_tenants'")  # fmt: skip
            assert (idle, statuses) == ([], [])
        assert statuses == [409]


class TestRemove:
    async def test_stops_the_host_within_a_second(self, owner: Caller, dns_server: NameServer) -> None:
        domain = await verified(owner, dns_server)
        await answers(200, lambda: owner.send("GET", "/tenant", headers={"host": domain["host"]}))
        assert (await owner.delete(f"/domains/{domain['id']}")).status_code == 204
        await answers(421, lambda: owner.send("GET", "/tenant", headers={"host": domain["host"]}))
        assert code_of(await owner.get(f"/domains/{domain['id']}")) == (404, "not_found")

    async def test_a_later_claim_needs_a_new_proof(self, owner: Caller, dns_server: NameServer) -> None:
        domain = await verified(owner, dns_server)
        await owner.delete(f"/domains/{domain['id']}")
        again = await claimed(owner, domain["host"])
        assert again["proof"]["value"] != domain["proof"]["value"]
        assert code_of(await owner.post(f"/domains/{again['id']}/verify", None)) == (409, "domain_not_proved")


async def test_the_installations_own_names_are_reserved(owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "own_hosts", lambda _settings: frozenset({"insula-house.com"}))
    for host in ("insula-house.com", "acme.insula-house.com", "INSULA-house.com."):
        assert code_of(await owner.post("/domains", {"host": host})) == (422, "host_reserved")
    assert (await owner.post("/domains", {"host": "not-" + fresh_host()})).status_code == 201


async def test_the_time_of_creation_filters_domains(owner: Caller) -> None:
    first, second = [await claimed(owner) for _ in range(2)]

    later = (await owner.get("/domains", created_since=second["created_at"])).json()["items"]
    earlier = (await owner.get("/domains", created_until=second["created_at"])).json()["items"]

    assert ([one["id"] for one in later], [one["id"] for one in earlier]) == ([second["id"]], [first["id"]])
    assert (await owner.get("/domains", updated_since=second["created_at"])).status_code == 422
