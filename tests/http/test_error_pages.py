"""A person's browser gets a page in place of a problem; every program gets the problem."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import httpx
import pytest

from insula.http.responses.problems import MEDIA_TYPE
from tests.http.probe import build, client_of
from tests.support.apps import SITE

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SOME_ID = "0194ff35-2b69-7d27-a0e4-7fa94a59cd3f"


@pytest.fixture(params=("", "/api"), ids=["root", "mounted"])
async def probe(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build(), f"http://localhost{request.param}") as client:
        yield client


def is_page(answer: httpx.Response) -> bool:
    assert answer.headers["content-type"] in (MEDIA_TYPE, "text/html; charset=utf-8")
    return answer.headers["content-type"] != MEDIA_TYPE


@pytest.mark.parametrize(
    ("path", "status", "code", "title"),
    [
        ("/nowhere", 404, "not_found", "Page not found"),
        (f"/v1/things/{SOME_ID}", 404, "not_found", "Page not found"),
        ("/v1/things/17", 422, "invalid_request", "A part of the request does not have the expected form"),
        ("/v1/length", 405, "method_not_allowed", "Not a page"),
        ("/v1/forbid", 403, "forbidden", "Your role does not allow this"),
        ("/v1/limit_rate", 429, "rate_limited", "Too many requests"),
        ("/v1/brew", 418, "im_a_teapot", ""),
        ("/v1/break_down", 500, "internal_failure", "Something went wrong"),
        ("/v1/be_unavailable", 503, "unavailable", "Not available now"),
    ],
)
async def test_a_browser_gets_a_page_with_a_way_home(
    probe: httpx.AsyncClient, path: str, status: int, code: str, title: str
) -> None:
    answer = await probe.get(path, headers={"accept": CHROMIUM})
    plain = await probe.get(path)

    assert (answer.status_code, plain.status_code) == (status, status)
    assert is_page(answer)
    assert f'<h1 id="heading" tabindex="-1">{title}' in answer.text
    assert '<a class="button" href="/">Back to' in answer.text
    assert f"/errors/{code}" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "Accept" in answer.headers["vary"].split(", ")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
    assert "canary" not in answer.text
    for name in ("allow", "retry-after"):
        assert answer.headers.get(name) == plain.headers.get(name)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/*",
        "application/json",
        "application/problem+json",
        "application/json, text/html",
        "text/html, application/json",
        "text/html;q=0.5, application/problem+json;q=0.6",
        "text/html;q=0",
        "text/htmlx",
        "application/json, text/plain, */*",
    ],
)
async def test_a_program_gets_the_problem(probe: httpx.AsyncClient, accept: str) -> None:
    assert not is_page(await probe.get("/nowhere", headers={"accept": accept}))


@pytest.mark.parametrize("accept", [CHROMIUM, FIREFOX, "text/html", "TEXT/HTML; charset=utf-8", "text/html, */*"])
async def test_a_page_needs_html_to_be_named(probe: httpx.AsyncClient, accept: str) -> None:
    assert is_page(await probe.get("/nowhere", headers={"accept": accept}))


@pytest.mark.parametrize("credentials", [{"authorization": "Bearer x"}, {"x-api-key": "insula_ak_x"}])
async def test_a_request_with_credentials_is_a_programs(
    probe: httpx.AsyncClient, credentials: Mapping[str, str]
) -> None:
    assert not is_page(await probe.get("/nowhere", headers={"accept": CHROMIUM, **credentials}))


async def test_of_other_methods_only_a_submitted_form_gets_a_page(probe: httpx.AsyncClient) -> None:
    sent = await probe.post("/nowhere", headers={"accept": CHROMIUM})
    submitted = await probe.post("/nowhere", headers={"accept": CHROMIUM, "sec-fetch-mode": "navigate"})
    fetched = await probe.post("/nowhere", headers={"accept": CHROMIUM, "sec-fetch-mode": "cors"})

    assert [is_page(answer) for answer in (sent, submitted, fetched)] == [False, True, False]


async def test_a_head_request_has_the_headers_of_the_page(probe: httpx.AsyncClient) -> None:
    answer = await probe.head("/nowhere", headers={"accept": CHROMIUM})

    assert (answer.status_code, answer.content, is_page(answer)) == (404, b"", True)


async def test_a_path_is_not_repeated_on_the_page(probe: httpx.AsyncClient) -> None:
    answer = await probe.get("/<script>canary", headers={"accept": CHROMIUM})

    assert answer.status_code == 404
    assert "canary" not in answer.text


async def test_a_page_below_an_app_leads_to_its_documents() -> None:
    async with client_of(build()) as client:
        below = await client.get("/api/nowhere", headers={"accept": CHROMIUM})
        root = await client.get("/nowhere", headers={"accept": CHROMIUM})

    assert 'href="/api/docs"' in below.text
    assert "/docs" not in root.text


async def test_a_closed_documentation_is_not_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.http.probe.SITE", replace(SITE, documented=False))
    async with client_of(build()) as client:
        below = await client.get("/api/nowhere", headers={"accept": CHROMIUM})

    assert is_page(below)
    assert "/docs" not in below.text


async def test_an_unknown_host_gets_no_page_since_its_links_would_lead_nowhere() -> None:
    async with client_of(build(), "http://elsewhere.example") as client:
        answer = await client.get("/", headers={"accept": CHROMIUM})

    assert (answer.status_code, is_page(answer)) == (421, False)
