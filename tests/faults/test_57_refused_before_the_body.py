"""Fault 57: the caller is authorised before the body is received: a refused caller's body is never read."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import problem
from tests.tenants.support import Caller, joined

PATH = "/api/v1/racks"
MANY = b"[" + b",".join([b"1"] * 60_000) + b"]"


class Body:
    """A body in one piece that records whether it was read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.was_read = True
        yield self.content


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(client, make, sign_in, tenant)


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


async def sent(
    client: httpx.AsyncClient, headers: Mapping[str, str], content: bytes, path: str = PATH
) -> tuple[httpx.Response, bool]:
    """Return the answer, and whether the body was read."""
    body = Body(content)
    answer = await client.post(path, content=body, headers={**headers, "Content-Type": "application/json"})
    return answer, body.was_read


async def test_the_body_of_an_unauthorised_caller_is_not_read(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, owner: Caller
) -> None:
    viewer = await sign_in(await make.member(tenant, "viewer"), tenant)
    stranger = {"Authorization": "Bearer nothing"}
    seen = {}
    for name, headers in (("anonymous", {}), ("stranger", stranger), ("viewer", viewer), ("owner", owner.token)):
        answer, was_read = await sent(client, headers, b'{"name": "Temple"}')
        seen[name] = (answer.status_code, was_read)

    assert seen == {"anonymous": (401, False), "stranger": (401, False), "viewer": (403, False), "owner": (201, True)}


async def test_the_body_of_a_rate_limited_caller_is_not_read(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    owner = await joined(client, make, sign_in, await make.tenant(entitlements={"requests_per_minute": 2, "racks": 9}))
    answers = [await sent(client, owner.token, f'{{"name": "Temple {number}"}}'.encode()) for number in range(3)]

    assert [(answer.status_code, was_read) for answer, was_read in answers][:1] == [(201, True)]
    assert (answers[-1][0].status_code, answers[-1][1]) == (429, False)


async def test_errors_in_a_body_are_reported_to_an_authorised_caller(client: httpx.AsyncClient, owner: Caller) -> None:
    for content, told in ((b"{", (400, "malformed_json")), (MANY, (422, "json_too_complex"))):
        anonymous, _ = await sent(client, {}, content)
        rightful, _ = await sent(client, owner.token, content)
        assert (anonymous.status_code, problem(rightful)) == (401, told)


async def test_an_idempotency_key_is_claimed_only_by_an_authorised_caller(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, owner: Caller
) -> None:
    viewer = await sign_in(await make.member(tenant, "viewer"), tenant)
    key = {"Idempotency-Key": "once"}
    refused, _ = await sent(client, {**viewer, **key}, b'{"name": "Temple"}')
    made = [await sent(client, {**owner.token, **key}, b'{"name": "Temple"}') for _ in range(2)]

    assert refused.status_code == 403
    assert [answer.status_code for answer, _ in made] == [201, 201]
    assert made[0][0].json() == made[1][0].json()


class TestBodyLimit:
    async def test_the_limit_is_the_routes(self, client: httpx.AsyncClient, owner: Caller) -> None:
        rack = await owner.rack()
        small, large = b"x" * 260_000, b"x" * 270_000
        single, bulk = b'{"title": "Front page", "body": "%s"}', b'{"items": [{"title": "Front page", "body": "%s"}]}'
        answers = {
            (path, len(text)): await client.post(
                f"/api/v1{rack}/{path}",
                content=frame % text,
                headers={**owner.token, "Content-Type": "application/json"},
            )
            for path, frame in (("books", single), ("books/bulk", bulk))
            for text in (small, large)
        }

        # A body within the limit is received, and refused because its text is too long for a book.
        assert {name: problem(answer)[0] for name, answer in answers.items()} == {
            ("books", 260_000): 422,
            ("books", 270_000): 413,
            ("books/bulk", 260_000): 422,
            ("books/bulk", 270_000): 422,
        }

    async def test_a_larger_body_is_refused_before_it_is_read(self, client: httpx.AsyncClient, owner: Caller) -> None:
        body = Body(b'{"name": "Temple"}')
        headers = {**owner.token, "Content-Type": "application/json", "Content-Length": "300000"}
        answer = await client.post(PATH, content=body, headers=headers)

        assert (problem(answer), body.was_read) == ((413, "payload_too_large"), False)
        assert answer.headers["connection"] == "close"

    async def test_the_limit_holds_for_a_body_without_content_length(
        self, client: httpx.AsyncClient, owner: Caller
    ) -> None:
        answer, was_read = await sent(client, owner.token, b" " * 300_000 + b'{"name": "Temple"}')
        assert (problem(answer), was_read) == ((413, "payload_too_large"), True)
