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
