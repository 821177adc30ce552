"""A silent SMTP server: one email detects it, one probes it, and the others give up at once."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.identity.accounts.emails import WELCOME
from insula.mail.message import compose
from insula.worker.mailers import SmtpMailer
from tests.support.mail import Sink
from tests.support.waiting import until


async def _nothing() -> None:
    """Claim nothing: no job sends these emails."""


def sending(mailer: SmtpMailer, to: str) -> asyncio.Task[None]:
    message = compose(
        sender="a@b.example", brand="Insula", to=to, template=WELCOME, context={"name": "Ada"}, message_key=to
    )
    return asyncio.create_task(mailer.send(message, _nothing))


async def test_with_a_silent_server_one_email_waits_and_the_others_give_up_at_once(
    settings: Settings, sink: Sink
) -> None:
    mail = sink.settings(settings).mail.model_copy(update={"timeout": 4.0})
    mailer = SmtpMailer(mail)
    silent, answered = (f"u-{new_id().hex}@example.com" for _ in range(2))
    sink.holds[silent] = "RCPT"
    found_out = sending(mailer, silent)
    assert isinstance((await asyncio.gather(found_out, return_exceptions=True))[0], TimeoutError)

    probe = sending(mailer, silent)
    await until(lambda: sink.held.count(silent) == 2)
    others = [sending(mailer, silent) for _ in range(3)]
    ended = await asyncio.gather(*others, return_exceptions=True)
    assert all(isinstance(error, TimeoutError) for error in ended)
    assert not probe.done()

    await sending(mailer, answered)  # the server answers again, so the full timeout applies
    assert not probe.done()
    patient = sending(mailer, silent)
    await asyncio.gather(probe, return_exceptions=True)
    sink.holds.clear()
    await patient
    assert (len(sink.to(answered)), len(sink.to(silent))) == (1, 1)


async def test_the_answer_to_a_sent_message_has_a_longer_timeout(settings: Settings, sink: Sink) -> None:
    mail = sink.settings(settings).mail.model_copy(update={"timeout": 4.0})
    mailer, address = SmtpMailer(mail), f"u-{new_id().hex}@example.com"
    other = f"u-{new_id().hex}@example.com"
    sink.holds |= {address: "DATA", other: "RCPT"}
    sent, unsent = sending(mailer, address), sending(mailer, other)
    await asyncio.gather(unsent, return_exceptions=True)
    assert isinstance(unsent.exception(), TimeoutError)
    sink.holds.clear()
    await sent


async def test_a_silent_name_server_is_queried_once_and_delays_no_email_for_long(
    settings: Settings, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, lookups = threading.Event(), []

    def name() -> str:
        lookups.append(1)
        answer.wait(60)
        return "worker.example.com"

    monkeypatch.setattr("insula.worker.mailers.socket", SimpleNamespace(getfqdn=name))  # the sink calls it too
    mailer = SmtpMailer(sink.settings(settings).mail.model_copy(update={"timeout": 4.0}))
    addresses = [f"u-{new_id().hex}@example.com" for _ in range(4)]
    try:
        for address in addresses[:3]:
            await sending(mailer, address)
        assert (len(lookups), [len(sink.to(address)) for address in addresses]) == (1, [1, 1, 1, 0])
        assert [sink.names[address] for address in addresses[:3]] == ["[127.0.0.1]"] * 3
    finally:
        answer.set()

    async def named() -> bool:
        await sending(mailer, addresses[3])
        return sink.names[addresses[3]] == "worker.example.com"

    await until(named)
    assert len(lookups) == 1
