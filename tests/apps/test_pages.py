"""A resource of any package can have pages and static files, which the root app serves in the product's layout."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from insula.apps import Installation, Resource
from insula.asgi import create_app
from insula.core.brand_settings import BrandSettings
from insula.core.errors import ManifestError
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.http.routing.route import PublicRoute, UndeclaredRoute
from insula.pages.site import html_page
from tests.support.apps import INSTALLATION

PAGE = """{% extends "frame.html" %}{% block body %}<p>{{ said }}</p>{% endblock %}"""
PUBLIC = frozenset({"GET /desk"})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resource:
    """Return a resource whose page and file are in its own package."""
    name = f"desk_{new_id().hex}"  # templates are cached, so each test has its own package
    for folder in ("templates", "static"):
        (tmp_path / name / folder).mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "templates" / "desk.html").write_text(PAGE)
    (tmp_path / name / "static" / "desk.js").write_text("'use strict';")
    (tmp_path / name / "secret.txt").write_text("not to be served")
    monkeypatch.syspath_prepend(tmp_path)
    router = APIRouter(route_class=PublicRoute, include_in_schema=False)

    @router.get("/desk")
    async def show(request: Request) -> HTMLResponse:
        return html_page(request, "desk.html", name, title="The desk", said="<b>Ask</b>")

    return Resource(pages=(router,), public_pages=PUBLIC, static={"desk": tmp_path / name / "static"})


def product(*resources: Resource) -> Installation:
    brand = replace(INSTALLATION.brand, name="Acme Desk")
    app = replace(INSTALLATION.apps[0], resources=resources)
    return replace(INSTALLATION, brand=brand, apps=(app,), granted={})


@pytest.fixture
async def visitor(settings: Settings, desk: Resource) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, product(desk)))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


async def test_a_page_extends_the_products_layout_and_escapes_its_texts(
    visitor: httpx.AsyncClient,
) -> None:
    answer = await visitor.get("/desk")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "Acme Desk</a>" in answer.text
    assert "<p>&lt;b&gt;Ask&lt;/b&gt;</p>" in answer.text


async def test_a_page_for_users_has_no_navigation_between_documents(visitor: httpx.AsyncClient) -> None:
    page, home = await visitor.get("/desk"), await visitor.get("/")

    assert "/docs" not in page.text
    assert 'href="/docs"' in home.text


async def test_settings_give_pages_another_name_colour_logo_and_home(
    settings: Settings, desk: Resource, tmp_path: Path
) -> None:
    logo = tmp_path / "acme.png"
    logo.write_bytes(b"picture")
    brand = BrandSettings(name="Beta", accent="#5b2a86", logo=str(logo), home_url="https://beta.example/start")
    branded = settings.model_copy(update={"brand": brand})
    transport = httpx.ASGITransport(create_app(branded, product(desk)))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        page = await client.get("/desk")
        style = await client.get("/static/insula/look.css")
        picture = await client.get("/static/insula/logo.png")
        sent = await client.post("/static/insula/look.css")
        nowhere = await client.get("/nowhere", headers={"accept": "text/html"})

    assert "<title>The desk · Beta</title>" in page.text
    assert '<a class="brand" href="https://beta.example/start"><img src="/static/insula/logo.png"' in page.text
    assert '<a class="button" href="https://beta.example/start">Back to Beta</a>' in nowhere.text
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert ":root{--accent:#5b2a86;--on-accent:#ffffff}" in style.text
    assert (picture.headers["content-type"], picture.content) == ("image/png", b"picture")
    assert sent.status_code == 405


async def test_the_installations_brand_gives_the_defaults(settings: Settings, desk: Resource) -> None:
    installation = product(desk)
    own = replace(installation, brand=replace(installation.brand, accent="#0a5f0a", home_url="/start"))
    transport = httpx.ASGITransport(create_app(settings, own))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        page, style = await client.get("/desk"), await client.get("/static/insula/look.css")

    assert '<a class="brand" href="/start"><img src="/static/insula/logo.svg"' in page.text
    assert "--accent:#0a5f0a" in style.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accent": "#ffcc00"}, "has a contrast of"),
        ({"logo": Path("nowhere.svg")}, "there is no file nowhere.svg"),
        ({"home_url": "javascript:alert(1)"}, "neither a path nor an address"),
        ({"name": "two\nlines"}, "one line of printable characters"),
    ],
)
def test_a_wrong_brand_does_not_build(change: dict[str, str | Path], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        replace(INSTALLATION.brand, **change)  # type: ignore[arg-type]  # each change has the field's type


async def test_static_files_are_served_beside_the_kernels_and_nothing_else_is(visitor: httpx.AsyncClient) -> None:
    found = {path: (await visitor.get(f"/static/{path}")).status_code for path in ("desk/desk.js", "insula/insula.css")}
    outside = [
        await visitor.get(httpx.URL("/static/").copy_with(raw_path=f"/static/{path}".encode()))
        for path in ("desk/../secret.txt", "desk/..%2fsecret.txt", "desk/%2e%2e/secret.txt", "desk/desk.html", "desk")
    ]

    assert found == {"desk/desk.js": 200, "insula/insula.css": 200}
    assert [answer.status_code for answer in outside] == [404] * len(outside)


async def test_static_files_are_not_immutable_under_any_folder_name(settings: Settings, desk: Resource) -> None:
    named = replace(desk, static={"redoc-desk": desk.static["desk"]})
    transport = httpx.ASGITransport(create_app(settings, product(named)))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        answer = await client.get("/static/redoc-desk/desk.js")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")


def test_a_page_that_is_not_declared_public_does_not_build(settings: Settings, desk: Resource) -> None:
    create_app(settings, product(desk))
    with pytest.raises(UndeclaredRoute, match="GET /desk"):
        create_app(settings, product(replace(desk, public_pages=frozenset())))


async def test_a_product_without_invitations_has_no_page_for_them(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/invitations/accept")).status_code == 404
    assert (await visitor.get("/static/invitations/accept.js")).status_code == 404
