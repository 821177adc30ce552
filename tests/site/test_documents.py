"""The documents of the four apps, their pages and the pages' files."""

import asyncio
import re
from typing import Final

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from insula.asgi import create_app
from insula.callers import ApiKeys
from insula.core.settings import Settings
from insula.http.openapi.security import TAKES_KEYS
from insula.site.openapi import apps_of
from scripts.check_openapi import findings
from tests.support.app import Live
from tests.support.apps import INSTALLATION
from tests.support.documents import operations_of
from tests.support.project import root_app

MOUNTS = tuple(mount for _, mount, _ in apps_of(root_app()))
KEYED = {app.mount for app in INSTALLATION.apps if any(isinstance(kind, ApiKeys) for kind in app.callers)}
"""The mounts of apps that accept API keys."""

PROBLEM = "application/problem+json"
_ABOUT_TOKENS: Final = ("revoke_token", "introspect_token")
"""Like ``token``, they answer with errors of OAuth (RFC 6749)."""


@pytest.fixture(params=MOUNTS, ids=lambda mount: mount or "root")
def mount(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_the_document_is_valid_and_has_the_mount_as_its_server(client: httpx.AsyncClient, mount: str) -> None:
    document = (await client.get(f"{mount}/openapi.json")).json()

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["servers"][0]["url"] == (mount or "/")
    schemes = document["components"].get("securitySchemes", {})
    assert [(name, scheme["type"]) for name, scheme in schemes.items()] == (
        [("bearer", "http"), ("oauth", "oauth2")] if mount else []
    )
    assert [scheme["scheme"] for scheme in schemes.values() if "scheme" in scheme] == (["bearer"] if mount else [])


async def test_the_scopes_of_an_app_are_described(client: httpx.AsyncClient, settings: Settings, mount: str) -> None:
    document = (await client.get(f"{mount}/openapi.json")).json()
    ways = [way for path in document["paths"].values() for found in path.values() for way in found["security"]]
    named = {scope for way in ways for scope in way.get("oauth", ())}
    if not mount:
        assert ways == []
        return
    flow = document["components"]["securitySchemes"]["oauth"]["flows"]["authorizationCode"]
    everything = (await client.get("/openapi-all.json")).json()["components"]["securitySchemes"]["oauth"]["flows"]

    assert named
    assert named <= flow["scopes"].keys()
    assert all(flow["scopes"].values())
    assert flow["scopes"].items() <= everything["authorizationCode"]["scopes"].items()
    origin = settings.public_url.rstrip("/")
    assert (flow["authorizationUrl"], flow["tokenUrl"]) == (f"{origin}/auth/authorize", f"{origin}/auth/token")


async def test_the_redirect_page_of_the_docs_pages_keeps_the_code_to_itself(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs/oauth2-redirect?code=a-secret-code&state=b")

    assert page.status_code == 200
    assert "a-secret-code" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["form-action"]) == ("'none'", "'self'", "'none'")
    assert "connect-src" not in policy
    assert re.findall(r"<script(?! src=)|\son\w+=|javascript:", page.text) == []


async def test_the_docs_pages_name_their_oauth_client_if_there_is_one(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    client_id = "019ab2c4-9e00-7d0c-8000-000000000009"
    http = settings.http.model_copy(update={"docs_client_id": client_id})
    app = create_app(settings.model_copy(update={"http": http}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.public_url) as other:
        named, root = (await other.get("/api/docs")).text, (await other.get("/docs")).text

    assert f'data-client="{client_id}"' in named
    assert f'data-resource="{settings.public_url}/api"' in named
    assert f'data-redirect="{settings.public_url}/docs/oauth2-redirect"' in named
    assert "data-client" not in root  # it has no operation that takes a token
    assert "data-client" not in (await client.get("/api/docs")).text


async def test_api_keys_are_documented_where_they_are_accepted(client: httpx.AsyncClient, mount: str) -> None:
    document = (await client.get(f"{mount}/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    assert any(operation.get(TAKES_KEYS) for operation in operations) == (mount in KEYED)
    assert all(not way or list(way[0]) == ["bearer"] for way in (found["security"] for found in operations))


async def test_operation_ids_are_unique_and_every_error_is_a_problem(client: httpx.AsyncClient, mount: str) -> None:
    document = (await client.get(f"{mount}/openapi.json")).json()
    operations = [operation for path in operations_of(document).values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    others = {
        (operation["operationId"], status)
        for operation in operations
        for status, answer in operation["responses"].items()
        if status >= "400" and PROBLEM not in answer["content"]
    }

    assert len(ids) == len(set(ids))
    of_oauth = {(name, status) for name in ("token", *_ABOUT_TOKENS) for status in ("400", "401", "429")}
    assert others <= {("readyz", "503"), *of_oauth}
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_a_cached_document_gets_304(client: httpx.AsyncClient, mount: str) -> None:
    first = await client.get(f"{mount}/openapi.json")
    tag = first.headers["etag"]
    named = (tag, f"W/{tag}", f'"other", {tag[:-1]}-gzip"', "*")
    known = [await client.get(f"{mount}/openapi.json", headers={"if-none-match": value}) for value in named]
    other = await client.get(f"{mount}/openapi.json", headers={"if-none-match": '"other"'})
    again = known[0]

    assert [answer.status_code for answer in known] == [304] * len(named)
    assert other.status_code == 200

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_one_document_has_the_operations_of_all_apps(client: httpx.AsyncClient) -> None:
    merged = (await client.get("/openapi-all.json")).json()
    own = {
        f"{mount}{path}": set(operations)
        for mount in MOUNTS
        for path, operations in (await client.get(f"{mount}/openapi.json")).json()["paths"].items()
    }

    assert list(findings(merged)) == []
    assert {path: set(operations) for path, operations in merged["paths"].items()} == own
    assert merged["servers"][0]["url"] == "/"


async def test_each_document_is_without_fault(client: httpx.AsyncClient, mount: str) -> None:
    assert list(findings((await client.get(f"{mount}/openapi.json")).json())) == []


async def test_requests_for_a_document_at_once_get_the_same_one(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/openapi-all.json") for _ in range(4)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == 1


@pytest.mark.parametrize("page", ["docs", "redoc"])
async def test_a_page_loads_only_local_files_and_no_inline_script(
    client: httpx.AsyncClient, mount: str, page: str
) -> None:
    answer = await client.get(f"{mount}/{page}")
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text)
    policy = answer.headers["content-security-policy"]

    assert answer.status_code == 200
    assert re.findall(r"(?:src|href)=\"(?![/#])", answer.text) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", answer.text) == []
    assert "script-src 'self';" in policy
    assert files
    for file in files:
        assert (await client.get(file)).status_code == 200


async def test_files_with_a_version_in_their_path_are_immutable(client: httpx.AsyncClient) -> None:
    vendored = await client.get("/static/redoc-2.5.4/redoc.standalone.js")
    ours = await client.get("/static/insula/insula.css")
    again = await client.get("/static/insula/insula.css", headers={"if-none-match": ours.headers["etag"]})

    assert "immutable" in vendored.headers["cache-control"]
    assert "immutable" not in ours.headers["cache-control"]
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        *("../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "insula/../../pages.py", "nothing"),
        *(
            "invitations/../pages.py",
            "invitations/%2e%2e/pages.py",
            "invitations/..%2fpages.py",
            "invitations//etc/passwd",
        ),
        *("invitations/../../invitations/pages.py", "invitations/nothing", "invitations", "invitations/"),
    ],
)
async def test_nothing_beside_the_static_files_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(httpx.URL("/static/").copy_with(raw_path=f"/static/{path}".encode()))

    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)


def test_every_app_has_the_same_exception_handlers(live: Live) -> None:
    apps = [app for _, _, app in apps_of(live.app)]

    assert len(apps) == len(MOUNTS) > 1
    assert all(app.exception_handlers == live.app.exception_handlers for app in apps)
