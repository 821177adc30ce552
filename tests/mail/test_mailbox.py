"""The mailbox page of a local installation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from insula.core.settings import Settings
from insula.dev.asgi import create_app
from insula.identity.accounts.emails import WELCOME
from insula.mail.message import compose
from insula.worker.mailers import mailer_of
from tests.support.app import Live

LINK = "http://127.0.0.1:8000/verify?token=abc"


@asynccontextmanager
async def visited(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        transport = httpx.ASGITransport(Live(app, state["kernel"]))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            yield client


async def keep_a_mail(settings: Settings) -> None:
    context = {"name": f"<script>alert(1)</script> {LINK}"}
    await mailer_of(settings).send(
        compose(
            sender="a@b.example",
            brand="Insula",
            to="ada@example.com",
            template=WELCOME,
            context=context,
            message_key="k",
        ),
        _unclaimed,
    )


async def _unclaimed() -> None:
    """Claim nothing: no job sends this email."""


async def test_a_developers_terminal_shows_the_address_of_each_email(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local = settings.model_copy(update={"environment": "local", "data_dir": tmp_path, "log_format": "console"})
    await keep_a_mail(local)
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MAIL ")]

    assert line.startswith(f"MAIL    to ada@example.com: {settings.public_url}/mailbox/")


async def test_a_local_installation_shows_its_emails(settings: Settings, tmp_path: Path) -> None:
    local = settings.model_copy(update={"environment": "local", "data_dir": tmp_path})
    async with visited(local) as client:
        assert "None yet" in (await client.get("/mailbox")).text
        await keep_a_mail(local)
        shown = await client.get("/mailbox")
        assert "ada@example.com" in shown.text
        path = shown.text.split('<a href="/mailbox/')[1].split('"')[0]
        mail = await client.get(f"/mailbox/{path}")
        assert f'<a href="{LINK}" rel="noreferrer">' in mail.text
        whole = await client.get(f"/mailbox/{path}/html")
        for page in (shown, mail, whole):
            assert page.status_code == 200
            assert "<script>alert" not in page.text
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
        for nothing in ("0" * 32, "..%2fsecrets", "x"):
            assert (await client.get(f"/mailbox/{nothing}")).status_code == 404


async def test_an_installation_with_a_mail_server_has_no_mailbox(settings: Settings, client: httpx.AsyncClient) -> None:
    await keep_a_mail(settings)
    for path in ("/mailbox", "/mailbox/x", "/mailbox/x/html"):
        assert (await client.get(path)).status_code == 404


async def test_the_mailbox_is_served_only_in_development(settings: Settings, tmp_path: Path) -> None:
    local = settings.model_copy(update={"environment": "local", "data_dir": tmp_path})
    await keep_a_mail(local)
    async with visited(local.model_copy(update={"environment": "test"})) as client:
        assert (await client.get("/mailbox")).status_code == 404
    async with visited(local) as client:
        assert (await client.get("/mailbox")).status_code == 200
