"""The scenario through the packages that openapi-python-client made. It runs in the environment of these packages."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

import root
import root.api.auth.login
import root.models

import admin
import admin.api.tenants.list_tenants
import admin.models
import billing
import billing.api.subscription.read_subscription
import billing.models
import tenants
import tenants.api.api_keys.create_api_key
import tenants.api.projects.create_project
import tenants.api.projects.get_project
import tenants.api.projects.list_projects
import tenants.api.projects.update_project
import tenants.api.tenants.get_tenant
import tenants.models
from tenants.types import UNSET, Response, Unset

BASE = os.environ["INSULA"]
PASSWORD = "insula-demo"
OWNER = "owner@acme.example"
STAFF = "staff@insula.example"
NAME = f"python {uuid4()}"
KEY = str(uuid4())

Wanted = TypeVar("Wanted")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print that the step passed."""
    yield
    sys.stdout.write(f"ok {name}\n")


def expect(kind: type[Wanted], body: object) -> Wanted:
    """Return the body, which must be of this kind."""
    assert isinstance(body, kind), body
    return body


def sign_in(email: str, app: str, tenant: str | Unset = UNSET, password: str = PASSWORD) -> object:
    """Return the body of the answer to a login."""
    wanted = root.models.LoginRequest(
        email=email,
        password=password,
        resource=BASE + app,
        tenant=root.types.UNSET if isinstance(tenant, Unset) else tenant,
    )
    return root.api.auth.login.sync_detailed(client=root.Client(base_url=BASE), body=wanted).parsed


def token(email: str, app: str, tenant: str | Unset = UNSET) -> str:
    """Sign in."""
    return expect(root.models.TokenRead, sign_in(email, app, tenant)).access_token


with step("a wrong password is refused"):
    refused = expect(root.models.LoginRefusedProblem, sign_in(OWNER, "/api", "acme", password="wrong"))
    assert refused.code is root.models.LoginRefusedProblemCode.LOGIN_REFUSED

owner = tenants.AuthenticatedClient(base_url=f"{BASE}/api", token=token(OWNER, "/api", "acme"))

with step("the owner who signed in reads the tenant"):
    tenant = expect(tenants.models.TenantRead, tenants.api.tenants.get_tenant.sync(client=owner))
    assert tenant.slug == "acme"


def create(title: str, key: str | Unset = UNSET, client: tenants.AuthenticatedClient = owner) -> Response[object]:
    """Create a project."""
    answer = tenants.api.projects.create_project.sync_detailed(
        client=client, body=tenants.models.ProjectCreate(name=title), idempotency_key=key
    )
    return Response(answer.status_code, answer.content, answer.headers, answer.parsed)


project = expect(tenants.models.ProjectRead, create(f"{NAME} 1", KEY).parsed)

with step("a repeated request with the same idempotency key makes no second project"):
    again = create(f"{NAME} 1", KEY)
    assert again.status_code == 201
    assert expect(tenants.models.ProjectRead, again.parsed).id == project.id

with step("a name that is taken is a conflict"):
    taken = expect(tenants.models.CreateProjectConflictProblem, create(f"{NAME} 1").parsed)
    assert taken.code is tenants.models.CreateProjectConflictProblemCode.PROJECT_NAME_TAKEN

with step("an invalid field is named"):
    invalid = expect(tenants.models.InvalidIdempotentJsonRequestProblem, create("").parsed)
    assert [each.field for each in invalid.field_errors or ()] == ["name"]

with step("the pages of a list hold each project once"):
    assert create(f"{NAME} 2").status_code == create(f"{NAME} 3").status_code == 201
    found: list[str] = []
    cursor: str | Unset | None = UNSET
    pages = 0
    while cursor is not None:
        page = expect(
            tenants.models.ProjectPage,
            tenants.api.projects.list_projects.sync(
                client=owner, search=NAME, sort_by=tenants.models.ProjectSortBy.NAME, limit=2, cursor=cursor
            ),
        )
        found += [each.name for each in page.items]
        cursor = page.next_cursor
        pages += 1
    assert pages == 2
    assert found == [f"{NAME} {number}" for number in (1, 2, 3)]

tag = tenants.api.projects.get_project.sync_detailed(project.id, client=owner).headers["ETag"]


def change(description: str) -> Response[object]:
    """Change the version of the project that was read."""
    body = tenants.models.ProjectUpdate(description=description, status=tenants.models.ProjectStatus.ARCHIVED)
    answer = tenants.api.projects.update_project.sync_detailed(project.id, client=owner, body=body, if_match=tag)
    return Response(answer.status_code, answer.content, answer.headers, answer.parsed)


with step("a change of the current version is made"):
    answer = change("Eleven miles")
    changed = expect(tenants.models.ProjectRead, answer.parsed)
    assert (changed.description, changed.status) == ("Eleven miles", tenants.models.ProjectStatus.ARCHIVED)
    assert answer.headers["ETag"] != tag

with step("a change of an outdated version is refused"):
    outdated = change("Twelve miles")
    assert outdated.status_code == 412
    problem = expect(tenants.models.PreconditionFailedProblem, outdated.parsed)
    assert problem.code is tenants.models.PreconditionFailedProblemCode.PRECONDITION_FAILED

with step("an API key reads, and may do no more than it was given"):
    wanted = tenants.models.ApiKeyCreate(name=NAME, actions=[tenants.models.ApiKeyAction.PROJECTREAD])
    issued = tenants.api.api_keys.create_api_key.sync(client=owner, body=wanted)
    key = expect(str, expect(tenants.models.ApiKeyIssued, issued).key)
    machine = tenants.AuthenticatedClient(base_url=f"{BASE}/api", token=key)
    readable = tenants.api.projects.list_projects.sync(client=machine, search=NAME)
    assert len(expect(tenants.models.ProjectPage, readable).items) == 3
    forbidden = expect(tenants.models.ForbiddenInTenantProblem, create(f"{NAME} 4", client=machine).parsed)
    assert forbidden.code is tenants.models.ForbiddenInTenantProblemCode.FORBIDDEN

with step("staff find the tenant"):
    staff = admin.AuthenticatedClient(base_url=f"{BASE}/admin", token=token(STAFF, "/admin"))
    listed = admin.api.tenants.list_tenants.sync(client=staff, search="acme", status=admin.models.TenantStatus.ACTIVE)
    rows = expect(admin.models.TenantPage, listed).items
    assert [(each.slug, each.plan) for each in rows] == [("acme", "pro")]

with step("the owner reads what the tenant pays for"):
    payer = billing.AuthenticatedClient(base_url=f"{BASE}/billing", token=token(OWNER, "/billing", "acme"))
    subscription = billing.api.subscription.read_subscription.sync(client=payer)
    plan = expect(billing.models.SubscriptionRead, subscription).plan
    assert (plan.key, plan.interval, plan.price.currency) == ("pro", billing.models.PlanInterval.MONTH, "eur")
