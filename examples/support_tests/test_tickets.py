"""The support app admits agents only; agents open and answer tickets; the member gets the answer by email."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.models import Membership
from support.agents import AgentRole, SupportAgent
from support.tickets.models import Ticket
from tests.isolation.matrix.callers import callers_of
from tests.isolation.matrix.routes import live_routes
from tests.support.app import PASSWORD, SignIn
from tests.support.apps import HANDLERS, INSTALLATION, audience
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.mail import Sink
from tests.support.waiting import until
from tests.support.worker import quick, working

TICKETS = "/support/v1/tickets"
Agent = dict[str, str]
Hire = Callable[[AgentRole], Awaitable[Agent]]
Readback = Callable[..., Awaitable[list[dict[str, object]]]]


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


@pytest.fixture
async def asker(make: Factories, tenant: TenantRow) -> Membership:
    return await make.membership(tenant)


@pytest.fixture
def hire(make: Factories, sign_in: SignIn) -> Hire:
    """Make a user an agent and sign them in."""

    async def run(role: AgentRole) -> Agent:
        user = await make.user()
        await make.insert(SupportAgent(user_id=user.id, role=role))
        return await sign_in(user, app="support")

    return run


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def opened(client: httpx.AsyncClient, agent: Agent, asker: Membership) -> str:
    """Open a ticket and return its path."""
    body = {"member_id": str(asker.id), "subject": "Cannot sign in", "question": "The link has expired."}
    made = await client.post(f"/support/v1/tenants/{asker.tenant_id}/tickets", json=body, headers=agent)
    assert made.status_code == 201, made.text
    return f"{TICKETS}/{made.json()['id']}"


class TestSigningIn:
    async def test_only_users_with_a_row_can_sign_in(
        self, client: httpx.AsyncClient, make: Factories, settings: Settings
    ) -> None:
        async def sign_in(user: UserRow) -> httpx.Response:
            body = {"email": user.email, "password": PASSWORD, "resource": audience(settings, "support")}
            return await client.post("/auth/login", json=body)

        user = await make.user(password=PASSWORD)
        assert problem(await sign_in(user)) == (403, "agents_only")
        await make.insert(SupportAgent(user_id=user.id, role=AgentRole.CLERK))
        answer = await sign_in(user)
        assert (answer.status_code, answer.json()["tenant"]) == (200, None)

    async def test_access_ends_when_the_row_is_deleted(
        self, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
    ) -> None:
        user = await make.user()
        await make.insert(SupportAgent(user_id=user.id, role=AgentRole.CLERK))
        agent = await sign_in(user, app="support")
        assert (await client.get(TICKETS, headers=agent)).status_code == 200

        await readback("DELETE FROM support_agent WHERE user_id = :id", id=user.id)

        assert problem(await client.get(TICKETS, headers=agent)) == (403, "forbidden")

    async def test_a_token_for_another_app_is_refused(
        self, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, hire: Hire
    ) -> None:
        owner = await sign_in(await make.member(tenant, "owner"), tenant)
        assert problem(await client.get(TICKETS, headers=owner)) == (401, "wrong_audience")
        assert problem(await client.get("/api/v1/tenant", headers=await hire(AgentRole.LEAD))) == (
            401,
            "wrong_audience",
        )
        assert (await client.get("/api/v1/tenant", headers=owner)).status_code == 200


class TestTickets:
    async def test_agents_see_the_tickets_of_every_tenant(
        self, client: httpx.AsyncClient, make: Factories, hire: Hire, asker: Membership
    ) -> None:
        agent = await hire(AgentRole.CLERK)
        other = await make.membership(await make.tenant())
        word = new_id().hex
        for member in (asker, other):
            await make.insert(
                Ticket(tenant_id=member.tenant_id, member_id=member.id, subject=f"About {word}", question="?")
            )

        found = (await client.get(TICKETS, params={"search": word}, headers=agent)).json()

        assert found["total"] == 2
        assert {ticket["tenant_id"] for ticket in found["items"]} == {str(asker.tenant_id), str(other.tenant_id)}
        for ticket in found["items"]:
            assert (await client.get(f"{TICKETS}/{ticket['id']}", headers=agent)).json() == ticket
        answered = {"search": word, "status": "answered"}
        assert (await client.get(TICKETS, params=answered, headers=agent)).json()["items"] == []

    async def test_a_ticket_is_opened_only_for_a_member_of_the_tenant(
        self, client: httpx.AsyncClient, make: Factories, hire: Hire, asker: Membership, readback: Readback
    ) -> None:
        agent = await hire(AgentRole.CLERK)
        elsewhere = await make.tenant()
        body = {"member_id": str(asker.id), "subject": "Cannot sign in", "question": "Why?"}

        async def open_in(tenant_id: object) -> httpx.Response:
            return await client.post(f"/support/v1/tenants/{tenant_id}/tickets", json=body, headers=agent)

        assert problem(await open_in(elsewhere.id)) == (404, "member_not_found")
        assert (await open_in(new_id())).status_code == 404
        assert (await open_in(asker.tenant_id)).status_code == 201
        [act] = await readback("select actor_kind from audit_event where tenant_id = :id", id=asker.tenant_id)
        assert act == {"actor_kind": "support_agent"}

    async def test_only_a_lead_answers_a_ticket_and_only_once(
        self, client: httpx.AsyncClient, hire: Hire, asker: Membership
    ) -> None:
        clerk, lead = await hire(AgentRole.CLERK), await hire(AgentRole.LEAD)
        path = await opened(client, clerk, asker)
        answer = {"answer": "Try again."}

        assert problem(await client.post(f"{path}/answer", json=answer, headers=clerk)) == (403, "forbidden")
        answered = await client.post(f"{path}/answer", json=answer, headers=lead)
        assert (answered.status_code, answered.json()["status"]) == (200, "answered")
        again = await client.post(f"{path}/answer", json=answer, headers=lead)
        assert problem(again) == (409, "ticket_answered")

    async def test_an_answer_reaches_the_member_by_email(
        self, client: httpx.AsyncClient, hire: Hire, asker: Membership, settings: Settings, sink: Sink
    ) -> None:
        lead = await hire(AgentRole.LEAD)
        path = await opened(client, lead, asker)

        async with working(quick(sink.settings(settings)), HANDLERS):
            assert (
                await client.post(f"{path}/answer", json={"answer": "We sent another one."}, headers=lead)
            ).status_code == 200
            await until(lambda: bool(sink.to(asker.email)))

        (mail,) = sink.to(asker.email)
        text = mail.get_body(("plain",))
        assert text is not None
        assert "You asked: Cannot sign in" in text.get_content()
        assert "We sent another one." in text.get_content()


class TestApp:
    @pytest.mark.parametrize("page", ["docs", "redoc"])
    async def test_the_app_has_documentation_pages(self, page: str, client: httpx.AsyncClient) -> None:
        assert (await client.get(f"/support/{page}")).status_code == 200
        paths = (await client.get("/support/openapi.json")).json()["paths"]
        assert set(paths) == {
            "/v1/tickets",
            "/v1/tickets/{ticket_id}",
            "/v1/tickets/{ticket_id}/answer",
            "/v1/tenants/{tenant_id}/tickets",
        }
        assert "/support/docs" in (await client.get("/")).text

    def test_the_matrix_attacks_with_its_callers_and_its_audience_in_every_app(self) -> None:
        others = {app.name for app in INSTALLATION.apps} - {"support"}
        assert len(others) > 1
        seen = {name: {caller.name for caller in callers_of(route)} for name, route in live_routes().items()}
        attacked = {name: route.app for name, route in live_routes().items() if route.guard is not None}
        for name, app in attacked.items():
            if app == "support":
                assert {f"support_lead with a {other} token" for other in others} <= seen[name]
                assert {f"owner of A, token for {other}" for other in others} <= seen[name]
            else:
                foreign = {"token for support", "owner of A, token for support", "superuser with a support token"}
                assert foreign & seen[name], name
                assert any("support_lead of support_agent" in caller for caller in seen[name]), name
        assert {app for app in attacked.values() if app != "support"} == others - {"root"}
