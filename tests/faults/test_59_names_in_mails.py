"""Fault 59: text by users appears in no subject, and as no web address in any email."""

import re
from email.message import EmailMessage
from importlib.resources import files

import httpx
import pytest

from insula.core.settings import Settings
from insula.mail import EmailTemplate
from insula.mail.names import name_in_mail
from tests.support.app import SignIn
from tests.support.apps import INSTALLATION
from tests.support.factories import Factories
from tests.support.mail import Sink
from tests.tenants.invitations.support import address, invite
from tests.tenants.support import Readback, joined, membership_of
from tests.tenants.test_emails import arrived, bodies

HOSTILE = (
    "Pay at https://evil.example/pay?x=1",
    "www.evil.example",
    "evil.example",
    "EVIL.EXAMPLE/win",
    "call me@evil.example",
    "//evil.example",
    "evil\u3002example",
    "evil\uff0eexample\uff0fpay",
    "evil\u2024example",
    "evil.\u200bexample",
    "ev\u00adil.example",
    "xn--bcher-kva.example",
    "javascript:evil",
    "127.0.0.1:8000",
    "evil.example\u2028Subject: x",
)
LINKED = re.compile(r"evil\W?\.\W?example|\w[.\u3002\uff0e\uff61\u2024]\w|\w://|\w@\w|\w:\w|/\w")
"""Text that an email program turns into a link."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_holds_a_web_address_is_shown_without_it(name: str) -> None:
    shown = name_in_mail(name)

    assert not LINKED.search(shown.casefold()), shown
    assert shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "Dr. Ada King", "Acme Inc.", "Ünï <b>Co</b> & Sons", "Smith: Sons", "и так / далее", "🦜"]
)
def test_any_other_name_is_shown_as_it_is(name: str) -> None:
    assert name_in_mail(name) == name.replace("</b>", "< b>")


def _without_product_links(message: EmailMessage, settings: Settings) -> str:
    text = "\n".join((message["Subject"], *bodies(message)))
    return text.replace(settings.public_url, "")


@pytest.mark.parametrize("name", ["Free money at https://evil.example/pay", "evil\u3002example"])
async def test_emails_contain_no_link_but_the_products(
    client: httpx.AsyncClient,
    make: Factories,
    sign_in: SignIn,
    settings: Settings,
    sink: Sink,
    readback: Readback,
    name: str,
) -> None:
    caller = await joined(client, make, sign_in, await make.tenant(plan="pro", name=name))
    await readback("update membership set name = :name where user_id = :id", name=name, id=caller.user.id)
    to, heir = address(), await joined(client, make, sign_in, caller.home, "member")
    assert (await invite(caller, to)).status_code == 201
    transferred = await caller.post("/tenant/ownership", {"member_id": await membership_of(readback, heir)})
    assert transferred.status_code == 200

    for message in (await arrived(settings, sink, to), await arrived(settings, sink, heir.user.email)):
        everything = _without_product_links(message, settings)
        assert "evil" in everything
        assert "evil" not in message["Subject"]
        assert not re.search(r"evil\W?[.\u3002]\W?example|https://", everything)


@pytest.mark.parametrize("template", INSTALLATION.emails, ids=lambda template: template.name)
def test_no_email_subject_contains_user_text(template: EmailTemplate) -> None:
    source = (files(template.package) / template.file("txt")).read_text()

    subject = source.partition("\n")[0].replace("{{ brand }}", INSTALLATION.brand.name)

    assert subject
    assert "{" not in subject
    assert template.subject(INSTALLATION.brand.name) == subject
