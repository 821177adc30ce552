"""Email templates are stored next to the code that sends them; a worker finds them by the names in its queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from pydantic import JsonValue

from insula.core.brand_settings import BrandSettings
from insula.core.errors import ManifestError
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.identity.accounts.emails import WELCOME
from insula.jobs import enqueue
from insula.mail import EmailTemplate
from insula.mail.message import compose
from tenants.database import TENANTS
from tests.support.apps import INSTALLATION, MAIL_JOBS
from tests.support.factories import Factories
from tests.support.mail import Sink
from tests.support.waiting import until
from tests.support.worker import Readback, quick, statuses, working

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = (ROOT / "platform", *(found.parent for found in ROOT.glob("*/__init__.py")))
TEXT: Final = "A ticket at {{ brand }}\n\n{{ name }} asks.\n"
HTML: Final = """{% extends "layout.html.jinja2" %}{% block body %}{{ name }} asks {{ brand }}.{% endblock %}"""
PREVIOUS_EMAILS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "verify_email": {"link": "https://insula.example/account/verify#token=x"},
        "password_reset": {"link": "https://insula.example/account/reset#token=x"},
        "account_exists": {"home": "https://insula.example"},
        "no_account": {"home": "https://insula.example"},
        "welcome": {"name": "Ada"},
        "password_changed": {"home": "https://insula.example"},
        "invitation": {
            "link": "https://insula.example/invitations/accept#token=x",
            "accept": "https://insula.example/api/v1/invitations/accept",
            "token": "x",
            "days": "7",
            "tenant": "Acme",
            "inviter": "Ada",
            "role": "member",
        },
        "ownership_transferred": {"tenant": "Acme", "name": "Ada"},
    }
)
"""The emails of the last version that did not declare its templates, and the arguments of its queued jobs."""


@dataclass(frozen=True)
class Package:
    """A package of a product, with one email."""

    folder: Path
    email: EmailTemplate


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    name = f"desk_{new_id().hex}"  # templates are cached, so each test has its own package
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "new_ticket.txt.jinja2").write_text(TEXT)
    (folder / "new_ticket.html.jinja2").write_text(HTML)
    monkeypatch.syspath_prepend(tmp_path)
    return Package(folder, EmailTemplate("new_ticket", name))


def test_a_template_of_any_package_shows_the_brand_and_extends_the_layout(package: Package) -> None:
    package.email.check()
    message = compose(
        sender="a@b.example",
        brand="Acme & Co",
        to="eve@c.example",
        template=package.email,
        context={"name": "<Ada>"},
        message_key="k",
        accent="#5b2a86",
    )
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert message["Subject"] == "A ticket at Acme & Co"
    assert text.get_content().strip() == "<Ada> asks."
    assert "<html" in html.get_content()
    assert "&lt;Ada&gt; asks Acme &amp; Co." in html.get_content()
    assert ">Acme &amp; Co</p>" in html.get_content()
    assert "background: #5b2a86; color: #ffffff" in html.get_content()


@pytest.mark.parametrize("kind", ["txt", "html"])
def test_an_email_that_lacks_a_file_is_refused(package: Package, kind: str) -> None:
    (package.folder / f"new_ticket.{kind}.jinja2").unlink()
    with pytest.raises(ManifestError, match=rf"'new_ticket': desk_\w+ has no file new_ticket\.{kind}\.jinja2: add it"):
        package.email.check()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("brand", "name"), "a subject can show {{ brand }} and nothing else"),
        ("\n\n{{ name }} asks.\n", "has no subject: write it into the first line"),
        (TEXT.replace("name }}", "name }"), "new_ticket.txt.jinja2, line 3: "),
    ],
)
def test_a_text_that_cannot_be_sent_safely_is_refused(package: Package, text: str, message: str) -> None:
    (package.folder / "new_ticket.txt.jinja2").write_text(text)
    with pytest.raises(ManifestError) as refused:
        package.email.check()
    assert message in str(refused.value)


def test_a_missing_package_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"there is no package nowhere\.at_all"):
        EmailTemplate("new_ticket", "nowhere.at_all").check()
    WELCOME.check()


def test_every_template_in_the_sources_is_declared_and_complete() -> None:
    found = {path.name.removesuffix(".txt.jinja2") for source in SOURCES for path in source.rglob("*.txt.jinja2")}

    assert len(found) > 5
    assert sorted(found) == sorted(template.name for template in INSTALLATION.emails)
    for template in INSTALLATION.emails:
        template.check()


@pytest.mark.parametrize("name", PREVIOUS_EMAILS)
async def test_an_email_queued_by_the_previous_version_is_sent(
    settings: Settings, database: Database, make: Factories, sink: Sink, name: str
) -> None:
    tenant, address = await make.tenant(), f"u-{new_id().hex}@example.com"
    async with database.unit(TENANTS, tenant.id) as unit:
        arguments: dict[str, JsonValue] = {
            "to": address,
            "template": name,
            "context": dict(PREVIOUS_EMAILS[name]),
            "message_key": f"{name}:1",
        }
        await enqueue(unit, "mail.send", arguments, tenant_id=tenant.id)

    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: bool(sink.to(address)))

    assert len(sink.to(address)) == 1


async def test_settings_override_the_name_and_the_colour_of_emails(
    settings: Settings, database: Database, make: Factories, sink: Sink
) -> None:
    tenant, address = await make.tenant(), f"u-{new_id().hex}@example.com"
    async with database.unit(TENANTS, tenant.id) as unit:
        arguments: dict[str, JsonValue] = {
            "to": address,
            "template": "welcome",
            "context": {"name": "Ada"},
            "message_key": f"welcome:{address}",
        }
        await enqueue(unit, "mail.send", arguments, tenant_id=tenant.id)
    branded = sink.settings(settings).model_copy(update={"brand": BrandSettings(name="Beta", accent="#5b2a86")})

    async with working(quick(branded), MAIL_JOBS):
        await until(lambda: bool(sink.to(address)))
    [message] = sink.to(address)
    html = message.get_body(("html",))

    assert message["Subject"] == "Welcome to Beta"
    assert html is not None
    assert "border-top: 4px solid #5b2a86" in html.get_content()


async def test_an_undeclared_email_fails_and_is_kept_for_staff(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant, address = await make.tenant(), f"u-{new_id().hex}@example.com"
    async with database.unit(TENANTS, tenant.id) as unit:
        arguments: dict[str, JsonValue] = {
            "to": address,
            "template": "new_ticket",
            "context": {"name": "Ada"},
            "message_key": "ticket:1",
        }
        await enqueue(unit, "mail.send", arguments, tenant_id=tenant.id)

    async def has_failed() -> bool:
        return await statuses(readback, tenant.id) == {"failed"}

    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(has_failed)
    assert sink.to(address) == []
