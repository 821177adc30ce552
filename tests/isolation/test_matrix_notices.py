"""The matrix reports removed protections: each test removes one, and expects the line that reports it.

``test_matrix`` shows that the same routes have no finding with all protections.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import structlog

from insula.access import Policy
from insula.callers import Identity, Staff
from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, UserId
from insula.core.logging import configure
from insula.http.routing import guards as access
from insula.identity import Claims, MachineClaims, TokenVerifier
from insula.scope import StaffPrincipal
from insula.tenancy import Access, Directory
from tests.isolation.matrix import Report, Stage, attack
from tests.isolation.matrix.holders import others
from tests.isolation.matrix.routes import live_routes
from tests.isolation.matrix.wire import Request
from tests.probe.racks import service as racks
from tests.support.apps import INSTALLATION

ROUTES = live_routes()
READ, CHANGE = "GET /api/v1/racks/{rack_id}", "PATCH /api/v1/racks/{rack_id}"
LIST, DELETE = "GET /api/v1/racks", "DELETE /api/v1/racks/{rack_id}"
SUSPEND = "POST /admin/v1/tenants/{tenant_id}/suspend"

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


async def attacked(stage: Stage, *names: str) -> Report:
    report = await attack(stage, [ROUTES[name] for name in names], "short")
    assert not report.sound
    return report


def has(lines: tuple[str, ...], *words: str) -> bool:
    return any(all(word in line for word in words) for line in lines)


@asynccontextmanager
async def unprotected(readback: Readback, table: str) -> AsyncIterator[None]:
    """Let every role see every tenant's rows of a table."""
    await readback(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    try:
        yield
    finally:
        await readback(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


async def test_a_table_without_row_level_security_is_reported(
    stage: Stage, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("_lean_reads", "_lean_writes"):  # a ``Reading`` also compares the tenant itself
        monkeypatch.setattr(stage.kernel.database, setting, False)
    async with unprotected(readback, "rack"):
        report = await attacked(stage, LIST, READ, CHANGE)
    assert has(report.leaks, LIST, "owner of A", "nothing named", "in the answer")
    assert has(report.failures, READ, "owner of A", "path", "200", "not 404 not_found")
    assert has(report.rows_changed, CHANGE, "owner of A", "path", "rack")
    assert has(report.rows_changed, CHANGE, "key of A", "path", "rack")
    async with unprotected(readback, "rack"):
        soon = await attack(stage, [ROUTES[READ], ROUTES[CHANGE]], "short", thorough=False)
    assert has(soon.failures + soon.leaks, READ)
    assert has(soon.rows_changed, CHANGE)
    assert soon.attempts < report.attempts / 2
    assert (await attack(stage, [ROUTES[CHANGE]], "short")).sound


async def test_an_unchecked_tenant_selector_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def agreed(*_args: object) -> None:
        """Accept every selector."""

    monkeypatch.setattr(access, "check_hints", agreed)
    report = await attacked(stage, LIST, SUSPEND)
    for selector in ("host of B", "domain of B", "X-Tenant, slug of B", "X-Tenant, id of B", "X-Tenant, nobody's"):
        assert has(report.failures, LIST, "owner of A", selector, "not 403 tenant_conflict"), selector


async def test_an_unchecked_audience_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = TokenVerifier.verify

    async def any_audience(self: TokenVerifier, token: str, audience: str) -> Claims | MachineClaims:
        for app in INSTALLATION.apps:
            try:
                return await verify(self, token, audience.rpartition("/")[0] + app.mount)
            except Unauthenticated:
                continue
        return await verify(self, token, audience)

    monkeypatch.setattr(TokenVerifier, "verify", any_audience)
    report = await attacked(stage, DELETE, SUSPEND)
    for other in others("tenants"):
        assert has(report.failures, DELETE, f"token for {other}", "not 401 wrong_audience"), other
        assert has(report.rows_changed, DELETE, f"token for {other}", "rack"), other
    assert has(report.failures, SUSPEND, "superuser with a tenants token", "not 401 wrong_audience")


async def test_an_unchecked_action_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policy, "allows", lambda *_args: True)
    report = await attacked(stage, DELETE, SUSPEND)
    for role in ("member", "viewer", "billing_manager", "custom role of A without it"):
        assert has(report.failures, DELETE, role, "404 not_found, not 403 forbidden"), role
    assert has(report.rows_changed, DELETE, "viewer of B", "rack")
    assert has(report.failures, SUSPEND, "auditor of staff", "not 403 forbidden")


async def test_an_unchecked_staff_role_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def superuser(_self: Staff, claims: Claims, *_sources: object) -> Identity[StaffPrincipal]:
        return Identity(StaffPrincipal(claims.user_id, claims.session_id, "superuser", "anybody@example.org"))

    monkeypatch.setattr(Staff, "identity_of", superuser)
    report = await attacked(stage, SUSPEND)
    assert has(report.rows_changed, SUSPEND, "owner of A, token for staff", "tenant")


async def test_access_cached_for_another_tenant_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[UUID, Access] = {}
    load = Directory.access

    async def by_session(self: Directory, *, session_id: UUID, user_id: UserId, tenant_id: TenantId | None) -> Access:
        if session_id not in remembered:
            remembered[session_id] = await load(self, session_id=session_id, user_id=user_id, tenant_id=tenant_id)
        return remembered[session_id]

    monkeypatch.setattr(Directory, "access", by_session)
    report = await attacked(stage, LIST, DELETE)
    assert has(report.leaks, LIST, "owner of both for A", "in the answer")
    assert has(report.failures, DELETE, "owner of B in A for A", "not 403 forbidden")


async def test_answers_that_reveal_existing_ids_are_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, readback: Readback
) -> None:
    found = racks.get

    async def telling(scope: object, rack_id: UUID) -> object:
        there = await readback("select 1 from rack where id = :id", id=rack_id)
        return await found(scope, rack_id) if there else 1 / 0  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(racks, "get", telling)
    report = await attacked(stage, READ)
    assert has(report.failures, READ, "owner of A", "not the answer of an unknown id")


async def test_leaks_in_logs_and_emails_are_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, readback: Readback
) -> None:
    found = racks.get

    async def telling(scope: object, rack_id: UUID) -> object:
        for there in await readback("select name, tenant_id from rack where id = :id", id=rack_id):
            structlog.get_logger().info("somebody asks", about=there["name"])
            await readback(
                "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status) values ('default',"
                " 'mail.send', cast(:args as jsonb), 'todo')",
                args=json.dumps({"arguments": {"to": "somebody@example.org", "about": there["name"]}}),
            )
            await readback(
                "update jobs.procrastinate_jobs set priority = 1 where tenant_id = :id and task_name <> 'mail.send'",
                id=there["tenant_id"],
            )
        return await found(scope, rack_id)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(racks, "get", telling)
    configure("console", "ERROR")  # as other tests do in this process
    report = await attacked(stage, READ)
    assert has(report.leaks, READ, "owner of A", "in the log")
    assert has(report.leaks, READ, "in a mail to somebody@example.org")
    assert has(report.rows_changed, READ, "owner of A", "jobs")


async def test_the_access_log_is_searched(stage: Stage) -> None:
    stage.log.take()
    answer = await stage.send(Request("GET", "/api/v1/racks"))
    assert answer.status == 401
    assert '"route":"/api/v1/racks","status":401' in stage.log.take()
