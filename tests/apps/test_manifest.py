"""A contradictory manifest is refused when it is constructed, with a message that says how to fix it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pydantic import JsonValue
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access import ADMINS, MEMBERS, Permission, Role
from insula.apps import App, Brand, Installation, ManifestError, Resource
from insula.callers import ApiKeys, Members
from insula.core.ids import TenantId
from insula.core.settings_group import SettingsGroup
from insula.db.engine.roles import AppRole
from insula.db.schema.branches import KERNEL, Branch
from insula.db.schema.declarations import DatabasePart, DeclaredRole
from insula.identity.accounts.emails import EMAILS, WELCOME
from insula.jobs import JobContext, Periodic
from insula.mail import EmailTemplate
from insula.site.factory import Tag
from insula.tenancy import OnNewTenant
from tenants.invitations.emails import INVITATION


async def nothing(_context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    """Do nothing."""


async def greet(_session: AsyncSession, _tenant_id: TenantId, _plan: str) -> None:
    """Do nothing for a new tenant."""


async def nothing_yet(_session: AsyncSession, _tenant_id: TenantId, _plan: str) -> None:
    """Do nothing either."""


async def without_plan(_session: AsyncSession, _tenant_id: TenantId) -> None:
    """Take no plan."""


def no_coroutine(_session: AsyncSession, _tenant_id: TenantId, _plan: str) -> None:
    """Return no coroutine."""


class Can(Permission):
    READ = "ticket:read", "See tickets", MEMBERS


class Duplicate(Permission):
    CLOSE = "ticket:read", "Close tickets", ADMINS


class WithoutMeaning(Permission):
    READ = "ticket:read", "", ADMINS


TICKETS = Resource(
    tag=Tag(name="tickets", description="Questions."),
    permissions=Can,
    public=frozenset({"POST /v1/tickets/hook"}),
    jobs={"support.remind": nothing},
    schedules=(Periodic("support.remind", "0 * * * *"),),
)
APP = App(
    name="support",
    mount="/support",
    title="Support",
    description="Questions and answers.",
    purpose="Questions and answers.",
    version="1",
    database=DatabasePart(roles=(DeclaredRole(role=AppRole("insula_support")),)),
    callers=(Members(), ApiKeys()),
    resources=(TICKETS,),
)
HERE = Path(__file__).parent
OTHER = Branch("support", HERE / "another")
HELP = AppRole("insula_help")
BRAND = Brand(name="Acme", claim="We help.", description="A product.")


def installation_of(*resources: Resource) -> Installation:
    return Installation(brand=BRAND, apps=(replace(APP, resources=resources),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(TICKETS, jobs={}), "the schedule of 'support.remind' has no job: add the job to jobs="),
        (lambda: replace(TICKETS, public=frozenset({"/hook"})), "'/hook' names no route: write it as"),
        (lambda: replace(APP, name="Support!"), "a name is a lower-case word"),
        (lambda: replace(APP, name="root"), "'root' is reserved for the root app"),
        (lambda: replace(APP, mount="/support/v1"), "must be one literal segment"),
        (lambda: replace(APP, callers=()), r"app 'support': it admits no callers: declare some, such as callers="),
        (
            lambda: replace(APP, callers=(Members(), Members())),
            "app 'support': it declares a kind of callers twice: Members",
        ),
        (lambda: replace(APP, name="mail", settings=SettingsGroup), "look like those of 'mail': rename the app"),
        (lambda: replace(APP, name="data", settings=SettingsGroup), "look like those of 'data_dir'"),
        (lambda: replace(APP, name="http_x", settings=SettingsGroup), "look like those of 'http'"),
        (lambda: replace(APP, resources=(TICKETS, TICKETS)), "two resources have the tag 'tickets': rename one"),
        (
            lambda: replace(APP, on_new_tenant=cast("OnNewTenant", without_plan)),
            r"app 'support': on_new_tenant=without_plan must be `async def without_plan\(session, tenant_id, plan\)`",
        ),
        (
            lambda: replace(APP, on_new_tenant=cast("OnNewTenant", no_coroutine)),
            "on_new_tenant=no_coroutine must be `async def no_coroutine",
        ),
        (lambda: APP.joined(Resource(), after="ticket"), "no resource has the tag 'ticket': join after one of tickets"),
        (lambda: APP.joined(TICKETS, after="tickets"), "two resources have the tag 'tickets': rename one"),
        (
            lambda: Installation(brand=BRAND, apps=(APP, replace(APP, mount="/help"))),
            "two apps have the name 'support'",
        ),
        (
            lambda: Installation(brand=BRAND, apps=(APP, replace(APP, name="help"))),
            "two apps are mounted at '/support'",
        ),
        (
            lambda: Installation(brand=BRAND, apps=(APP, replace(APP, name="help", mount="/help"))),
            "two resources have a job 'support.remind': rename one",
        ),
        (
            lambda: replace(TICKETS, emails=(EmailTemplate("reminder", "insula.identity.accounts.emails"),)),
            r"the email 'reminder': insula\.identity\.accounts\.emails has no file reminder\.txt\.jinja2: add it",
        ),
        (
            lambda: Installation(brand=BRAND, apps=(replace(APP, resources=(replace(TICKETS, emails=(WELCOME,)),)),)),
            "two emails have the name 'welcome': rename one",
        ),
        (
            lambda: replace(TICKETS, static={"insula": Path(__file__).parent}),
            "static='insula' is not a free name under /static: choose one such as 'things'",
        ),
        (lambda: replace(TICKETS, static={"../x": Path(__file__).parent}), "is not a free name under /static"),
        (
            lambda: replace(TICKETS, static={"tickets": Path(__file__).with_name("nowhere")}),
            "there is no folder .*nowhere to serve as /static/tickets: add it",
        ),
        (
            lambda: Installation(
                brand=BRAND, apps=(replace(APP, resources=2 * (Resource(static={"tickets": Path(__file__).parent}),)),)
            ),
            "two resources serve /static/'tickets': rename one",
        ),
        (lambda: replace(BRAND, name="Acme\nBcc: all"), "a name is one line of printable characters"),
        (lambda: replace(BRAND, name=" "), "a name is one line of printable characters"),
        (
            lambda: Installation(
                brand=BRAND, apps=(replace(APP, migrations=HERE, resources=(replace(TICKETS, migrations=OTHER),)),)
            ),
            "the branch of revisions support: declared twice by support",
        ),
        (
            lambda: installation_of(TICKETS, Resource(permissions=Duplicate)),
            "declared twice: ticket:read; give one",
        ),
        (lambda: installation_of(Resource(permissions=WithoutMeaning)), "ticket:read does not say what it allows"),
        (lambda: Installation(brand=BRAND, apps=(APP,)).app("help"), "there is no app 'help': the apps are support"),
    ],
)
def test_a_contradictory_manifest_is_refused_with_its_fix(make: Callable[[], object], message: str) -> None:
    assert Installation(brand=BRAND, apps=(APP,)).app("support") is APP
    with pytest.raises(ManifestError, match=message):
        make()


def test_an_installation_gathers_its_emails_after_the_kernels() -> None:
    asking = replace(TICKETS, emails=(INVITATION,))
    installation = Installation(brand=BRAND, apps=(replace(APP, resources=(asking,)),))
    assert installation.emails == (*EMAILS, INVITATION)


def test_an_installation_gathers_the_branches_of_revisions_the_kernels_first() -> None:
    notes = Branch("notes", HERE / "notes")
    app = replace(APP, migrations=HERE, resources=(replace(TICKETS, migrations=notes),))
    installation = Installation(brand=BRAND, apps=(app,))
    assert installation.database.branches == (KERNEL, Branch("support", HERE), notes)
    assert Installation(brand=BRAND, apps=(APP,)).database.branches == (KERNEL,)


def test_an_installation_gathers_the_declarations_of_its_resources() -> None:
    installation = Installation(brand=BRAND, apps=(APP,))
    assert dict(installation.jobs) == {"support.remind": nothing}
    assert installation.schedules == TICKETS.schedules
    assert installation.roles == set(Role)
    assert installation.grants == {role: {Can.READ} for role in MEMBERS}
    assert [one.code for one in installation.published] == [Can.READ]
    assert installation.app("support").public == {"POST /v1/tickets/hook"}


def test_a_joined_resource_follows_the_named_one() -> None:
    answers, ratings = (Resource(tag=Tag(name=name, description="More.")) for name in ("answers", "ratings"))
    app = replace(APP, resources=(TICKETS, Resource(), answers))

    joined = app.joined(ratings, after="tickets")

    assert joined.resources == (TICKETS, ratings, Resource(), answers)
    assert [tag["name"] for tag in joined.tags] == ["tickets", "ratings", "answers"]
    assert [tag["name"] for tag in app.tags] == ["tickets", "answers"]


def test_an_installation_gathers_its_apps_new_tenant_hooks_in_order() -> None:
    other = replace(
        APP, name="help", mount="/help", resources=(), database=DatabasePart(roles=(DeclaredRole(role=HELP),))
    )
    apps = (APP, replace(other, on_new_tenant=greet))
    assert Installation(brand=BRAND, apps=apps).new_tenants.hooks == (greet,)
    both = (replace(APP, on_new_tenant=nothing_yet), replace(other, on_new_tenant=greet))
    assert Installation(brand=BRAND, apps=both).new_tenants.hooks == (nothing_yet, greet)
