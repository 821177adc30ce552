"""The product's first day, with two real uvicorn processes that share only PostgreSQL and Valkey."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.models import Tenant
from tests.probe.installation import PRODUCT
from tests.support.app import serving, wait_until
from tests.support.factories import Factories
from tests.support.provider import event, first_secret, make_customer, sign, subscription

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Processes:
    one: str
    two: str


@pytest.fixture(scope="module")
def processes(settings: Settings) -> Iterator[Processes]:
    shipped = settings.model_copy(update={"installation": PRODUCT})
    with serving(shipped) as one, serving(shipped) as two:
        yield Processes(one, two)


class Caller:
    """A signed-in client of both processes."""

    def __init__(self, settings: Settings, processes: Processes, email: str) -> None:
        self.settings, self.processes, self.email = settings, processes, email
        self.token = ""

    def log_in(self, app: str, tenant: str | None = None) -> "Caller":
        body = {"email": self.email, "password": PASSWORD, "resource": self.settings.public_url + app}
        answer = httpx.post(f"{self.processes.one}/auth/login", json={**body, **({"tenant": tenant} if tenant else {})})
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    def call(self, method: str, path: str, *, process: str | None = None, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, (process or self.processes.one) + path, headers=headers, json=json)

    def has_access(self, process: str) -> bool:
        return self.call("GET", "/api/v1/tenant", process=process).status_code == 200

    def is_on_plan(self, plan: str, process: str) -> bool:
        return bool(self.call("GET", "/api/v1/tenant", process=process).json().get("plan") == plan)


async def test_the_first_day(settings: Settings, processes: Processes, make: Factories) -> None:
    ada = await make.user(password=PASSWORD)
    caller = Caller(settings, processes, ada.email).log_in("/api")

    # Ada creates a tenant, and works in it.
    slug = f"story-{uuid4().hex[:10]}"
    created = caller.call("POST", "/api/v1/tenants", json={"slug": slug, "name": "Story"})
    assert created.status_code == 201, created.text
    tenant = Tenant(id=UUID(created.json()["id"]), slug=slug, name="Story")
    owner = Caller(settings, processes, ada.email).log_in("/api", slug)
    project = owner.call("POST", "/api/v1/projects", json={"name": "Colosseum"}).json()
    items = f"/api/v1/projects/{project['id']}/items"
    assert owner.call("POST", items, json={"title": "Find marble"}).status_code == 201
    assert [item["title"] for item in owner.call("GET", items).json()["items"]] == ["Find marble"]

    # A viewer can read but not write; a member of another tenant gets the answer of a random id.
    viewer_user = await make.member(tenant, role="viewer", user=await make.user(password=PASSWORD))
    viewer = Caller(settings, processes, viewer_user.email).log_in("/api", slug)
    assert viewer.call("GET", items, process=processes.two).status_code == 200
    refused = viewer.call("POST", items, json={"title": "Steal marble"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    other = await make.tenant(plan="pro")
    stranger_user = await make.member(other, role="member", user=await make.user(password=PASSWORD))
    stranger = Caller(settings, processes, stranger_user.email).log_in("/api", other.slug)
    foreign = stranger.call("GET", f"/api/v1/projects/{project['id']}")
    random = stranger.call("GET", f"/api/v1/projects/{new_id()}")
    assert foreign.status_code == random.status_code == 404
    assert {**foreign.json(), "instance": ""} == {**random.json(), "instance": ""}

    # The free plan's limit answers 429, on both processes together.
    answers = [
        owner.call("GET", "/api/v1/tenant", process=(processes.one, processes.two)[turn % 2]) for turn in range(80)
    ]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in limited)
    assert limited[0].json()["code"] == "rate_limited"

    # A signed webhook upgrades the plan, and requests pass again on both.
    customer = await make_customer(make, tenant)
    body = json.dumps(event("customer.subscription.updated", subscription(customer))).encode()
    signature = {"Stripe-Signature": sign(body, first_secret(settings))}
    unsigned = httpx.post(f"{processes.one}/billing/v1/webhooks/stripe", content=body)
    assert unsigned.status_code == 400
    accepted = httpx.post(f"{processes.one}/billing/v1/webhooks/stripe", content=body, headers=signature)
    assert accepted.status_code == 200, accepted.text
    for process in (processes.one, processes.two):
        # Not the status: the old plan's limit lets one request pass each second.
        wait_until(partial(owner.is_on_plan, "pro", process), seconds=1)
    assert owner.call("GET", "/api/v1/tenant").json()["plan"] == "pro"

    # Staff suspends the tenant, and the other process refuses the next request.
    staff_user = await make.staff(role="superuser", user=await make.user(password=PASSWORD))
    staff = Caller(settings, processes, staff_user.email).log_in("/admin")
    suspended = staff.call("POST", f"/admin/v1/tenants/{tenant.id}/suspend", process=processes.one)
    assert suspended.status_code == 200, suspended.text
    wait_until(lambda: owner.call("GET", "/api/v1/tenant", process=processes.two).status_code == 403, seconds=1)
    assert owner.call("GET", "/api/v1/tenant", process=processes.two).json()["code"] == "tenant_suspended"
    assert staff.call("POST", f"/admin/v1/tenants/{tenant.id}/reactivate").status_code == 200
    wait_until(partial(owner.has_access, processes.two), seconds=1)
