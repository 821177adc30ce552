"""Email: in text and HTML, sent once, with headers that cannot be forged."""

import ssl
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from aiosmtplib import SMTPConnectError

from insula.core import clock
from insula.core.errors import InvalidValue
from insula.core.ids import new_id
from insula.core.settings import MailSettings, Settings
from insula.db.engine.pools import Database
from insula.identity.accounts.emails import WELCOME
from insula.mail import send_mail
from insula.worker import mailers
from insula.worker.mailers import SmtpMailer
from tenants.database import TENANTS
from tests.support.apps import MAIL_JOBS
from tests.support.factories import Factories
from tests.support.mail import Sink, TlsSink
from tests.support.waiting import until
from tests.support.worker import Readback, job, quick, statuses, working


async def welcome(database: Database, tenant_id: UUID, to: str, key: str, name: str = "Ada") -> None:
    async with database.unit(TENANTS, tenant_id) as unit:
        await send_mail(unit, tenant_id=tenant_id, to=to, template=WELCOME, context={"name": name}, message_key=key)


def new_address() -> str:
    return f"u-{new_id().hex}@example.com"


async def test_an_email_arrives_in_text_and_html(
    settings: Settings, database: Database, make: Factories, sink: Sink
) -> None:
    tenant, address = await make.tenant(), new_address()
    await welcome(database, tenant.id, address, "one", name="Ünï <b>Code</b>")

    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: bool(sink.to(address)))

    (message,) = sink.to(address)
    assert message["From"] == "Insula <no-reply@insula.example>"
    assert message["Subject"] == "Welcome to Insula"
    assert message["Message-ID"].endswith("@insula.example>")
    assert abs(message["Date"].datetime - clock.now()) < timedelta(minutes=1)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Hello Ünï <b>Code</b>," in text.get_content()
    assert "Hello Ünï &lt;b&gt;Code&lt;/b&gt;," in html.get_content()


async def test_one_email_is_sent_for_a_key_and_its_message_id_is_derived_from_the_key(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant, other, address = await make.tenant(), await make.tenant(), new_address()
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        for key in ("one", "one", "two"):
            await welcome(database, tenant.id, address, key)
        await welcome(database, other.id, address, "one")  # another tenant's key is another key
        await until(lambda: len(sink.to(address)) == 3)
        await welcome(database, tenant.id, address, "one")  # requested again later
        await until(lambda: _done(readback, tenant.id))

    ids = [message["Message-ID"] for message in sink.to(address)]
    assert len(ids) == 3
    assert len(set(ids)) == 2


async def _done(readback: Readback, tenant_id: UUID) -> bool:
    return await statuses(readback, tenant_id) == {"succeeded"}


async def test_a_refused_email_is_sent_again_with_the_same_id(
    settings: Settings, database: Database, make: Factories, sink: Sink
) -> None:
    tenant, address = await make.tenant(), new_address()
    sink.refusals[address] = 3  # a refusal uses up none of the two claims
    await welcome(database, tenant.id, address, "one")
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: bool(sink.to(address)))
    assert len(sink.to(address)) == 1
    assert sink.refusals[address] == 0


async def test_a_suspended_tenant_sends_nothing(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    suspended, active, address = await make.tenant(status="suspended"), await make.tenant(), new_address()
    await welcome(database, suspended.id, address, "one")
    await welcome(database, active.id, address, "one")
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: _aborted(readback, suspended.id))
        await until(lambda: bool(sink.to(address)))
    assert len(sink.to(address)) == 1
    assert await readback("select 1 from job_effect where tenant_id = :id", id=suspended.id) == []


async def _aborted(readback: Readback, tenant_id: UUID) -> bool:
    return await statuses(readback, tenant_id) == {"aborted"}


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nBcc: all@example.com",
        "ada@example.com\nBcc: all@example.com",
        "ada@example.com, all@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\0",
        "ada",
        "@example.com",
        "",
        "ada@example.com\u2028x",
    ],
)
async def test_an_invalid_address_is_refused_when_it_is_enqueued(
    database: Database, make: Factories, readback: Readback, to: str
) -> None:
    tenant = await make.tenant()
    with pytest.raises(InvalidValue):
        await welcome(database, tenant.id, to, "bad")
    await welcome(database, tenant.id, "ada@example.com", "good")
    rows = await readback("select args from jobs.procrastinate_jobs where tenant_id = :id", id=tenant.id)
    assert [row["args"]["arguments"]["to"] for row in rows] == ["ada@example.com"]  # type: ignore[index]  # JSON


@pytest.mark.parametrize("name", ["Ada\r\nBcc: all@example.com", "Ada\nSubject: x", "Ada\x7f", "Ada\0"])
async def test_a_name_that_could_forge_a_header_is_refused(database: Database, make: Factories, name: str) -> None:
    tenant = await make.tenant()
    with pytest.raises(InvalidValue):
        await welcome(database, tenant.id, "ada@example.com", "bad", name=name)
    await welcome(database, tenant.id, "ada@example.com", "good", name="Ada O'Neill, ß")


async def test_the_arguments_of_a_sent_email_are_deleted(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant, address = await make.tenant(), new_address()
    await welcome(database, tenant.id, address, "one")
    (queued,) = await readback("select id from jobs.procrastinate_jobs where tenant_id = :id", id=tenant.id)
    number = queued["id"]
    assert isinstance(number, int)
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: _done(readback, tenant.id))
    assert (await job(readback, number))["args"] == {"tenant_id": str(tenant.id)}


@pytest.mark.parametrize("by_port", [False, True])
async def test_an_email_is_sent_over_tls_from_the_first_byte(
    tls_sink: TlsSink, monkeypatch: pytest.MonkeyPatch, *, by_port: bool
) -> None:
    monkeypatch.setattr(mailers, "_SUBMISSIONS", tls_sink.port if by_port else 465)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_sink.authority.certificate))
    ours = MailSettings(host="127.0.0.1", port=tls_sink.port, implicit_tls=not by_port, timeout=5)
    message, address = EmailMessage(), new_address()
    message["To"], message["From"] = address, "no-reply@insula.example"
    message.set_content("Hello")

    await SmtpMailer(ours).send(message, _unclaimed)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises((ssl.SSLError, SMTPConnectError)):  # the server's certificate is not trusted
        await SmtpMailer(ours).send(message, _unclaimed)

    assert [str(sent["To"]) for sent in tls_sink.messages] == [address]


async def _unclaimed() -> None:
    """Claim the message without the database."""
