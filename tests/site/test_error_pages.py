"""The pages that explain errors, to which the ``type`` of every problem leads."""

import gc
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain

import httpx
import pytest
from starlette.requests import Request

from insula.core.errors import AppError, ManifestError, NotFound, Retry
from insula.core.settings import Settings
from insula.http.errors import BY_STATUS
from insula.http.responses.media_types import prefers_json
from insula.site.error_pages import by_code, declared_errors
from tests.support.apps import MOUNTS

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROGRAM = {"accept": "application/json"}
WHOLE = {"code": "lamp_broken", "meaning": "It is broken.", "cure": "Mend it.", "retry": Retry.NO}


@pytest.fixture
def _no_classes_left() -> Iterator[None]:
    """Remove the refused classes, which would be among the declared ones until the next collection."""
    yield
    gc.collect()


def problems_in(part: object) -> Iterator[dict[str, str]]:
    """Yield the examples of problems in an OpenAPI document."""
    if isinstance(part, dict):
        if "instance" in part and isinstance(part.get("code"), str):
            yield part
        yield from chain.from_iterable(map(problems_in, part.values()))
    elif isinstance(part, list):
        yield from chain.from_iterable(map(problems_in, part))


async def test_the_type_of_a_problem_leads_to_its_page(client: httpx.AsyncClient, settings: Settings) -> None:
    problem = (await client.get("/api/v1/me")).json()
    page = await client.get(problem["type"], headers=BROWSER)

    assert problem["type"] == f"{settings.public_url}/errors/unauthenticated"
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{problem['title']}</h1>" in page.text


async def test_every_error_that_the_server_can_answer_has_a_page(client: httpx.AsyncClient) -> None:
    documents = [(await client.get(f"{mount}/openapi.json")).json() for mount in ("", *MOUNTS.values())]
    documented = {problem["code"] for problem in problems_in(documents)}
    known = {kind.code for kind in (*declared_errors().values(), *BY_STATUS.values())}

    assert len(documented) > 50
    assert documented <= known
    for code in sorted(known):
        answer = await client.get(f"/errors/{code}", headers=BROWSER)
        assert (answer.status_code, answer.text.count("<h1")) == (200, 1), code


@pytest.mark.parametrize("path", [*(f"{mount}/openapi.json" for mount in MOUNTS.values()), "/openapi-all.json"])
async def test_a_document_links_the_list_and_the_page_of_each_example(
    client: httpx.AsyncClient, settings: Settings, path: str
) -> None:
    document = (await client.get(path)).json()
    examples = list(problems_in(document))

    assert document["externalDocs"]["url"] == f"{settings.public_url}/errors"
    assert len(examples) > 10
    assert {example["type"] for example in examples} == {
        f"{settings.public_url}/errors/{example['code']}" for example in examples
    }


async def test_a_code_that_no_error_has_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/errors/no_such_error", "/errors/error", "/errors/"):
        read, page = await client.get(path, headers=PROGRAM), await client.get(path, headers=BROWSER)
        assert (read.status_code, read.json()["code"]) == (404, "not_found")
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_program_reads_the_explanation_as_json(client: httpx.AsyncClient, settings: Settings) -> None:
    answer = await client.get("/errors/precondition_failed", headers=PROGRAM)
    by_parameter = await client.get("/errors/precondition_failed?format=json", headers=BROWSER)
    kind = declared_errors()["precondition_failed"]

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "type": f"{settings.public_url}/errors/precondition_failed",
        "code": "precondition_failed",
        "status": 412,
        "title": kind.title(),
        "meaning": kind.meaning,
        "cure": kind.cure,
        "retry": "version",
    }
    assert by_parameter.content == answer.content


async def test_a_list_names_every_declared_error_once(client: httpx.AsyncClient) -> None:
    page, answer = await client.get("/errors", headers=BROWSER), await client.get("/errors", headers=PROGRAM)
    listed = [item["code"] for item in answer.json()["items"]]

    assert listed == list(declared_errors())
    assert all(page.text.count(f'href="/errors/{code}"') == 1 for code in listed)
    assert "im_a_teapot" not in listed


async def test_the_pages_are_cached_by_media_type_and_validated_by_etag(client: httpx.AsyncClient) -> None:
    page, read = await client.get("/errors", headers=BROWSER), await client.get("/errors", headers=PROGRAM)
    again = await client.get("/errors", headers={**PROGRAM, "if-none-match": read.headers["etag"]})

    assert page.headers["etag"] != read.headers["etag"]
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    for answer in (page, read, again):
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert "Accept" in answer.headers["vary"].split(", ")


async def test_an_unknown_format_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/errors?format=xml")).json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "html"),
        ("*/*", "html"),
        (BROWSER["accept"], "html"),
        ("application/json", "json"),
        ("application/problem+json", "json"),
        ("application/json, text/html", "json"),
        ("text/html, application/json;q=0.9", "html"),
        ("text/html;q=0.5, application/json; q=0.8", "json"),
        ("application/json;q=0", "html"),
        ("application/json;q=nonsense", "json"),
    ],
)
def test_accept_chooses_between_the_page_and_json(accept: str, answered: str) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})

    assert ("json" if prefers_json(request) else "html") == answered


@pytest.mark.usefixtures("_no_classes_left")
@pytest.mark.parametrize("left_out", ["code", "meaning", "cure", "retry"])
def test_an_error_class_that_lacks_a_part_of_its_declaration_is_refused(left_out: str) -> None:
    attributes = {name: value for name, value in WHOLE.items() if name != left_out}

    with pytest.raises(ManifestError, match=f"error LampBroken lacks {left_out}: add them beside its code"):
        type("LampBroken", (AppError,), attributes)
    with pytest.raises(ManifestError, match="lacks meaning"):
        type("LampBroken", (NotFound,), {**WHOLE, "meaning": ""})


@pytest.mark.usefixtures("_no_classes_left")
def test_a_code_that_does_not_fit_into_a_url_is_refused() -> None:
    with pytest.raises(ManifestError, match="must be lower-case words"):
        type("LampBroken", (AppError,), {**WHOLE, "code": "lamp/broken"})


@pytest.mark.usefixtures("_no_classes_left")
def test_a_declared_error_class_is_accepted_and_a_variant_of_it_needs_no_declaration() -> None:
    lamp = type("LampBroken", (AppError,), WHOLE)
    variant = type("OldLampBroken", (lamp,), {})

    assert by_code([variant]) == {"lamp_broken": variant}


def test_two_error_classes_with_the_same_code_are_refused() -> None:
    class Gone(NotFound):
        """A variant."""

    with pytest.raises(ManifestError, match=r"the code 'not_found', insula.core.errors.NotFound and .*Gone: rename"):
        by_code([NotFound, Gone])
