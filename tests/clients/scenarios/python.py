"""The scenario through the packages that openapi-python-client made. It runs in the environment of these packages."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

from all import AuthenticatedClient, Client, models
from all.api.admin_tenants import list_tenants
from all.api.api_keys import create_api_key
from all.api.auth import login
from all.api.projects import create_project, get_project, list_projects, update_project
from all.api.subscription import read_subscription
from all.api.tenants import get_tenant
from all.types import UNSET, Response, Unset

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
    wanted = models.LoginRequest(
        email=email,
        password=password,
        resource=BASE + app,
        tenant=tenant,
    )
    return login.sync_detailed(client=Client(base_url=BASE), body=wanted).parsed


def token(email: str, app: str, tenant: str | Unset = UNSET) -> str:
    """Sign in."""
    return expect(models.TokenRead, sign_in(email, app, tenant)).access_token


with step("a wrong password is refused"):
    refused = expect(models.LoginRefusedProblem, sign_in(OWNER, "/api", "acme", password="wrong"))
    assert refused.code is models.LoginRefusedProblemCode.LOGIN_REFUSED

owner = AuthenticatedClient(base_url=BASE, token=token(OWNER, "/api", "acme"))

with step("the owner who signed in reads the tenant"):
    tenant = expect(models.TenantRead, get_tenant.sync(client=owner))
    assert tenant.slug == "acme"


def create(title: str, key: str | Unset = UNSET, client: AuthenticatedClient = owner) -> Response[object]:
    """Create a project."""
    answer = create_project.sync_detailed(client=client, body=models.ProjectCreate(name=title), idempotency_key=key)
    return Response(answer.status_code, answer.content, answer.headers, answer.parsed)


project = expect(models.ProjectRead, create(f"{NAME} 1", KEY).parsed)

with step("a repeated request with the same idempotency key makes no second project"):
    again = create(f"{NAME} 1", KEY)
    assert again.status_code == 201
    assert expect(models.ProjectRead, again.parsed).id == project.id

with step("a name that is taken is a conflict"):
    taken = expect(models.CreateProjectConflictProblem, create(f"{NAME} 1").parsed)
    assert taken.code is models.CreateProjectConflictProblemCode.PROJECT_NAME_TAKEN

with step("an invalid field is named"):
    invalid = expect(models.InvalidIdempotentJsonRequestProblem, create("").parsed)
    assert [each.field for each in invalid.field_errors or ()] == ["name"]

with step("the pages of a list hold each project once"):
    assert create(f"{NAME} 2").status_code == create(f"{NAME} 3").status_code == 201
    found: list[str] = []
    cursor: str | Unset | None = UNSET
    pages = 0
    while cursor is not None:
        page = expect(
            models.ProjectPage,
            list_projects.sync(client=owner, search=NAME, sort_by=models.ProjectSortBy.NAME, limit=2, cursor=cursor),
        )
        found += [each.name for each in page.items]
        cursor = page.next_cursor
        pages += 1
    assert pages == 2
    assert found == [f"{NAME} {number}" for number in (1, 2, 3)]

tag = get_project.sync_detailed(project.id, client=owner).headers["ETag"]


def change(description: str) -> Response[object]:
    """Change the version of the project that was read."""
    body = models.ProjectUpdate(description=description, status=models.ProjectStatus.ARCHIVED)
    answer = update_project.sync_detailed(project.id, client=owner, body=body, if_match=tag)
    return Response(answer.status_code, answer.content, answer.headers, answer.parsed)


with step("a change of the current version is made"):
    answer = change("Eleven miles")
    changed = expect(models.ProjectRead, answer.parsed)
    assert (changed.description, changed.status) == ("Eleven miles", models.ProjectStatus.ARCHIVED)
    assert answer.headers["ETag"] != tag

with step("a change of an outdated version is refused"):
    outdated = change("Twelve miles")
    assert outdated.status_code == 412
    problem = expect(models.PreconditionFailedProblem, outdated.parsed)
    assert problem.code is models.PreconditionFailedProblemCode.PRECONDITION_FAILED

with step("an API key reads, and may do no more than it was given"):
    wanted = models.ApiKeyCreate(name=NAME, actions=[models.ApiKeyAction.PROJECTREAD])
    issued = create_api_key.sync(client=owner, body=wanted)
    key = expect(str, expect(models.ApiKeyIssued, issued).key)
    machine = AuthenticatedClient(base_url=BASE, token=key)
    readable = list_projects.sync(client=machine, search=NAME)
    assert len(expect(models.ProjectPage, readable).items) == 3
    forbidden = expect(models.ForbiddenInTenantProblem, create(f"{NAME} 4", client=machine).parsed)
    assert forbidden.code is models.ForbiddenInTenantProblemCode.FORBIDDEN

with step("staff find the tenant"):
    staff = AuthenticatedClient(base_url=BASE, token=token(STAFF, "/admin"))
    listed = list_tenants.sync(client=staff, search="acme", status=models.TenantStatus.ACTIVE)
    rows = expect(models.TenantPage, listed).items
    assert [(each.slug, each.plan) for each in rows] == [("acme", "pro")]

with step("the owner reads what the tenant pays for"):
    payer = AuthenticatedClient(base_url=BASE, token=token(OWNER, "/billing", "acme"))
    subscription = read_subscription.sync(client=payer)
    plan = expect(models.SubscriptionRead, subscription).plan
    assert (plan.key, plan.interval, plan.price.currency) == ("pro", models.PlanInterval.MONTH, "eur")
