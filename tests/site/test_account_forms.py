"""The pages that ask for an email with a link: ordinary forms, which need no JavaScript."""

from collections.abc import AsyncIterator

import httpx
import pytest

from insula.core.settings import Settings
from insula.signin.login_throttle import ThrottleRates
from tests.support.app import PASSWORD, Live
from tests.support.emails import Readback, emails_to
from tests.support.factories import Factories
from tests.support.newcomers import forgot, new_email
from tests.support.visitors import Visitor, visitor_at

PAGES = ("register", "forgot", "resend")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def visitor(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


async def submit(visitor: Visitor, name: str, /, site: str = "same-origin", **fields: str) -> httpx.Response:
    headers = {"sec-fetch-site": site}
    return await visitor.client.post(f"/account/{name}", data=fields, headers=headers)


def account(email: str, **change: str) -> dict[str, str]:
    return {"email": email, "name": "Ada", "password": PASSWORD, **change}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_submits_to_itself_under_a_strict_policy(visitor: Visitor, name: str) -> None:
    answer = await visitor.client.get(f"/account/{name}")

    assert answer.status_code == 200
    assert f'<form method="post" action="/account/{name}">' in answer.text
    assert answer.text.count("<h1") == 1
    assert 'autocomplete="email"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "whose", "template"),
    [
        ("register", "stranger", "verify_email"),
        ("register", "user", "account_exists"),
        ("forgot", "user", "password_reset"),
        ("forgot", "stranger", "no_account"),
        ("resend", "stranger", "no_account"),
    ],
)
async def test_a_form_sends_the_email_and_answers_the_same_for_every_address(
    visitor: Visitor, make: Factories, readback: Readback, name: str, whose: str, template: str
) -> None:
    email = (await make.user(password=PASSWORD)).email if whose == "user" else new_email()
    answer = await submit(visitor, name, **(account(email) if name == "register" else {"email": email}))

    assert (answer.status_code, answer.headers["location"]) == (303, f"/account/{name}?sent")
    assert [mail.template for mail in await emails_to(readback, email)] == [template]
    shown = await visitor.client.get(answer.headers["location"])
    assert "We have sent an email to this address" in shown.text
    assert email not in shown.text


async def test_errors_stand_beside_their_fields_and_the_password_is_not_sent_back(
    visitor: Visitor, readback: Readback
) -> None:
    answer = await submit(visitor, "register", email="ada@", name='"><b>', password="much too easy"[:4])

    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert '<p class="error" id="email-error">Write a whole address, such as ada@example.com.</p>' in answer.text
    assert '<p class="error" id="password-error">Use 12 to 128 characters.</p>' in answer.text
    assert '<p class="error" id="name-error" hidden></p>' in answer.text
    assert 'value="ada@"' in answer.text
    assert 'value="&#34;&gt;&lt;b&gt;"' in answer.text
    assert "much" not in answer.text
    assert await emails_to(readback, "ada@") == []


async def test_an_easy_password_is_named_beside_its_field(visitor: Visitor) -> None:
    answer = await submit(visitor, "register", **account(new_email(), password="aaaaaaaaaaaaaaaa"))

    assert answer.status_code == 422
    assert 'id="password-error">This password is easy to guess; choose another<' in answer.text


async def test_pages_and_api_share_the_limit_of_a_caller(visitor: Visitor, live: Live, settings: Settings) -> None:
    email, limit = new_email(), ThrottleRates().mails_by_account_and_address
    found = [(await forgot(visitor, email)).status_code for _ in range(limit)]
    refused = await submit(visitor, "forgot", email=email)
    async with visitor_at(live, settings) as other:
        elsewhere = await submit(other, "forgot", email=email)

    assert found == [202] * limit
    assert (refused.status_code, elsewhere.status_code) == (429, 303)
    assert int(refused.headers["retry-after"]) >= 1
    assert "Too many attempts" in refused.text
    assert f'value="{email}"' in refused.text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
async def test_a_form_of_another_site_is_refused(visitor: Visitor, readback: Readback, site: str) -> None:
    email = new_email()
    refused = await submit(visitor, "forgot", site=site, email=email)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await emails_to(readback, email) == []

    own = await submit(visitor, "forgot", email=email)
    assert own.status_code == 303
    assert len(await emails_to(readback, email)) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"email": "ada@example.com"}', "application/json", 400),
        (b"email=%ff%fe%40example.com", FORM, 400),
        (b"email=\xffda%40example.com", FORM, 400),
        (b"email=a%00da%40example.com", FORM, 400),
        (b"&".join(b"a=b" for _ in range(9)), FORM, 400),
        (b"email=" + b"a" * 8_192, FORM, 413),
        (b"", FORM, 422),
        (b"email=ada%40example.com&admin=1", FORM, 422),
    ],
    ids=["json", "not utf-8", "not ascii", "NUL", "many fields", "large", "empty", "unknown field"],
)
async def test_a_malformed_form_is_refused(visitor: Visitor, body: bytes, content_type: str, status: int) -> None:
    answer = await visitor.client.post("/account/forgot", content=body, headers={"content-type": content_type})

    assert answer.status_code == status
